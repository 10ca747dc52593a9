"""The few numbers that every process keeps. Labels are bounded: never an id or a user."""

from prometheus_client import Counter, Gauge, Histogram

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
OUTBOX_UNSENT = Gauge("outbox_unsent", "Outbox rows that have not been sent")
STATS_SAMPLES = Counter("stats_samples_total", "Samples taken", ["platform", "result"])
MESSAGES = Counter("messages_total", "Messages handled", ["queue", "result"])
