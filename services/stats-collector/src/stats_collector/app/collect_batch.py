"""One turn of sampling: claim due posts of one account, ask the platform, record the answer."""

import asyncio
import time
from datetime import timedelta

from common.contracts.words import Platform
from common.failpoint import failpoint
from common.lending import Tokens
from common.observe import logs, metrics, trace
from platforms.port import Stats
from stats_collector.app.ports import Claim, WritingTransaction
from stats_collector.app.read_numbers import Answer, Failed, Later, Told, read_numbers
from stats_collector.app.record_answer import Recorded, record_answer, trace_of

LEASE = timedelta(minutes=5)
ASKING = timedelta(minutes=4)
"""Asking ends well before the lease does, so a slow answer is still ours to record."""
log = logs.get(__name__)


async def collect_batch(
    platform: Platform, stats: Stats, tokens: Tokens, transaction: WritingTransaction
) -> bool:
    """False when nothing was due. The claim is committed before the platform is asked."""
    async with transaction() as uow:
        claim = await uow.watches.claim(platform, stats.batch, LEASE)
    if claim is None:
        return False
    failpoint("stats-collector.claimed")
    # A batch's call belongs to the trace of its first post, and is linked with those of the others.
    first, *others = (trace_of(watch) for watch in claim.watches)
    described: trace.Attributes = {
        "clipcast.platform": platform,
        "clipcast.connection.id": str(claim.connection_id),
        "clipcast.posts": len(claim.watches),
    }
    collecting = trace.span(f"{platform} collect", attributes=described, links=others)
    with trace.within(first), collecting:
        started = time.monotonic()
        answer = await _asked(claim, stats, tokens)
        failpoint("stats-collector.answered")
        async with transaction() as uow:
            recorded = await record_answer(uow, claim, answer, source=stats.source)
        _report(claim, answer, recorded, time.monotonic() - started)
    return True


async def _asked(claim: Claim, stats: Stats, tokens: Tokens) -> Answer:
    try:
        async with asyncio.timeout(ASKING.total_seconds()):
            return await read_numbers(claim, stats, tokens)
    except TimeoutError:
        return Failed("deadline", again=True)


def _report(claim: Claim, answer: Answer, recorded: Recorded, seconds: float) -> None:
    for result, count in (
        ("ok", recorded.sampled - recorded.gone),
        ("gone", recorded.gone),
        ("failed", recorded.failed),
    ):
        if count:
            metrics.STATS_SAMPLES.labels(claim.platform, result).inc(count)
    say = log.info if isinstance(answer, Told) else log.warning
    say(
        "stats_sync_complete",
        platform=claim.platform,
        connection_id=str(claim.connection_id),
        user_id=claim.watches[0].user_id,
        result=type(answer).__name__.lower(),
        why=_why(answer, recorded),
        asked=len(claim.watches),
        sampled=recorded.sampled,
        gone=recorded.gone,
        failed=recorded.failed,
        ms=round(seconds * 1000),
    )


def _why(answer: Answer, recorded: Recorded) -> str | None:
    """Why some or all have no sample."""
    match answer:
        case Failed(why) | Later(_, why):
            return why
        case Told(rest=rest) if recorded.failed or isinstance(rest, Later):
            return rest.why
    return None
