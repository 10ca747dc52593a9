"""The checker against small histories made by hand: one for each way to break a promise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from chaos import checker
from chaos.history import Accepted, Call, Cancel, Death, History, Line, Post, Rate, Row

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def lines(*said: tuple[float, str, str]) -> list[Line]:
    return [Line(at(when), kind, status) for when, kind, status in said]


ROW = Row("p1", "anna", "vk", "clip 1", "published", 2, post_id="1_1")
POST = Post("vk", "1_1", "clip 1", at(2))
STORY = lines(
    (0, "requested", "publishing"),
    (1, "claimed", "publishing"),
    (1, "step_started", "publishing"),
    (2, "step_done", "publishing"),
    (3, "published", "published"),
)
GOOD = History(
    accepted=[Accepted("p1", "clip 1")],
    rows=[ROW],
    timelines={"p1": STORY},
    posts=[POST],
)
CALLED_OFF = lines((0, "requested", "publishing"), (1, "cancelled", "cancelled"))


def found(history: History) -> dict[str, int]:
    """The broken promises alone."""
    counts = checker.counted(checker.violations(history))
    return {promise: count for promise, count in counts.items() if count}


def ended(status: str, *story: tuple[float, str, str], posts: list[Post]) -> History:
    told = lines(*story)
    moves = sum(a.status != b.status for a, b in pairwise(told))
    row = replace(ROW, status=status, version=moves + 1, post_id=None)
    return replace(GOOD, rows=[row], timelines={"p1": told}, posts=posts)


def test_a_history_without_fault_breaks_nothing() -> None:
    assert found(GOOD) == {}


def test_an_accepted_publication_without_a_row_is_lost() -> None:
    assert found(replace(GOOD, accepted=[*GOOD.accepted, Accepted("p2", "clip 2")])) == {"lost": 1}


def test_a_publication_that_never_ends_is_lost() -> None:
    history = ended("publishing", (0, "requested", "publishing"), posts=[])
    assert found(history) == {"lost": 1}


def test_a_published_one_that_is_not_in_the_ledger_is_lost() -> None:
    assert found(replace(GOOD, posts=[])) == {"lost": 1}


def test_a_published_one_whose_post_was_deleted_is_lost() -> None:
    assert found(replace(GOOD, posts=[replace(POST, deleted_at=at(9))])) == {"lost": 1}


def test_a_published_one_that_points_to_another_post_is_lost() -> None:
    assert found(replace(GOOD, posts=[replace(POST, post_id="1_7")])) == {"lost": 1}


def test_facts_that_were_never_sent_and_messages_never_handled_are_lost() -> None:
    assert found(replace(GOOD, unsent={"publisher": 3, "connections": 0})) == {"lost": 1}
    assert found(replace(GOOD, left={"publisher.publish.vk": 1, "publisher.stats": 0})) == {
        "lost": 1
    }


@pytest.mark.parametrize("deleted", [None, at(4)])
def test_two_posts_of_one_publication_are_two_even_when_one_was_deleted(
    deleted: datetime | None,
) -> None:
    twin = replace(POST, post_id="1_2", deleted_at=deleted)
    assert found(replace(GOOD, posts=[POST, twin])) == {"posted_twice": 1}


def test_an_order_whose_file_rutube_never_got_was_seen_by_nobody() -> None:
    row = replace(ROW, platform="rutube")
    post = replace(POST, platform="rutube")
    never = replace(post, post_id="0", fetched=False, deleted_at=at(1))
    assert found(replace(GOOD, rows=[row], posts=[never, post])) == {}
    fetched = replace(never, fetched=True)
    assert found(replace(GOOD, rows=[row], posts=[fetched, post])) == {"posted_twice": 1}
    pending = replace(never, deleted_at=None)
    assert found(replace(GOOD, rows=[row], posts=[pending, post])) == {"posted_twice": 1}


def test_the_same_title_on_two_platforms_is_two_publications() -> None:
    other = replace(ROW, id="p2", platform="dzen", post_id="d")
    posts = [POST, Post("dzen", "d", "clip 1", at(2))]
    both = {"p1": STORY, "p2": STORY}
    assert found(replace(GOOD, rows=[ROW, other], timelines=both, posts=posts)) == {}


def test_a_post_after_an_answered_cancel_is_found() -> None:
    history = replace(
        GOOD,
        cancels=[Cancel("p1", "cancelled", at(1))],
        rows=[replace(ROW, status="cancelled", post_id=None)],
        timelines={"p1": CALLED_OFF},
    )
    assert found(history) == {"posted_after_cancel": 1}
    assert found(replace(history, cancels=[])) == {"posted_after_cancel": 1}
    assert found(replace(history, posts=[])) == {}


def test_even_an_order_that_came_to_nothing_must_not_be_sent_after_the_answer() -> None:
    late = replace(POST, platform="rutube", fetched=False, deleted_at=at(9))
    history = replace(
        GOOD,
        cancels=[Cancel("p1", "cancelled", at(1))],
        rows=[replace(ROW, platform="rutube", status="cancelled", post_id=None)],
        timelines={"p1": CALLED_OFF},
        posts=[late],
    )
    assert found(history) == {"posted_after_cancel": 1}
    assert found(replace(history, posts=[replace(late, at=at(0.5))])) == {}


def test_a_wish_that_came_too_late_may_end_as_a_post() -> None:
    assert found(replace(GOOD, cancels=[Cancel("p1", "cancel_requested", at(1))])) == {}


def test_what_was_answered_cancelled_stays_cancelled() -> None:
    history = replace(GOOD, cancels=[Cancel("p1", "cancelled", at(1))])
    assert found(history) == {"posted_after_cancel": 1, "illegal_moves": 1}


@pytest.mark.parametrize(
    "story",
    [
        [(0, "requested", "published")],
        [(0, "x", "publishing"), (1, "x", "scheduled"), (2, "x", "publishing"), (3, "x", "failed")],
        [(0, "x", "publishing"), (1, "published", "published"), (2, "failed", "failed")],
        [(0, "x", "publishing"), (1, "failed", "failed"), (2, "claimed", "publishing")],
        [(0, "x", "publishing"), (1, "failed", "failed"), (2, "claimed", "failed")],
    ],
)
def test_a_move_that_the_table_lacks_is_illegal(story: list[tuple[float, str, str]]) -> None:
    history = ended(story[-1][2], *story, posts=[POST])
    assert found(history)["illegal_moves"] == 1


def test_a_gap_in_versions_is_illegal() -> None:
    assert found(replace(GOOD, rows=[replace(ROW, version=3)])) == {"illegal_moves": 1}


def test_a_row_that_moved_without_a_line_is_illegal() -> None:
    assert found(replace(GOOD, timelines={"p1": STORY[:-1]})) == {"illegal_moves": 1}
    assert found(replace(GOOD, timelines={})) == {"illegal_moves": 1}


def test_a_retry_of_a_failed_one_is_legal() -> None:
    story = [
        (0.0, "requested", "publishing"),
        (1.0, "failed", "failed"),
        (2.0, "retried", "publishing"),
        (3.0, "failed", "failed"),
    ]
    assert found(ended("failed", *story, posts=[])) == {}


def test_a_post_before_its_time_is_early() -> None:
    assert found(replace(GOOD, rows=[replace(ROW, schedule_at=at(2.5))])) == {"early": 1}
    assert found(replace(GOOD, rows=[replace(ROW, schedule_at=at(1.5))])) == {}


def test_a_failed_one_that_is_there_is_found() -> None:
    story = [(0.0, "requested", "publishing"), (1.0, "failed", "failed")]
    assert found(ended("failed", *story, posts=[POST])) == {"failed_but_posted": 1}
    gone = replace(POST, deleted_at=at(3))
    assert found(ended("failed", *story, posts=[gone])) == {}


def calls(*times: float, account: str = "a", chat: str | None = None) -> list[Call]:
    return [Call("vk", "video.get", at(one), account, chat) for one in times]


A_SECOND = Rate("vk", "vk", 1.0, "platform")


def test_calls_that_keep_the_pace_are_fine_however_long() -> None:
    history = replace(GOOD, calls=calls(*range(100)), rates=[A_SECOND])
    assert found(history) == {}


def test_a_short_burst_above_the_pace_is_found() -> None:
    burst = calls(*range(50), *(50 + i / 2 for i in range(30)))
    assert found(replace(GOOD, calls=burst, rates=[A_SECOND])) == {"over_pace": 1}


def test_a_pace_that_is_a_little_too_fast_for_long_is_found() -> None:
    slow = calls(*(i / 1.1 for i in range(200)))
    assert found(replace(GOOD, calls=slow, rates=[A_SECOND])) == {"over_pace": 1}


def test_each_account_and_chat_has_a_pace_of_its_own() -> None:
    both = calls(*range(60)) + calls(*range(60), account="b")
    account = Rate("vk account", "vk", 1.0, "account")
    assert found(replace(GOOD, calls=both, rates=[account])) == {}
    assert found(replace(GOOD, calls=both, rates=[account, A_SECOND])) == {"over_pace": 1}
    crowded = calls(*range(60), *range(60), chat="c")
    chat = Rate("vk chat", "vk", 1.0, "chat")
    assert found(replace(GOOD, calls=crowded, rates=[chat])) == {"over_pace": 1}


def test_a_platform_that_says_too_many_is_right() -> None:
    said = [replace(calls(0)[0], throttled=True)]
    assert found(replace(GOOD, calls=said)) == {"over_pace": 1}


def test_recovery_counts_from_the_death_of_the_holder_to_the_next_claim() -> None:
    story = lines(
        (0, "requested", "publishing"),
        (1, "claimed", "publishing"),
        (2, "step_started", "publishing"),
        (10, "claimed", "publishing"),
        (11, "retry", "publishing"),
        (20, "claimed", "publishing"),
        (21, "published", "published"),
    )
    worker = frozenset({"vk"})
    deaths = [
        Death(at(1.5), "publisher-vk", "kill", worker),
        Death(at(4), "publisher-vk", "kill", worker),
        Death(at(3), "publisher-dzen", "kill", frozenset({"dzen"})),
        Death(at(15), "publisher-vk", "freeze", worker),
    ]
    history = replace(GOOD, timelines={"p1": story}, deaths=deaths)
    assert checker.recovery_seconds(history) == [6.0]
    assert checker.summary([6.0, 2.0, 3.0]) == {"p50": 3.0, "max": 6.0}
    assert checker.summary([]) == {"p50": None, "max": None}


def test_sums_tell_how_publications_ended() -> None:
    rows = [ROW, replace(ROW, id="p2", platform="telegram", status="uncertain")]
    history = replace(GOOD, rows=rows)
    assert checker.by_status(history) == {"published": 1, "uncertain": 1}
    assert checker.uncertain(history) == {"telegram": 1}
