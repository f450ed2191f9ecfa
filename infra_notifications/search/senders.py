"""What sources, routes, connections and parties can be searched by, and what was sent that is not known."""

from __future__ import annotations

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.search import ChoiceFacet, NumberFacet, SearchSchema, TextFacet, TimeFacet
from core.search.facets import FlagFacet
from core.search.schema import any_text
from infra_notifications.choices import OcpiPartyState, SourceKind, SourceTrouble
from infra_notifications.evse_ids import EvseFacet

_SOURCE_KINDS: dict[str, str | Promise] = {kind.value: kind.label for kind in SourceKind}
_TROUBLES = (SourceTrouble.SILENT, SourceTrouble.REJECTED)
SOURCE_SEARCH = SearchSchema(
    any_text("name"),
    (
        TextFacet("name", "name", _("Name")),
        ChoiceFacet("kind", "kind", _("Kind"), choices={k.value: k for k in SourceKind}, labels=_SOURCE_KINDS),
        ChoiceFacet(
            "state",
            "pk",
            _("State"),
            choices={"heard": ~Q(trouble=SourceTrouble.SILENT), **{t.value: Q(trouble=t) for t in _TROUBLES}},
            labels={"heard": _("Heard"), **{t.value: t.label for t in _TROUBLES}},
        ),
        FlagFacet("paused", "paused", _("Paused"), when_true=Q(paused=True)),
        TimeFacet("heard", "last_heard_at", _("Last heard"), ("last_heard",)),
        NumberFacet("accepted", "accepted", _("Accepted")),
        NumberFacet("rejected", "rejected", _("Rejected")),
        NumberFacet("warnings", "warnings", _("Warnings")),
    ),
)


ROUTE_SEARCH = SearchSchema(
    any_text("slug", "shown_url"),
    (
        TextFacet("name", "slug", _("URL name"), ("slug",)),
        TextFacet("csms", "shown_url", _("CSMS"), ("upstream",)),
        FlagFacet("enabled", "enabled", _("Enabled"), when_true=Q(enabled=True)),
        FlagFacet("registers", "register_unknown", _("Registers unknown stations"), when_true=Q(register_unknown=True)),
        TimeFacet("created", "created_at", _("Created")),
    ),
)
CONNECTION_SEARCH = SearchSchema(
    any_text("station"),
    (
        TextFacet("station", "station", _("Station")),
        FlagFacet("connected", "connected", _("Connected"), when_true=Q(connected=True)),
        TextFacet("version", "protocol", _("Version"), ("protocol",), counted=True),
        TimeFacet("since", "since", _("Since")),
        TimeFacet("seen", "last_seen", _("Last seen")),
        NumberFacet("messages", "messages", _("Messages")),
        NumberFacet("roundtrip", "round_trip_ms", _("Round trip (ms)"), ("round_trip",)),
    ),
)
MOVED_SEARCH = SearchSchema(
    any_text("station", "target__slug"),
    (
        TextFacet("station", "station", _("Station")),
        TextFacet("target", "target__slug", _("Passed on by"), counted=True),
        TimeFacet("moved", "moved_at", _("Moved")),
    ),
)


_PARTY_STATES: dict[str, str | Promise] = {state.value: state.label for state in OcpiPartyState}
OCPI_PARTY_SEARCH = SearchSchema(
    any_text("name"),
    (
        TextFacet("name", "name", _("Name")),
        ChoiceFacet("state", "state", _("State"), choices={s.value: s for s in OcpiPartyState}, labels=_PARTY_STATES),
        FlagFacet("disabled", "is_disabled", _("Disabled"), when_true=Q(is_disabled=True)),
        FlagFacet("failing", "pull_error", _("Cannot be fetched"), when_true=~Q(pull_error="")),
        TextFacet("version", "version", _("OCPI version")),
        TimeFacet("pulled", "pulled_at", _("Last comparison")),
    ),
)


UNMAPPED_SEARCH = SearchSchema(
    any_text("said", "signature", "station", "charge_point__evse_id"),
    (
        TextFacet("action", "action", _("Action"), counted=True),
        TextFacet("protocol", "protocol", _("Protocol"), counted=True),
        TextFacet("station", "station", _("Station")),
        EvseFacet("evse", "charge_point__evse_id", _("EVSE id"), point="charge_point"),
        NumberFacet("count", "seen", _("Seen")),
        TimeFacet("seen", "last_seen", _("Last seen")),
    ),
)


UNKNOWN_SEARCH = SearchSchema(
    any_text("evse_id", "station", "vendor", "model"),
    (
        TextFacet("evse", "evse_id", _("EVSE id")),
        TextFacet("station", "station", _("Station")),
        TextFacet("vendor", "vendor", _("Vendor"), counted=True),
        TextFacet("model", "model", _("Model"), counted=True),
        NumberFacet("messages", "messages", _("Messages")),
        TimeFacet("seen", "last_seen", _("Last seen")),
    ),
)
