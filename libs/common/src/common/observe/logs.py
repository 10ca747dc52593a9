"""Log lines: JSON, one a line, on stdout, with the trace; readable when a person looks."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from common.observe import trace
from common.observe.terminal import readable
from common.observe.untrusted import short

NOISY = (
    "httpx", "httpcore", "aiormq", "aio_pika", "uvicorn.access", "faststream",
    "alembic.runtime.plugins",
)  # fmt: skip
"""Whose usual lines tell nobody anything."""


def _with_trace(
    _logger: object, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    now = trace.current()
    line["trace_id"] = now.trace_id
    line["correlation_id"] = now.correlation_id
    return line


def _cut(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: short(value) for name, value in line.items()}


def _as_json() -> list[structlog.types.Processor]:
    """The last steps of a line on its way to a machine: plain ASCII."""
    return [
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
        _cut,
        structlog.processors.JSONRenderer(ensure_ascii=True),
    ]


def configure(service: str, process: str) -> None:
    """Send our lines and the libraries' through one pipe.

    Tracebacks never show local variables: one of them may hold a token (security.md §2).
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace,
    ]
    final = readable() if sys.stdout.isatty() else _as_json()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service, process=process)


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; `log.info("publish_job_start", publication_id=…)` makes one event line."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
