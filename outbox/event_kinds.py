"""The kinds of event that apps publish. Each registers its own; the outbox, the API and the docs read them here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from core.refusal import Refused
from core.registry import Registry
from outbox.choices import Severity


@dataclass(frozen=True)
class EventKind:
    """`payload` is a msgspec type: its JSON schema is public. `mail` names the templates, without ending."""

    key: str
    label: str | Promise
    description: str | Promise
    domain: str
    payload: type[msgspec.Struct]
    example: msgspec.Struct
    severity: Severity = Severity.INFO
    mail: str = ""
    # Where each event has a severity of its own in its payload (`severity`): the outbox's for each of its words.
    severities: Mapping[str, Severity] = field(default_factory=dict)
    # Kinds that only carry a mail (a group's alert, a test) are no topics for webhooks.
    is_public: bool = True
    # Dotted path of what makes the link of one delivery (by its id) that its receiver alone gets, e.g. to acknowledge;
    # templates have it as `personal_link`.
    personal_link: str = ""
    # Dotted path of what brings the payloads of such mails up to date right before they are sent: a function of a batch
    # of `ClaimedEvent`s that returns what is `Refreshed`, by event id.
    refresh: str = ""

    def severity_of(self, payload: Mapping[str, Any]) -> str:
        """The severity of one event: what its payload says, or else the kind's."""
        return str(self.severities.get(str(payload.get("severity")), self.severity))

    def schema(self) -> dict[str, Any]:
        """The JSON schema of `data` in this kind's payload."""
        return msgspec.json.schema(self.payload)

    def example_data(self) -> dict[str, Any]:
        built: dict[str, Any] = msgspec.to_builtins(self.example)
        return built


class UnknownKind(LookupError):
    """An event names a kind that no app registered."""


@dataclass(frozen=True)
class Words:
    """What a field of a domain's payloads says. Where any word may come (`is_open`), only the slip of one is named."""

    read: Callable[[], Iterable[str]]
    is_open: bool = False


# By domain and field: vehicles.type.
field_words: Registry[Words] = Registry("field with words of its own")
# Fields, by their last names, that hold a name of a closed list or of a customer: conditions compare them as a whole.
names_of_lists: set[str] = {"kind", "type", "domain", "object"}
# Other words for those of topics, e.g. vehicle for vehicule.
word_aliases: Registry[str] = Registry("other word of topics")
# By key.
registered: Registry[EventKind] = Registry("kind of event")


def register_kinds(kinds: Iterable[EventKind]) -> None:
    """Raises ValueError for a key that another kind has."""
    for kind in kinds:
        if registered.get(kind.key) is not kind:
            registered.add(kind.key, kind)


def kind_of(key: str) -> EventKind:
    try:
        return registered[key]
    except KeyError as error:
        raise UnknownKind(f"No app registered the event kind {key}.") from error


def label_of(key: str) -> str:
    """A kind's name for people; its key for a kind that no app registers any more."""
    return str(registered[key].label) if key in registered else key


def domain_of(key: str) -> str:
    """Whose kind it is; empty for a kind that no app registers any more."""
    return registered[key].domain if key in registered else ""


def severities() -> list[str]:
    """The outbox's, from the lowest, and behind each those of payloads that count as it."""
    words = {word: severity for kind in registered.values() for word, severity in kind.severities.items()}
    return [
        *dict.fromkeys(
            word
            for severity in Severity.values
            for word in (severity, *(word for word, rank in words.items() if rank == severity))
        )
    ]


def all_kinds() -> list[EventKind]:
    return sorted(registered.values(), key=lambda kind: (kind.domain, kind.key))


def matches_topic(pattern: str, key: str) -> bool:
    """Whether a topic of a subscription takes this kind: `*`, `trip.*` (also `trip.mark.updated`), or the kind."""
    return pattern in ("*", key) or (pattern.endswith(".*") and key.startswith(pattern[:-1]))


def public_kinds() -> list[EventKind]:
    """The kinds that can be listened to."""
    return [kind for kind in all_kinds() if kind.is_public]


def domains() -> list[str]:
    return sorted({kind.domain for kind in public_kinds()})


def kinds_of(topics: Iterable[str], domain: str = "") -> list[EventKind]:
    """The public kinds that these topics take, of one domain or of any."""
    patterns = list(topics)
    return [
        kind
        for kind in public_kinds()
        if domain in ("", kind.domain) and any(matches_topic(topic, kind.key) for topic in patterns)
    ]


def clean_topics(texts: Iterable[str]) -> list[str]:
    """Topics in their order, each once. Raises Refused for none at all, and for each that takes no kind."""
    topics = list(dict.fromkeys(_in_our_words(text.strip()) for text in texts if text.strip()))
    wrong = [topic for topic in topics if not kinds_of([topic])]
    if not topics:
        raise Refused(_("Choose at least one topic; * takes every event."))
    if wrong:
        raise Refused.by_field({"": [_unknown_topic(topic) for topic in wrong]})
    return topics


def _in_our_words(topic: str) -> str:
    """A topic as its kinds are called, where it is spelt in other words that an app registered."""
    if kinds_of([topic]):
        return topic
    words = topic.lower().split(".")
    meant = ".".join(word_aliases.get(word, word) for word in words)
    return meant if kinds_of([meant]) else topic


def _unknown_topic(topic: str) -> str:
    near = difflib.get_close_matches(topic, [kind.key for kind in public_kinds()], n=1, cutoff=0.6)
    sentence = _("No event is of the topic “%(topic)s”.") % {"topic": topic[:80]}
    return f"{sentence} " + _("Did you mean “%(near)s”?") % {"near": near[0]} if near else sentence
