"""What vehicles, actions and the rest can be searched by; the same for pages and API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from core.search import (
    ChoiceFacet,
    FlagFacet,
    MembershipFacet,
    NumberFacet,
    SearchContext,
    SearchSchema,
    TextFacet,
    TimeFacet,
)
from core.search.facets import NameFacet, TagFacet
from core.search.grammar import Value, Word
from core.search.schema import any_text, folded_text
from core.words import Vocabulary
from fleet_remotes.catalogue.words import BRAND, CAPABILITY, CAUSE, DONE, KIND, PENDING, PRIVACY, kind_of_name
from fleet_remotes.choices import (
    FAILURES,
    OPEN,
    REMOTE_TYPES,
    SUCCESS,
    Brand,
    Capability,
    Kind,
    Privacy,
    State,
    Verdict,
)
from fleet_remotes.models import RemoteAction, WakeUpUse
from fleet_remotes.rules.budget import month_of


def can_do(capability: str) -> Q:
    """Vehicles that report this capability."""
    return Q(capabilities__contains=[capability])


def has_action(states: tuple[State, ...]) -> Q:
    """Vehicles with an action in one of these states."""
    return Q(Exists(RemoteAction.objects.filter(vehicle=OuterRef("pk"), state__in=states)))


def _used_up(context: SearchContext) -> Q:
    refused = WakeUpUse.objects.filter(vehicle=OuterRef("pk"), month=month_of(context.now), refusals__gt=0)
    return Q(Exists(refused))


def in_fleet(name: str | None) -> Q:
    if name is None:
        return Q(fleet__isnull=False)
    return Q(fleet__key__iexact=name) | Q(fleet__name__iexact=name)


@dataclass(frozen=True)
class SpelledFacet(TextFacet):
    """Text that is found in the vendor's own spelling, too (`spelled`)."""

    spelled: Callable[[str], str | None] = lambda text: None

    def condition(self, value: Value, context: SearchContext) -> Q:
        found = super().condition(value, context)
        known = self.spelled(value.text) if isinstance(value, Word) and value.text else None
        return found | super().condition(Word(known), context) if known else found


def _remote_type(text: str) -> str | None:
    kind = kind_of_name(text)
    return REMOTE_TYPES[kind] if kind else None


_BRANDS: dict[str, Any] = {brand.value: brand.value for brand in Brand}
_PRIVACY: dict[str, Any] = {"off": "None", "position": "Geolocation", "full": "Full", "unknown": ""}
assert set(_PRIVACY.values()) == set(Privacy.values)

VEHICLE_SEARCH = SearchSchema(
    folded_text("search_text"),
    (
        TextFacet("vin", "vin", _("VIN"), through="search_text"),
        TextFacet("plate", "plate", _("Plate"), through="search_text"),
        TextFacet("name", "name", _("Name"), through="search_text"),
        MembershipFacet("fleet", "fleet", _("Fleet"), belongs=in_fleet),
        ChoiceFacet("brand", "brand", _("Brand"), choices=_BRANDS, words=BRAND),
        TextFacet("model", "model", _("Model"), through="search_text"),
        ChoiceFacet(
            "can", "capabilities", _("Can"), choices={c: can_do(c) for c in Capability.values}, words=CAPABILITY
        ),
        ChoiceFacet("privacy", "privacy", _("Privacy"), choices=_PRIVACY, words=PRIVACY),
        NumberFacet("battery", "battery_level", _("Battery (%)"), ("soc",)),
        FlagFacet("stolen", "is_stolen", _("Declared stolen"), when_true=Q(is_stolen=True)),
        FlagFacet("busy", "pk", _("Has an open command"), when_true=has_action(OPEN)),
        FlagFacet(
            "stopped", "fleet__stopped_at", _("Sending is stopped"), when_true=Q(fleet__stopped_at__isnull=False)
        ),
        ChoiceFacet("wakeups", "pk", _("Wake-ups"), choices={"refused": _used_up}),
        NumberFacet("budget", "wakeup_budget", _("Wake-ups a month")),
        TextFacet("id", "vehicle_id", _("Vehicle id"), ("vehicle_id",), through="search_text"),
        TagFacet("tag", "tags", _("Tag"), ("tags",)),
    ),
)

_KINDS: dict[str, Any] = {kind.lower(): kind for kind in Kind.values}
_STATE_WORDS = Vocabulary({**PENDING.synonyms, **DONE.synonyms})
_STATES: dict[str, Any] = {state.value: state.value for state in State}
_GROUPS: dict[str, Any] = {
    "open": Q(state__in=OPEN),
    "ended": ~Q(state__in=OPEN),
    "success": Q(state__in=SUCCESS),
    "approval": Q(state=State.DRAFT, confirm_digest=""),
    "trouble": Q(state__in=(*FAILURES, State.UNCONFIRMED)) | Q(conflict=True, reconciled=False),
}

ACTION_SEARCH = SearchSchema(
    lambda text: Q(vehicle__search_text__folded_contains=text),
    (
        ChoiceFacet("state", "state", _("State"), ("status",), choices=_STATES | _GROUPS, words=_STATE_WORDS),
        ChoiceFacet("type", "kind", _("Command"), ("command", "kind"), choices=_KINDS, words=KIND),
        SpelledFacet("cause", "cause", _("Cause"), spelled=CAUSE.read),
        TextFacet("vin", "vehicle__vin", _("VIN"), through="vehicle__search_text"),
        TextFacet("plate", "vehicle__plate", _("Plate"), through="vehicle__search_text"),
        MembershipFacet("fleet", "fleet", _("Fleet"), belongs=in_fleet),
        ChoiceFacet("brand", "vehicle__brand", _("Brand"), choices=_BRANDS, words=BRAND),
        TimeFacet("ordered", "created_at", _("Ordered"), ("created",)),
        TimeFacet("sent", "submitted_at", _("Taken by the vendor"), ("submitted",)),
        TimeFacet("since", "since", _("In its state since")),
        TextFacet("by", "requested_by", _("Ordered by")),
        TextFacet("reason", "reason", _("Reason")),
        NumberFacet("batch", "batch_id", _("Batch")),
        TextFacet("id", "remote_action_id", _("Vendor’s id"), exact=True),
        FlagFacet("conflict", "conflict", _("Contradicting outcomes"), when_true=Q(conflict=True)),
        FlagFacet("retry", "retry_of", _("A second try"), when_true=Q(retry_of__isnull=False)),
        FlagFacet("resolved", "resolved_by", _("A later success ended it"), when_true=Q(resolved_by__isnull=False)),
    ),
)

NOTIFICATION_SEARCH = SearchSchema(
    any_text("remote_action_id", "vin", "status", "cause", "reason"),
    (
        ChoiceFacet("verdict", "verdict", _("Verdict"), choices={verdict: verdict for verdict in Verdict.values}),
        TextFacet("vin", "vin", _("VIN")),
        TextFacet("id", "remote_action_id", _("Vendor’s action id"), exact=True),
        NameFacet("status", "status", _("Status")),
        SpelledFacet("cause", "cause", _("Cause"), spelled=CAUSE.read),
        SpelledFacet("type", "remote_type", _("Remote type"), spelled=_remote_type),
        TextFacet("callback", "callback__slug", _("Callback")),
        TimeFacet("received", "received_at", _("Received")),
        TimeFacet("date", "event_date", _("Date")),
        NumberFacet("duplicates", "duplicates", _("Duplicates")),
    ),
)

MESSAGE_SEARCH = SearchSchema(
    any_text("callback__slug", "problem"),
    (
        TextFacet("callback", "callback__slug", _("Callback")),
        TimeFacet("received", "received_at", _("Received")),
        FlagFacet("applied", "applied_at", _("Applied"), when_true=Q(applied_at__isnull=False)),
        NumberFacet("events", "events", _("Notifications")),
        TextFacet("problem", "problem", _("Problem")),
    ),
)

BATCH_SEARCH = SearchSchema(
    any_text("reason", "created_by__username"),
    (
        ChoiceFacet("type", "kind", _("Command"), ("command",), choices=_KINDS, words=KIND),
        TimeFacet("sent", "created_at", _("Sent")),
        TextFacet("by", "created_by__username", _("Sent by")),
        NumberFacet("vehicles", "total", _("Vehicles")),
    ),
)

SCHEDULE_SEARCH = SearchSchema(
    any_text("name", "reason"),
    (
        TextFacet("name", "name", _("Name")),
        ChoiceFacet("type", "kind", _("Command"), ("command",), choices=_KINDS, words=KIND),
        FlagFacet("active", "next_at", _("Active"), when_true=Q(next_at__isnull=False)),
        TimeFacet("next", "next_at", _("Next time")),
    ),
)

CALLBACK_SEARCH = SearchSchema(
    any_text("slug", "fleet__key", "fleet__name", "callback_id"),
    (
        TextFacet("slug", "slug", _("URL name")),
        MembershipFacet("fleet", "fleet", _("Fleet"), belongs=in_fleet),
        FlagFacet("silent", "silent_since", _("Silent"), when_true=Q(silent_since__isnull=False)),
        TimeFacet("received", "last_received_at", _("Last received")),
    ),
)

FLEET_SEARCH = SearchSchema(
    any_text("key", "name"),
    (
        TextFacet("id", "key", _("Fleet id")),
        TextFacet("name", "name", _("Name")),
        FlagFacet("stopped", "stopped_at", _("Sending is stopped"), when_true=Q(stopped_at__isnull=False)),
    ),
)
