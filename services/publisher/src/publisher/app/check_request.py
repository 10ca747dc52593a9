"""Everything that is checked before a publication is accepted; nothing is written here."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from pydantic import ValidationError

from common.contracts.words import Platform
from platforms.port import Adapter
from publisher.app.ports import Uow
from publisher.app.requested import Checked, Finding, Horizon, Request, Target
from publisher.domain.limits import excesses
from publisher.domain.publication import Connection


async def check_request(
    uow: Uow, request: Request, adapters: Mapping[Platform, Adapter], horizon: Horizon
) -> Checked:
    """Find every target's connection and every problem of every target."""
    findings: list[Finding] = []
    connections: list[Connection | None] = []
    for index, target in enumerate(request.targets):
        connection, code, active = await _connect(uow, request, target)
        connections.append(connection)
        platform = connection.platform if connection else target.platform
        covered = request.plan.platforms
        if not covered or (platform is not None and platform not in covered):
            findings.append(Finding(index, "platform", "plan_required"))
        if code:
            field = "platform" if target.platform else "connection_id"
            findings.append(Finding(index, field, code))
        if platform is not None:
            findings += _content(index, target, request, adapters.get(platform))
        if connection and not connection.healthy:
            findings.append(Finding(index, "connection_id", "connection_expired"))
        if active:
            findings.append(Finding(index, "connection_id", "duplicate_publication"))
    findings += _twice(connections)
    if request.media_problem:
        findings.append(Finding(None, "media", request.media_problem))
    if request.schedule_at is not None:
        findings += check_time(request.schedule_at, await uow.now(), horizon)
    return Checked(tuple(connections), tuple(findings))


async def _connect(
    uow: Uow, request: Request, target: Target
) -> tuple[Connection | None, str | None, bool]:
    """The account, or why there is none; and whether the clip is on its way to it."""
    user, clip = request.user_id, request.clip_id
    if target.connection_id is not None:
        aimed_at = await uow.connections.aimed_at(target.connection_id, user, clip)
        return (aimed_at[0], None, aimed_at[1]) if aimed_at else (None, "not_found", False)
    assert target.platform is not None  # noqa: S101 - the schema demands one of the two
    found = await uow.connections.of_user(user, target.platform)
    if len(found) == 1:
        return found[0], None, await uow.publications.is_active(found[0].id, clip)
    return None, "connection_ambiguous" if found else "not_connected", False


def _content(
    index: int, target: Target, request: Request, adapter: Adapter | None
) -> list[Finding]:
    if adapter is None:
        return [Finding(index, "platform", "platform_unavailable")]
    size = int(request.media["bytes"]) if request.media else 0
    found = [
        Finding(index, excess.field, excess.code)
        for excess in excesses(
            adapter.limits, title=target.title, description=target.description, size=size
        )
    ]
    try:
        adapter.options.model_validate(dict(target.options))
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            place = ".".join(str(part) for part in one["loc"])
            found.append(Finding(index, f"options.{place}", "invalid_request", one["msg"]))
    return found


def _twice(connections: list[Connection | None]) -> list[Finding]:
    """The same connection named by two targets of one request."""
    counts = Counter(connection.id for connection in connections if connection)
    return [
        Finding(index, "connection_id", "duplicate_publication")
        for index, connection in enumerate(connections)
        if connection and counts[connection.id] > 1
    ]


def check_time(at: datetime, now: datetime, horizon: Horizon) -> list[Finding]:
    """Whether a schedule is neither too near nor too far."""
    if at < now + horizon.nearest:
        return [Finding(None, "schedule_at", "schedule_too_soon")]
    if at > now + horizon.farthest:
        return [Finding(None, "schedule_at", "schedule_too_far")]
    return []
