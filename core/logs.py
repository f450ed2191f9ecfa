"""Structured logs: one line of JSON per event, with the request or task it belongs to, without secrets or addresses."""

from __future__ import annotations

import re
from typing import Any

import structlog

_SECRET_KEYS = re.compile(r"password|secret|authorization|token|cookie|api_key|^key$", re.IGNORECASE)
# What texts may hold by accident: an address, a login in a URL, an API key, a webhook's secret, one of our signed links
# (which holds an address too).
_HIDDEN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"://[^\s/@]+@"), "://***@"),
    (re.compile(r"[^\s@<>()\[\]{}\",:;=/]{1,256}(?:@|%40)([\w-]+(?:\.[\w-]+)*)"), r"***@\1"),
    (re.compile(r"(sbx_[0-9a-f]{8})_[\w-]+"), r"\1_***"),
    (re.compile(r"whsec_[\w+/=-]+"), "whsec_***"),
    (re.compile(r"\.?[\w-]+(?:(?::|%3A)[\w-]{6})?(?::|%3A)[\w-]{43}", re.IGNORECASE), "***"),
)
_PLAIN = (int, float, bool, type(None))


def redact(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Hides the values of secret keys, and in every text what must not be read in a log, however deep it stands."""
    event.pop("request", None)  # Django's: its query may hold anything, and our own line names the request
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: object, value: Any) -> Any:
    if _SECRET_KEYS.search(str(key)):
        return "[hidden]"
    if isinstance(value, _PLAIN) or key in ("_record", "_logger"):
        return value
    if isinstance(value, dict):
        return {str(name): _clean(name, one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", one) for one in value]
    text = value if isinstance(value, str) else repr(value)
    for pattern, shown in _HIDDEN:
        text = pattern.sub(shown, text)
    return text


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
        },
    }
