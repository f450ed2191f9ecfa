"""From an event to the words of its mail, by the templates that its kind names, once per event and language."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template import Context, Engine
from django.utils import timezone, translation

from outbox.channels.letter import UNSUBSCRIBE_MARK, Body
from outbox.event_kinds import kind_of
from outbox.services import ClaimedEvent


class CannotRender(Exception):
    """The template is missing or raised; the sentence is kept with the delivery."""


def render_mail(event: ClaimedEvent, language: str, *, unsubscribable: bool) -> Body:
    """Subject, text and HTML of an event's mail. Raises CannotRender, whatever went wrong inside."""
    try:
        name = kind_of(event.kind).mail
        if not name:
            raise CannotRender(f"Events of kind {event.kind} have no mail template.")
        context = {
            "event": event,
            "data": event.payload,
            "base_url": settings.PUBLIC_URL,
            "unsubscribe": UNSUBSCRIBE_MARK if unsubscribable else "",
            "language": language,
        }
        with translation.override(language), timezone.override(None):
            subject = _rendered(f"{name}.subject.txt", context, escaped=False)
            text = _rendered(f"{name}.txt", context, escaped=False)
            html = _rendered(f"{name}.html", context, escaped=True)
    except CannotRender:
        raise
    except Exception as error:  # a poisoned event must fail alone, visibly, whatever its template raises
        raise CannotRender(f"{type(error).__name__}: {error}") from error
    return Body(" ".join(subject.split()), text, html)


def _rendered(name: str, context: dict[str, Any], *, escaped: bool) -> str:
    """A template's words; only HTML is escaped, or a subject would read “Müller &amp; Co”."""
    return _engine(Engine.get_default()).get_template(name).render(Context(context, autoescape=escaped))


@lru_cache(maxsize=4)
def _engine(usual: Engine) -> Engine:
    """The project's engine, with `i18n` tags that are quick at what is rendered thousands of times a second."""
    return Engine(
        usual.dirs,
        loaders=usual.loaders,
        libraries=usual.libraries | {"i18n": "outbox.templatetags.mail_i18n"},
        builtins=[name for name in usual.builtins if name not in Engine.default_builtins],
        debug=usual.debug,
        string_if_invalid=usual.string_if_invalid,
    )
