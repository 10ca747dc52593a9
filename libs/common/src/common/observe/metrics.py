"""The few numbers that every process keeps. Labels are bounded: never an id or a user."""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from common.contracts.words import Platform

disable_created_metrics()  # type: ignore[no-untyped-call] # a series more for each, of no use here

PUBLICATIONS = Counter("publications_total", "Publications that ended", ["platform", "result"])
PUBLISH_SECONDS = Histogram(
    "publication_seconds",
    "From request (or due time) to published; without those paused meanwhile or resolved by hand",
    ["platform"],
    buckets=(1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600),
)
LATENESS = Histogram(
    "publication_lateness_seconds",
    "How long a scheduled publication could have gone out before it was first claimed",
    ["platform"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
TOKEN_REFRESHES = Counter("token_refreshes_total", "Token refreshes", ["platform", "result"])
PUBLICATIONS_OPEN = Gauge(
    "publications_open", "Publications that have not ended", ["platform", "status"]
)
PUBLICATIONS_DUE = Gauge(
    "publications_due",
    "Publications that a worker could take in hand now and none has: what publishers lag behind",
    ["platform"],
)
PUBLICATIONS_DUE_OLDEST = Gauge(
    "publications_due_oldest_seconds",
    "For how long the first of them, or of those the clock should have started, could have gone on",
    ["platform"],
)
CLOCK_TICKED = Gauge(
    "clock_ticked_timestamp_seconds", "When publisher's clock last ticked; 0 where there is none"
)
PAUSES = Gauge(
    "pauses", "Pauses in force; `burst` is what paused by itself, else an operator", ["scope", "by"]
)
UPLOAD_BYTES = Counter(
    "upload_bytes_total",
    "Bytes of clips handed to a platform; Rutube fetches them itself",
    ["platform"],
)
PACE_WAITS = Histogram(
    "pace_wait_seconds",
    "How long calls waited for our own pace; `by` is the limit that took longest",
    ["platform", "by"],
    buckets=(0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60),
)
PACE_REFUSALS = Counter(
    "pace_refusals_total",
    "Calls put off because their turn in our own pace was too far away",
    ["platform", "by"],
)
PLATFORM_CALLS = Counter(
    "platform_calls_total", "Calls of a platform's API, by what came back", ["platform", "result"]
)
OUTBOX_UNSENT = Gauge("outbox_unsent", "Outbox rows that have not been sent")
OUTBOX_OLDEST = Gauge("outbox_oldest_seconds", "Age of the oldest outbox row that was not sent")
QUEUE_DEPTH = Gauge(
    "queue_depth",
    "Messages of a queue: ready for a consumer, waiting on its retry rungs, or dead letters",
    ["queue", "state"],
)
QUEUE_CONSUMERS = Gauge("queue_consumers", "Consumers of a queue", ["queue"])
STATS_SAMPLES = Counter("stats_samples_total", "Samples taken", ["platform", "result"])
STATS_WATCHED = Gauge(
    "stats_watched",
    "Posts that have samples to come and can be asked about now: neither ended nor paused",
    ["platform"],
)
STATS_FRESH = Gauge(
    "stats_fresh",
    "Those of stats_watched whose latest sample is younger than STATS_EVERY; one without a sample"
    " counts until STATS_EVERY after its first was due",
    ["platform"],
)
MESSAGES = Counter("messages_total", "Messages handled", ["queue", "result"])
HANDLED = ("done", "retried", "dead")

FAILURES = (
    "connection_expired",
    "content_refused",
    "human_needed",
    "media_changed",
    "media_not_found",
    "no_right_to_post",
    "outcome_unknown",
    "platform_unavailable",
    "retries_exhausted",
    "scope_missing",
)
"""The codes with which a publication can fail; the alerts leave out those that are the user's."""
CALLS = ("answered", "rate_limited", "unavailable", "unknown")
PACES = ("platform", "account", "chat")
DAY = "day"
"""A day's worth is refused, never waited for."""


def tell_from_zero(queue: str) -> None:
    """What comes of the messages of a queue that this process consumes."""
    for result in HANDLED:
        MESSAGES.labels(queue, result)


# Told from zero on: a counter that appears with its first failure has not increased, and the
# alerts would miss it.
for _platform in Platform:
    LATENESS.labels(_platform)
    PUBLISH_SECONDS.labels(_platform)
    for _result in ("published", "cancelled", "uncertain", *(f"failed_{one}" for one in FAILURES)):
        PUBLICATIONS.labels(_platform, _result)
    UPLOAD_BYTES.labels(_platform)
    for _by in PACES:
        PACE_WAITS.labels(_platform, _by)
        PACE_REFUSALS.labels(_platform, _by)
    PACE_REFUSALS.labels(_platform, DAY)
    for _result in CALLS:
        PLATFORM_CALLS.labels(_platform, _result)
    for _result in ("success", "refused", "unavailable"):
        TOKEN_REFRESHES.labels(_platform, _result)
    for _result in ("ok", "gone", "failed"):
        STATS_SAMPLES.labels(_platform, _result)
