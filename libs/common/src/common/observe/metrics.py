"""The few numbers that every process keeps. Labels are bounded: never an id or a user."""

from prometheus_client import Counter, Gauge, Histogram

from common.contracts.words import Platform

PUBLICATIONS = Counter("publications_total", "Publications that ended", ["platform", "result"])
PUBLISH_SECONDS = Histogram(
    "publication_seconds",
    "From request (or due time) to published",
    ["platform"],
    buckets=(1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600),
)
LATENESS = Histogram(
    "publication_lateness_seconds",
    "How long after its due time a publication was first claimed",
    ["platform"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
TOKEN_REFRESHES = Counter("token_refreshes_total", "Token refreshes", ["platform", "result"])
PUBLICATIONS_OPEN = Gauge(
    "publications_open", "Publications that have not ended", ["platform", "status"]
)
OUTBOX_UNSENT = Gauge("outbox_unsent", "Outbox rows that have not been sent")
OUTBOX_OLDEST = Gauge("outbox_oldest_seconds", "Age of the oldest outbox row that was not sent")
QUEUE_DEPTH = Gauge("queue_depth", "Messages ready in a queue; *.dead are dead letters", ["queue"])
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

# Told from zero on: a counter that appears with its first failure has not increased, and the
# alerts would miss it.
for _platform in Platform:
    LATENESS.labels(_platform)
    PUBLISH_SECONDS.labels(_platform)
    for _result in ("published", "cancelled", "uncertain", *(f"failed_{one}" for one in FAILURES)):
        PUBLICATIONS.labels(_platform, _result)
    for _result in ("success", "refused", "unavailable"):
        TOKEN_REFRESHES.labels(_platform, _result)
    for _result in ("ok", "gone", "failed"):
        STATS_SAMPLES.labels(_platform, _result)
