"""The topic picker: every kind that can be listened to with its description, and the wildcards above them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.refusal import Refused, add_refusal, refusing_in_form
from core.versions import Versioned
from outbox.event_kinds import EventKind, clean_topics, kinds_of, public_kinds

EVERYTHING = "*"
# A field for what a program reads.
QUIET = {"autocomplete": "off", "spellcheck": "false"}


def _wildcard(kind: EventKind) -> str:
    return f"{kind.key.partition('.')[0]}.*"


class TopicPicker(forms.SelectMultiple):
    """Checkboxes by domain and by the first part of the kinds' names, under one for everything of that name."""

    template_name = "outbox/widgets/topics.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        chosen = set(value or ())
        context["widget"]["domains"] = self._domains(chosen)
        context["widget"]["everything"] = EVERYTHING in chosen
        offered = {EVERYTHING} | {offer for kind in public_kinds() for offer in (kind.key, _wildcard(kind))}
        # What was set by the API and is not offered here, such as trip.mark.*, stays.
        context["widget"]["others"] = [
            {"topic": topic, "count": len(kinds_of([topic]))} for topic in value or () if topic not in offered
        ]
        return context

    def format_value(self, value: Any) -> list[str]:
        return [str(topic) for topic in value or ()]

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> list[Any]:
        return []  # the template shows what `_domains` gives

    def _render(self, template_name: str, context: dict[str, Any], renderer: Any = None) -> SafeString:
        """By the project's own templates, which the renderer of forms does not know."""
        return render_to_string(template_name, context)

    @staticmethod
    def _domains(chosen: set[str]) -> list[dict[str, Any]]:
        domains: dict[str, dict[str, list[EventKind]]] = defaultdict(lambda: defaultdict(list))
        for kind in public_kinds():
            domains[kind.domain][_wildcard(kind)].append(kind)
        return [
            {
                "domain": domain,
                "count": sum(map(len, groups.values())),
                "chosen": sum(
                    (wildcard in chosen) + sum(kind.key in chosen for kind in kinds)
                    for wildcard, kinds in groups.items()
                ),
                "groups": [
                    {
                        "wildcard": wildcard,
                        "all": wildcard in chosen,
                        "kinds": [{"kind": kind, "chosen": kind.key in chosen} for kind in kinds],
                    }
                    for wildcard, kinds in groups.items()
                ],
            }
            for domain, groups in domains.items()
        ]


class TopicsField(forms.Field):
    """Topics as a list of texts; wrong ones are named."""

    widget = TopicPicker

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": _("Topics")} | kwargs)

    def to_python(self, value: Sequence[str] | None) -> list[str]:
        return list(value or ())

    def validate(self, value: list[str]) -> None:
        """`clean` says what is wrong, also with none at all."""

    def clean(self, value: Any) -> list[str]:
        with refusing_in_form():
            return clean_topics(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or ()) != list(data or ())


class SubscriptionForm(Versioned):
    """Of which events on which condition something hears. `check` is the service's own, which judges all fields."""

    topics = TopicsField()
    condition = forms.CharField(
        label=_("Condition"),
        required=False,
        max_length=10_000,
        widget=forms.TextInput(attrs=QUIET | {"class": "mono"}),
        help_text=_("A Magic Search on the event, e.g. city:paris severity:>=warning; empty: every event."),
    )

    def check(self, data: dict[str, Any]) -> dict[str, Any]:
        """The fields as they are stored. Raises Refused."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                data |= self.check(data)
            except Refused as refused:
                add_refusal(self, refused)
        return data
