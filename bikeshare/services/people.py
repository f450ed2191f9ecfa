"""Cyclists, their registrations, passes and favourites: what happens to them beside plain edits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bikeshare.choices import CyclistStatus, Refusal, RegistrationStatus
from bikeshare.event_kinds.payloads import ObjectPayload, PassDisassociated, StationFavored
from bikeshare.models import Cyclist, Pass, Registration, Station, StationFavorite
from bikeshare.selectors import running_trips
from bikeshare.services.refusals import refusal
from bikeshare.services.unit_of_work import ResourceUnitOfWork, load, load_by_id
from core.identities import phone_identity

ERASED = {
    "name": "",
    "email": "",
    "phone_number": "",
    "kyc_documents": [],
    "status_updated_reason": "",
    "has_payment_source": False,
}


def _move(
    work: ResourceUnitOfWork, cyclist: Cyclist, status: CyclistStatus, reason: str, reasons: list[str], **more: Any
) -> None:
    said = {"status_updated_at": work.now, "status_updated_reason": reason[:200], "blocked_reasons": reasons}
    work.change(cyclist, status=status, **said, **more)


def _require_number(cyclist: Cyclist | None) -> None:
    if cyclist is None or not cyclist.phone_number:
        raise refusal(Refusal.NO_PHONE_NUMBER)


def with_number(cyclist: Cyclist, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The changes of a cyclist, with what follows from another phone number: it is confirmed anew, and until then
    nothing can be rented. The same number in another spelling is no other."""
    if phone_identity(values.get("phone_number", cyclist.phone_number)) == phone_identity(cyclist.phone_number):
        return values
    values |= {"phone_confirmed_at": None}
    if cyclist.status == CyclistStatus.ACTIVE:
        values |= {"status": CyclistStatus.UNCONFIRMED, "status_updated_at": now}
    return values


def confirm_cyclist(cyclist_id: str, *, now: datetime) -> Cyclist:
    """The cyclist confirmed the phone number: whoever sent the code says so."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        cyclist = load_by_id(Cyclist, cyclist_id)
        if cyclist.status != CyclistStatus.UNCONFIRMED:
            raise refusal(Refusal.ILLEGAL_MOVE, _("Only an unconfirmed cyclist can be confirmed."))
        _require_number(cyclist)
        _move(work, cyclist, CyclistStatus.ACTIVE, "", [], phone_confirmed_at=now)
        work.publish("cyclist.confirmed", cyclist, ObjectPayload)
        return cyclist


def block_cyclist(cyclist_id: str, *, reason: str, now: datetime) -> Cyclist:
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        cyclist = load_by_id(Cyclist, cyclist_id)
        _move(work, cyclist, CyclistStatus.BLOCKED, reason, [*cyclist.blocked_reasons, reason[:80]] if reason else [])
        return cyclist


def unblock_cyclist(cyclist_id: str, *, now: datetime) -> Cyclist:
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        cyclist = load_by_id(Cyclist, cyclist_id)
        if cyclist.status != CyclistStatus.BLOCKED:
            raise refusal(Refusal.ILLEGAL_MOVE, _("The cyclist is not blocked."))
        status = CyclistStatus.ACTIVE if cyclist.phone_confirmed_at else CyclistStatus.UNCONFIRMED
        _move(work, cyclist, status, "", [])
        return cyclist


def request_deletion(cyclist_id: str, *, now: datetime) -> Cyclist:
    """A deleted cyclist is first one whose deletion is requested; trips and bills come to an end meanwhile."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        cyclist = load_by_id(Cyclist, cyclist_id)
        if cyclist.status != CyclistStatus.DELETION_REQUESTED:
            _move(work, cyclist, CyclistStatus.DELETION_REQUESTED, "", [])
        return cyclist


def erase_cyclist(cyclist_id: str, *, now: datetime) -> Cyclist:
    """Deletes a cyclist for good: the personal data is gone, passes are free, registrations deleted."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        cyclist = load_by_id(Cyclist, cyclist_id)
        if running_trips().filter(cyclist=cyclist).exists():
            raise refusal(Refusal.ABONNEMENT_DELETION_TRIPS)
        for row in load(Pass.objects.filter(user=cyclist)):
            _disassociate(work, row)
        for registration in load(Registration.objects.filter(cyclist=cyclist)):
            work.change(registration, status=RegistrationStatus.DELETED)
            work.delete(registration)
        StationFavorite.objects.filter(cyclist=cyclist).delete()
        _move(work, cyclist, CyclistStatus.DELETED, "", [])
        work.change(cyclist, **ERASED)
        work.delete(cyclist)
        return cyclist


# ---- passes -----------------------------------------------------------------------------------------------------


def associate_pass(pass_id: str, *, cyclist_id: str, now: datetime, confirmed: bool = True) -> Pass:
    """Gives a pass to a cyclist, which confirms it in the app; one that was added on a vehicle waits for the code that
    is sent to the cyclist's phone (`confirmed` false)."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        cyclist, row = load_by_id(Cyclist, cyclist_id), load_by_id(Pass, pass_id)
        if row.disabled_at is not None:
            raise refusal(Refusal.DISABLED_PASS)
        if row.user_id not in (None, cyclist.pk):
            raise refusal(Refusal.FORBIDDEN_PASS)
        others = Pass.objects.filter(user=cyclist, program_id=row.program_id, disabled_at__isnull=True)
        if others.exclude(pk=row.pk).exists():
            raise refusal(Refusal.FORBIDDEN_PASS, _("The cyclist has another pass; take that one back first."))
        is_new = row.user_id is None
        work.change(row, user=cyclist)
        if is_new:
            work.publish("pass.associated", row, ObjectPayload)
        if confirmed:
            _confirm(work, row)
        return row


def disassociate_pass(pass_id: str, *, now: datetime) -> Pass:
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row = load_by_id(Pass, pass_id)
        if row.user_id is None:
            raise refusal(Refusal.ILLEGAL_MOVE, _("The pass belongs to nobody."))
        _disassociate(work, row)
        return row


def _disassociate(work: ResourceUnitOfWork, row: Pass) -> None:
    previous = row.user_id
    work.change(row, user=None, confirmed_at=None)
    work.publish("pass.disassociated", row, PassDisassociated, previous_user=previous)


def confirm_pass(pass_id: str, *, now: datetime) -> Pass:
    """The code that was sent to the phone was typed on the vehicle: whoever sent it says so."""
    with ResourceUnitOfWork.begin(now, audited=True) as work:
        row = load_by_id(Pass, pass_id)
        if row.user_id is None:
            raise refusal(Refusal.ILLEGAL_MOVE, _("The pass belongs to nobody; give it to a cyclist first."))
        _require_number(row.user)
        _confirm(work, row)
        return row


def _confirm(work: ResourceUnitOfWork, row: Pass) -> None:
    if work.change(row, confirmed_at=row.confirmed_at or work.now):
        work.publish("pass.confirmed", row, ObjectPayload)


# ---- favourites -------------------------------------------------------------------------------------------------


def add_favorite(*, station_id: str, cyclist_id: str, now: datetime) -> bool:
    """Puts a station on a cyclist's list; says whether it was not there."""
    with ResourceUnitOfWork.begin(now) as work:
        cyclist = load_by_id(Cyclist, cyclist_id)
        station = load_by_id(Station, station_id)
        row, added = StationFavorite.objects.get_or_create(cyclist=cyclist, station=station, defaults={"created": now})
        if added:
            key = f"{cyclist.pk}:{row.pk}"
            work.publish("station.favorite", station, StationFavored, key=key, cyclist=cyclist.pk)
        return added


def remove_favorite(*, station_id: str, cyclist_id: str) -> bool:
    """Takes a station off a cyclist's list, for which there is no topic; says whether it was there."""
    deleted, _rows = StationFavorite.objects.filter(cyclist_id=cyclist_id, station_id=station_id).delete()
    return deleted > 0
