"""From an event to its words, by the templates that its kind names, once per event and language; for every channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from jinja2 import TemplateNotFound

from outbox.contract import ClaimedEvent
from outbox.event_kinds import kind_of
from outbox.transports.rendering.jinja import rendered

UNSUBSCRIBE_MARK = "https://unsubscribe.invalid/"


@dataclass(frozen=True, slots=True)
class Body:
    """What templates wrote. UNSUBSCRIBE_MARK in it is replaced by each address's own link."""

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
        name = kind_of(event.kind).mail
        if not name:
            raise CannotRender(f"Events of kind {event.kind} have no mail template.")
        context = {
            "event": event,
            "data": event.payload,
            "person": person or {},
            "base_url": settings.PUBLIC_URL,
            "unsubscribe": UNSUBSCRIBE_MARK if unsubscribable else "",
            "language": language,
        }
        with translation.override(language), timezone.override(None):
            subject = rendered(f"{name}.subject.txt", context, language=language, escaped=False)
            text = rendered(f"{name}.txt", context, language=language, escaped=False)
            html = rendered(f"{name}.html", context, language=language, escaped=True)
    except CannotRender:
        raise
    except TemplateNotFound as error:
        raise CannotRender(f"There is no mail template {error.name}.") from error
    except Exception as error:  # a poisoned event must fail alone, visibly, whatever its template raises
        raise CannotRender(f"{type(error).__name__}: {error}") from error
    return Body(" ".join(subject.split()), text, html)
