"""What the statuses of EVSEs do here: incidents open and end, maintenance begins and ends, states are shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from core.device_clock import judge, parse_time
from core.sql import Col, columns, storable, update_rows
from infra_notifications.choices import Case, CloseReason, Connectivity, Effect, MessageVerdict
from infra_notifications.models import ChargePointState, MaintenanceTarget, MaintenanceWindow, OcpiEvse, OcpiParty
from infra_notifications.rules.lifecycle import OCPI_OFFLINE, IncidentChange, Signal
from infra_notifications.rules.ocpi.statuses import MEANINGS, OCPI_FAULT, REMOVED, Meaning
from infra_notifications.services.maintenance import ask_again
from infra_notifications.services.records import write_message_rows
from infra_notifications.services.unit_of_work import IncidentStore

# "Until another status": nobody says for how long something is inoperative.
MAINTENANCE = timedelta(days=3_650)
# What a CSMS forwards is truer than what an operator says of it: where there are messages, OCPI shows no state.
_IS_FED = "t.silent_at IS NULL AND (t.ocpp_version = '' OR t.ocpp_version LIKE 'ocpi%%')"
_OWN = Q(ocpp_version="") | Q(ocpp_version__startswith="ocpi")
_STATE = columns(
    ChargePointState,
    "last_seen",
    "connectivity",
    "status",
    "status_at",
    "ocpp_version",
    "source_id",
    computed={
        "last_seen": "greatest(t.last_seen, x.last_seen)",
        "status_at": "CASE WHEN x.status <> t.status THEN x.status_at ELSE t.status_at END",
    },
)


@dataclass(frozen=True, slots=True)
class StatusNews:
    """A status that was said of an EVSE which is a charge point here."""

    evse: OcpiEvse
    point_id: int
    sent: dict[str, Any]

    @property
    def status(self) -> str:
        return str(self.evse.document["status"])

    @property
    def meaning(self) -> Meaning:
        return MEANINGS.get(self.status) or Meaning(self.status.capitalize(), ())


def apply_statuses(*, news: Sequence[StatusNews], party: OcpiParty, now: datetime) -> None:
    """Applies what is said of some EVSEs, in the caller's transaction; each charge point is named once.

    A status tells of the present, so its receipt orders; `last_updated` is shown as the time at which it happened.
    """
    if not news:
        return
    ended = _change_maintenance(news, party, now)
    store = IncidentStore(now)
    raising = {one.point_id for one in news if one.meaning.raises}
    store.load(sorted({one.point_id for one in news}), raising=raising)
    rows = [_message_row(one, _signal(one, store, now), party, now) for one in news]
    _write_states(news, party, now)
    store.flush()
    write_message_rows(rows)
    if ended:
        ask_again(windows=ended, at=now)


# ---- incidents ------------------------------------------------------------------------------------------------------


def _signal(one: StatusNews, store: IncidentStore, now: datetime) -> list[tuple[Case, str]]:
    """What a status did to the incidents of its charge point, by case."""
    moment = judge(parse_time(one.evse.document.get("last_updated")), now, longest_queue=None)
    if one.meaning.is_removed:
        return _close_all(one.point_id, store)
    steps = []
    for fault in one.meaning.ends:
        signal = Signal(Case.OTHER_FAULT, False, fault, moment, now, every_case=True)
        steps += store.end_everywhere(one.point_id, signal)
    if one.meaning.raises is not None:
        case, fault = one.meaning.raises
        signal = Signal(case, True, fault, moment, now, said=f"OCPI: {one.status}")
        steps.append((case, store.change(one.point_id, signal)))
    return steps


def _close_all(point_id: int, store: IncidentStore) -> list[tuple[Case, str]]:
    found = store.open_incidents(point_id)
    for incident in found:
        store.close(point_id, incident, CloseReason.REMOVED)
    return [(incident.case, IncidentChange.CLOSED) for incident in found]


def forget_party(*, party: OcpiParty, now: datetime) -> None:
    """Ends what a party alone could end, because it is no longer connected: what it had raised, the maintenance that it
    had begun, and the states that it had told. What it says when it connects again is news. In the caller's
    transaction."""
    evses = OcpiEvse.objects.filter(location__party=party, charge_point__isnull=False)
    windows = [pk for pk in evses.values_list("maintenance_id", flat=True) if pk is not None]
    MaintenanceWindow.objects.filter(pk__in=windows, ends_at__gt=now).update(ends_at=now)
    points = {pk for pk in evses.values_list("charge_point_id", flat=True) if pk is not None}
    end_what_ocpi_raised(point_ids=points, reason=CloseReason.UNREPORTED, now=now)
    ask_again(windows=windows, at=now)
    states = ChargePointState.objects.filter(_OWN, pk__in=points, silent_at=None).exclude(status="Removed")
    states.update(connectivity=Connectivity.NEVER, status=MEANINGS["UNKNOWN"].word, status_at=now)
    said = list(OcpiEvse.objects.filter(location__party=party).exclude(document__status=REMOVED))
    for evse in said:
        evse.document = evse.document | {"status": ""}
    OcpiEvse.objects.bulk_update(said, ["document"], batch_size=1_000)


def end_what_ocpi_raised(*, point_ids: Collection[int], reason: CloseReason, now: datetime) -> None:
    """Ends the incidents that nobody else would end, in the caller's transaction."""
    if not point_ids:
        return
    store = IncidentStore(now)
    store.load(sorted(point_ids))
    for pk in point_ids:
        for incident in store.open_incidents(pk):
            if incident.faults <= {OCPI_FAULT, OCPI_OFFLINE}:
                store.close(pk, incident, reason)
    store.flush()


def leave_points(*, point_ids: Collection[int], windows: Sequence[int], now: datetime) -> None:
    """Charge points that are no EVSE's any more are as removed, unless somebody else speaks of them; the maintenance
    of these windows ends. In the caller's transaction."""
    if not point_ids:
        return
    end_what_ocpi_raised(point_ids=point_ids, reason=CloseReason.REMOVED, now=now)
    _end_maintenance(windows, now)
    _show_removed(ChargePointState.objects.filter(_OWN, pk__in=point_ids))


# ---- maintenance ----------------------------------------------------------------------------------------------------


def _change_maintenance(news: Sequence[StatusNews], party: OcpiParty, now: datetime) -> list[int]:
    """Begins a maintenance for what became inoperative; returns those that ended because it is no longer."""
    begun = [one for one in news if one.meaning.is_maintenance and not _is_running(one.evse, now)]
    windows = MaintenanceWindow.objects.bulk_create(
        MaintenanceWindow(
            reason=f"OCPI: {one.status}", starts_at=now, ends_at=now + MAINTENANCE, author=f"OCPI: {party.name}"
        )
        for one in begun
    )
    MaintenanceTarget.objects.bulk_create(
        MaintenanceTarget(window=window, charge_point_id=one.point_id)
        for one, window in zip(begun, windows, strict=True)
    )
    for one, window in zip(begun, windows, strict=True):
        one.evse.maintenance = window
    over = [one.evse for one in news if not one.meaning.is_maintenance and one.evse.maintenance_id is not None]
    ended = [evse.maintenance_id for evse in over if evse.maintenance_id is not None]
    for evse in over:
        evse.maintenance = None
    OcpiEvse.objects.bulk_update([*(one.evse for one in begun), *over], ["maintenance"])
    _end_maintenance(ended, now)
    return ended


def _end_maintenance(windows: Sequence[int], now: datetime) -> None:
    if windows:
        MaintenanceWindow.objects.filter(pk__in=windows, ends_at__gt=now).update(ends_at=now)


def _is_running(evse: OcpiEvse, now: datetime) -> bool:
    return evse.maintenance is not None and evse.maintenance.ends_at > now


# ---- what is kept and shown -----------------------------------------------------------------------------------------


def _write_states(news: Sequence[StatusNews], party: OcpiParty, now: datetime) -> None:
    rows = [
        (
            one.point_id,
            now,
            one.meaning.connectivity.value,
            one.meaning.word[:30],
            parse_time(one.evse.document.get("last_updated")) or now,
            f"ocpi{party.version}"[:12],
            party.source_id,
        )
        for one in sorted(news, key=lambda each: each.point_id)
    ]
    table, key = "infra_notifications_chargepointstate", Col("charge_point_id", "bigint")
    update_rows(table, key, _STATE, rows, f"AND {_IS_FED}")
    removed = [one.point_id for one in news if one.meaning.is_removed]
    if removed:
        _show_removed(ChargePointState.objects.filter(pk__in=removed))


def _show_removed(states: QuerySet[ChargePointState]) -> None:
    """What was removed is silent by itself."""
    states.update(silent_at=None, connectivity=Connectivity.NEVER, status="Removed")


def _message_row(
    one: StatusNews, steps: Sequence[tuple[Case, str]], party: OcpiParty, now: datetime
) -> tuple[Any, ...]:
    """A message of its charge point, with what it did."""
    meaning, finding = one.meaning, {"said": f"OCPI: {one.status}", "steps": sorted({step for _case, step in steps})}
    ended = {IncidentChange.CLOSED, IncidentChange.EASED} & set(finding["steps"])
    if meaning.raises is not None:
        verdict = MessageVerdict.RAISED
        finding |= {"effect": Effect.RAISE.value, "case": meaning.raises[0].value}
    elif ended:
        verdict = MessageVerdict.CLEARED
        finding |= {"effect": Effect.CLEAR.value, "case": next(case.value for case, step in steps if step in ended)}
    else:
        verdict = MessageVerdict.INFO
        finding |= {"effect": Effect.INFO.value, "case": ""}
    return (
        one.point_id,
        "",
        f"ocpi{party.version}"[:12],
        f"Status {one.status}"[:60],
        storable(one.sent),
        verdict,
        storable([finding]),
        None,
        parse_time(one.evse.document.get("last_updated")),
        now,
    )
