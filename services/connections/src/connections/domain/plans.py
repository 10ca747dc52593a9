"""Which plan counts: the newer of the caller's token and the host product's latest word."""

from dataclasses import dataclass
from datetime import datetime

from common.contracts.words import Plan


@dataclass(frozen=True, slots=True)
class PlanWord:
    """A plan, and when it was said."""

    plan: Plan
    said_at: datetime


def effective(claimed: PlanWord, heard: PlanWord | None) -> Plan:
    """The newer word; at the same moment the token's, which was signed for this very caller."""
    if heard is None or claimed.said_at >= heard.said_at:
        return claimed.plan
    return heard.plan
