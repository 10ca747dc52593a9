"""What a person asks for, read but not yet checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from common.contracts.words import Plan, Platform
from publisher.domain.publication import Connection


@dataclass(frozen=True, slots=True)
class Target:
    """Where to: exactly one of connection and platform is named."""

    connection_id: UUID | None
    platform: Platform | None
    title: str
    description: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One clip to several targets. `media` None means that it was not found."""

    user_id: str
    plan: Plan
    clip_id: str
    media: Mapping[str, Any] | None
    media_problem: str | None
    targets: tuple[Target, ...]
    schedule_at: datetime | None
    plan_at: datetime | None = None
    """When somebody said that this is the plan."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """How near and how far ahead a schedule may be."""

    nearest: timedelta
    farthest: timedelta


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands in the way, of one target or (None) of all."""

    target: int | None
    field: str
    code: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks found: a connection for each target that has one, and all problems."""

    connections: tuple[Connection | None, ...]
    findings: tuple[Finding, ...]
