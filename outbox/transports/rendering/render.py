"""From an event to its words, by the templates that its kind names, once per event and language; for every channel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone, translation
from jinja2 import TemplateNotFound

from core.text import one_line
from core.time_zones import known_zones
from outbox.contract import ClaimedEvent
from outbox.event_kinds import kind_of
from outbox.transports.rendering.jinja import rendered

UNSUBSCRIBE_MARK = "https://unsubscribe.invalid/"
PERSONAL_MARK = "https://personal.invalid/"
# Where what looks like a link is broken: behind the scheme, or behind "www".
_LINK = re.compile(r"(\b(?:[a-z][a-z0-9+.-]{1,9}:|www))(//|\.)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Body:
    """What templates wrote. UNSUBSCRIBE_MARK and PERSONAL_MARK in it are replaced by each address's own links."""

    subject: str
    text: str
    html: str


class CannotRender(Exception):
    """The template is missing or raised; the sentence is kept with the delivery."""


def render_mail(
    event: ClaimedEvent, language: str, *, unsubscribable: bool, person: Mapping[str, Any] | None = None
) -> Body:
    """Subject, text and HTML of an event's mail. Raises CannotRender, whatever went wrong inside.

    `person` is whom the event tells of, whose name the event itself does not hold.
    """
    try:
        kind = kind_of(event.kind)
        name = kind.mail
        if not name:
            raise CannotRender(f"Events of kind {event.kind} have no mail template.")
        context = {
            "event": event,
            "data": told(event.payload),
            "person": told(person or {}),
            "base_url": settings.PUBLIC_URL,
            "unsubscribe": UNSUBSCRIBE_MARK if unsubscribable else "",
            "personal_link": PERSONAL_MARK if kind.personal_link else "",
            "language": language,
        }
        with translation.override(language), timezone.override(_zone_of(event.payload)):
            context["direction"] = "rtl" if translation.get_language_bidi() else "ltr"
            subject = " ".join(rendered(f"{name}.subject.txt", context, language=language, escaped=False).split())
            context["subject"] = subject
            text = rendered(f"{name}.txt", context, language=language, escaped=False)
            html = rendered(f"{name}.html", context, language=language, escaped=True)
    except CannotRender:
        raise
    except TemplateNotFound as error:
        raise CannotRender(f"There is no mail template {error.name}.") from error
    except Exception as error:  # a poisoned event must fail alone, visibly, whatever its template raises
        raise CannotRender(f"{type(error).__name__}: {error}") from error
    return Body(subject, text, html)


def told(value: Any, name: str = "") -> Any:
    """A payload for a mail: what others wrote in it begins no line of ours, turns none round, and is made into no link.

    Mail programs make links of whatever looks like one, so that addresses are written with a blank, but in fields that
    hold an address and nothing else. Only what a person wrote as the mail's body keeps its lines.
    """
    if isinstance(value, Mapping):
        return {key: told(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [told(item, name) for item in value]
    if not isinstance(value, str):
        return value
    if name == "body":
        return "\n".join(one_line(line) for line in value.splitlines())
    text = one_line(value)
    is_link = name in ("url", "link") or name.endswith(("_url", "_link"))
    return text if is_link else _LINK.sub(r"\1 \2", text)


def _zone_of(payload: Mapping[str, Any]) -> ZoneInfo | None:
    """The zone that a mail's payload names; None for the installation's."""
    name = payload.get("time_zone")
    return ZoneInfo(name) if isinstance(name, str) and name in known_zones() else None
