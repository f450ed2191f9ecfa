"""The channels by which deliveries leave. A new one is a folder beside this file and an entry here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from outbox.choices import Channel
from outbox.transports.base import Transport


@dataclass(frozen=True)
class ChannelEntry:
    """`transport` is the dotted path of its `Transport`, imported where deliveries are sent: in workers.

    Without one nothing is sent: a delivery has arrived with the commit, and an app asks for what it shows.
    """

    key: str
    label: str | Promise
    transport: str = ""


CHANNELS = (
    ChannelEntry(Channel.EMAIL, _("E-mail"), "outbox.transports.email.transport.EmailTransport"),
    ChannelEntry(Channel.WEBHOOK, _("Webhook"), "outbox.transports.webhook.transport.WebhookTransport"),
    ChannelEntry(Channel.BANNER, _("Banner")),
)


def channel_choices() -> list[tuple[str, str | Promise]]:
    """The channels as the choices of a field: as a function, so that a new channel needs no migration."""
    return [(entry.key, entry.label) for entry in CHANNELS]


def is_sent(channel: str) -> bool:
    """Whether a transport carries this channel's deliveries. Raises KeyError for an unknown channel."""
    return bool({entry.key: entry.transport for entry in CHANNELS}[channel])


@cache
def transports() -> dict[str, type[Transport]]:
    """The transports by channel."""
    return {entry.key: import_string(entry.transport) for entry in CHANNELS if entry.transport}
