"""Kombu's transports, by which Celery talks to brokers, with two mends of ours (docs/decisions/0015).

Imported by `config.celery` in every process that sends or takes tasks; a transport itself is loaded when it is used.
"""

from kombu.transport import TRANSPORT_ALIASES

TRANSPORT_ALIASES |= {
    "filesystem": "config.brokers.filesystem:Transport",
    "redis": "config.brokers.redis:Transport",
    "rediss": "config.brokers.redis:Transport",
}
