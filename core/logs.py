"""Structured logs: one line of JSON per event, with the request or task it belongs to, without secrets or addresses."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Sized
from itertools import islice
from typing import Any

import structlog

_SECRET_KEYS = re.compile(r"password|secret|authorization|token|cookie|api_key|^key$", re.IGNORECASE)
# What texts may hold by accident: an address, a login in a URL, an API key, a webhook's secret, one of our signed links
# (which holds an address too). Each begins where a run of its letters does and gives nothing back, so that the time
# grows with a text's length and no faster.
_LOCAL = r"\s@<>()\[\]{}\",:;=/"
_HIDDEN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"://[^\s/@]++@"), "://***@"),
    (
        re.compile(rf"(?:(?<![^{_LOCAL}])|(?<=%40))(?:(?!%40)[^{_LOCAL}])++(?:@|%40)([\w-]++(?:\.[\w-]++)*+)"),
        r"***@\1",
    ),
    (re.compile(r"(sbx_[0-9a-f]{8})_[\w-]++"), r"\1_***"),
    (re.compile(r"whsec_[\w+/=-]++"), "whsec_***"),
    (re.compile(r"\.?(?<![\w-])[\w-]++(?:(?::|%3A)[\w-]{6})?(?::|%3A)[\w-]{43}", re.IGNORECASE), "***"),
)
_PLAIN = (int, float, bool, type(None))
# A line is for reading: of longer texts, lists and documents the beginning is kept, of a traceback the end as well.
MAX_TEXT, MAX_ITEMS, MAX_DEPTH = 16_384, 50, 6


def redact(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Hides the values of secret keys, and in every text what must not be read in a log, however deep it stands."""
    event.pop("request", None)  # Django's: its query may hold anything, and our own line names the request
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: object, value: Any, depth: int = 0) -> Any:
    if _SECRET_KEYS.search(str(key)[:200]):
        return "[hidden]"
    if isinstance(value, _PLAIN) or key in ("_record", "_logger"):
        return value
    if depth < MAX_DEPTH and isinstance(value, dict):
        pairs = islice(value.items(), MAX_ITEMS)
        return {hidden(str(name)): _clean(name, one, depth + 1) for name, one in pairs} | _more(value)
    if depth < MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
        return [*(_clean("", one, depth + 1) for one in islice(value, MAX_ITEMS)), *_more(value).values()]
    return hidden(value if isinstance(value, str) else repr(value))


def _more(values: Sized) -> dict[str, str]:
    more = len(values) - MAX_ITEMS
    return {"…": f"and {more} more"} if more > 0 else {}


def hidden(text: str) -> str:
    """A text without what must not be read in a log, and no longer than a line may be."""
    if len(text) > MAX_TEXT:
        half = MAX_TEXT // 2
        # Not from the middle of a word, which could be half a secret.
        end = (text[-half:].split(None, 1) or [""])[-1]
        text = f"{text[:half]} … {len(text) - half - len(end)} characters … {end}"
    for pattern, shown in _HIDDEN:
        text = pattern.sub(shown, text)
    return text


def catch_stray_errors() -> None:
    """What nobody catches becomes a line like the others, in whichever thread it happens."""
    log = structlog.get_logger("signalbox.process")
    sys.excepthook = lambda kind, error, trace: log.critical("uncaught error", exc_info=(kind, error, trace))
    threading.excepthook = lambda seen: log.error(
        "uncaught error in a thread",
        thread=seen.thread.name if seen.thread else "",
        exc_info=(seen.exc_type, seen.exc_value, seen.exc_traceback),
    )
    sys.unraisablehook = lambda seen: log.error("error that could not be raised", where=repr(seen.object)[:200])
    logging.captureWarnings(True)


def line_formatter() -> logging.Formatter:
    """The same lines for the process without settings that starts the server's others (config/server_log.json)."""
    written = logging_config("json", "INFO")["formatters"]["line"]
    formatter: logging.Formatter = written.pop("()")(**written)
    return formatter


def logging_config(form: str, level: str) -> dict[str, Any]:
    """Configures structlog and returns the dictConfig that sends the standard library's logs the same way.

    `form` is `json` (one object a line) or `console` (for eyes).
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=False) if form == "console" else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                "foreign_pre_chain": shared,
            }
        },
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}},
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {
            # Our own request line says it better.
            "django.server": {"handlers": [], "propagate": False},
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django_celery_beat": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            # The server's own words go the same way as ours.
            "_granian": {"handlers": [], "propagate": True},
        },
    }


def request_id() -> str:
    """Of what is answered or done now; the audit log keeps it with each change."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
