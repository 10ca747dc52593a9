"""How often one user may ask, counted over a sliding window."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

from common.http.problems import Problem
from common.pace import Pace

PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True, slots=True)
class Allowance:
    """`20/minute`."""

    calls: int
    seconds: int


def _parse(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+)/(second|minute|hour|day)", value.strip())
    if not match or int(match[1]) == 0:
        raise ValueError("write a rate as 20/minute")
    return Allowance(int(match[1]), PERIODS[match[2]])


AllowanceSetting = Annotated[Allowance, NoDecode, BeforeValidator(_parse)]
"""As the environment gives it; without `NoDecode` it would have to be JSON there."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counted already; `require` raises the 429 where the order of problems puts it: last."""

    wait: float
    """Seconds until the next request is allowed; 0 when this one is."""

    def require(self) -> None:
        """Raises the `rate_limited` problem when the allowance is used up."""
        if self.wait:
            raise Problem(429, "rate_limited", retry_after=self.wait)


async def count(pace: Pace, what: str, user: str, allowance: Allowance) -> Verdict:
    """Count one request of this user."""
    key = f"api:{what}:{user}"
    return Verdict(await pace.count(key, allowance.calls, allowance.seconds))
