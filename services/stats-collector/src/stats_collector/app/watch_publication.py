"""A post appeared: watch it from now on."""

from common.bus.subscription import Heard
from common.contracts.publisher import PublicationPublished
from common.contracts.stats import StatsCollected
from common.observe import trace
from stats_collector.app.ports import Writing
from stats_collector.domain.watch import Watch


async def watch_publication(uow: Writing, heard: Heard) -> None:
    """Where there are no statistics that is told at once, and the platform is never asked."""
    event: PublicationPublished = heard.event
    schedule = uow.policy.schedule
    unavailable = uow.policy.unavailable(event.platform, event.post_id)
    here = trace.current()
    watch = Watch(
        publication_id=event.publication_id,
        user_id=event.user_id,
        connection_id=event.connection_id,
        platform=event.platform,
        account_id=event.account_id,
        post_id=event.post_id,
        published_at=event.published_at,
        until=schedule.until(event.published_at),
        unavailable=unavailable,
        paused=await uow.connections.hold(event.connection_id),
        gone=False,
        processing=False,
        private=None,
        round_at=None if unavailable else schedule.first(event.published_at),
        failures=0,
        told=1 if unavailable else 0,
        sampled_at=None,
        views=None,
        source=None,
        traceparent=here.traceparent,
        correlation_id=here.correlation_id,
    )
    if await uow.watches.add(watch) and unavailable:
        nothing = StatsCollected(
            publication_id=watch.publication_id,
            platform=watch.platform,
            views=None,
            likes=None,
            shares=None,
            comments=None,
            gone=False,
            reason=unavailable,
            sampled_at=None,
        )
        uow.tell(nothing, version=watch.told)
