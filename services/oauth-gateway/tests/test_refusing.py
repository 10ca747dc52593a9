"""Which problem a platform's refusal becomes, and whether it is worth asking again."""

from datetime import timedelta

import pytest

from common.http.problems import Problem
from oauth_gateway.http.refusing import FINISHING, PASTING, PLAIN, START_AGAIN, Asking, refusing
from platforms.errors import (
    ContentRefused,
    NotConfigured,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    Unavailable,
)

WAIT = RateLimited(timedelta(seconds=30))


def told(asking: Asking, error: PlatformError) -> Problem:
    with pytest.raises(Problem) as refused, refusing(asking):
        raise error
    return refused.value


@pytest.mark.parametrize("asking", [FINISHING, PASTING])
def test_what_the_platform_will_never_take_is_the_callers_to_mend(asking: Asking) -> None:
    problem = told(asking, ContentRefused())
    assert (problem.status, problem.code, problem.retry_after) == (422, "invalid_request", None)


@pytest.mark.parametrize("asking", [FINISHING, PASTING])
def test_an_application_that_is_refused_is_the_operators_to_mend(asking: Asking) -> None:
    problem = told(asking, NotConfigured())
    assert (problem.status, problem.code, problem.retry_after) == (
        503,
        "platform_unavailable",
        None,
    )
    assert problem.text
    assert problem.text.en.endswith("Contact support.")


@pytest.mark.parametrize("error", [OutcomeUnknown(), Unavailable(), WAIT])
def test_a_finish_without_an_answer_starts_anew(error: PlatformError) -> None:
    problem = told(FINISHING, error)
    assert (problem.status, problem.code) == (503, "platform_unavailable")
    assert (problem.text, problem.retry_after) == (START_AGAIN, None)


@pytest.mark.parametrize("asking", [PLAIN, PASTING])
def test_elsewhere_it_says_when_to_ask_again(asking: Asking) -> None:
    assert told(asking, Unavailable()).retry_after
    assert told(asking, WAIT).retry_after == 30
