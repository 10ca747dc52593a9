"""What a platform's answer means for the posts that were asked about."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from common.contracts.stats import StatsCollected
from common.observe import trace
from stats_collector.app.ports import Claim, Writing
from stats_collector.app.read_numbers import Answer, Failed, Later, Refused, Told
from stats_collector.domain.reasons import Reason
from stats_collector.domain.watch import Sample, Watch, sample

Settled = tuple[Watch, datetime | None]


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many posts ended how; those whose lease was lost are in none."""

    sampled: int = 0
    gone: int = 0
    failed: int = 0


async def record_answer(uow: Writing, claim: Claim, answer: Answer, *, source: str) -> Recorded:
    """Only watches that are still ours are touched: whoever took them over samples them."""
    if isinstance(answer, Refused):
        return await _refused(uow, claim)
    await uow.connections.hold(claim.connection_id)
    now, held = await uow.watches.held(claim)
    match answer:
        case Told():
            recorded, settled = await _told(uow, held, answer, now=now, source=source)
        case Failed(_, again):
            settled = [_failed(uow, watch, now, again=again) for watch in held]
            recorded = Recorded(failed=len(held))
        case Later(after):
            settled = [(watch, now + after) for watch in held]
            recorded = Recorded()
        case _:
            assert_never(answer)
    await uow.watches.release(settled)
    return recorded


async def _told(
    uow: Writing, held: list[Watch], answer: Told, *, now: datetime, source: str
) -> tuple[Recorded, list[Settled]]:
    """What befalls posts without numbers befalls no others."""
    samples, settled, failed = list[Sample](), list[Settled](), 0
    for watch in held:
        found = answer.numbers.get(watch.post_id)
        if found is None:
            match answer.rest:
                case Later(wait):
                    settled.append((watch, now + wait))
                case Failed(_, again):
                    settled.append(_failed(uow, watch, now, again=again))
                    failed += 1
        elif uow.policy.schedule.looked_already(watch.sampled_at, now):
            settled.append(_rested(uow, watch, now))
        else:
            samples.append(one := sample(watch, found, at=now, source=source))
            settled.append(_rested(uow, after := watch.after(one, found), now))
            _tell(uow, after, one)
    await uow.samples.add(samples)
    return Recorded(len(samples), sum(one.gone for one in samples), failed), settled


async def _refused(uow: Writing, claim: Claim) -> Recorded:
    """Pauses the connection, unless it was connected again while we asked."""
    still = await uow.connections.refused(claim.connection_id, claim.connection_version)
    now, held = await uow.watches.held(claim)
    # They stay due: once the account is back they are the first to be looked at.
    await uow.watches.release([(watch, now) for watch in held])
    if still:
        await uow.watches.pause(claim.connection_id, Reason.CONNECTION_EXPIRED)
    return Recorded(failed=len(held))


def _tell(uow: Writing, watch: Watch, one: Sample) -> None:
    collected = StatsCollected(
        publication_id=watch.publication_id,
        platform=watch.platform,
        views=one.views,
        likes=one.likes,
        shares=one.shares,
        comments=one.comments,
        gone=one.gone,
        reason=watch.found,
        sampled_at=one.at,
    )
    batch = trace.current()
    with (
        trace.within(trace_of(watch)),
        trace.span(
            f"{watch.platform} sample",
            attributes={
                "clipcast.publication.id": str(watch.publication_id),
                "clipcast.platform": watch.platform,
            },
            links=[batch],
        ),
    ):
        uow.tell(collected, version=watch.told)


def trace_of(watch: Watch) -> trace.Trace:
    """The trace of its publication."""
    return trace.start(watch.traceparent, watch.correlation_id)


def _failed(uow: Writing, watch: Watch, now: datetime, *, again: bool) -> Settled:
    failures = watch.failures + 1
    pause = uow.policy.schedule.retry(failures) if again else None
    if pause is not None:
        return replace(watch, failures=failures), now + pause
    return _rested(uow, watch, now)


def _rested(uow: Writing, watch: Watch, now: datetime) -> Settled:
    """Until the next round."""
    due = uow.policy.schedule.next_round(
        watch.round_at or now, now, published_at=watch.published_at, until=watch.until
    )
    return replace(watch, round_at=due, failures=0), due
