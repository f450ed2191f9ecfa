"""Writes notification groups: settings, addresses, members, the wizard's drafts. Everything here is audited."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, time
from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from core.sql import array_literal
from core.time_zones import known_zones
from infra_notifications.choices import Case, Language, NoticeReason, NoticeState
from infra_notifications.event_kinds import GROUP_TEST, GroupTest
from infra_notifications.models import (
    ChargePoint,
    GroupAddress,
    GroupMembership,
    Notice,
    NotificationGroup,
)
from infra_notifications.services import notices
from infra_notifications.services.digests import next_digest
from infra_notifications.services.payloads import group_url
from outbox.choices import Reason
from outbox.contract import NewEvent, Recipient
from outbox.lists import clean_addresses
from outbox.services import cancel_deleted_list, cancel_for_list, publish

MAX_HOLD_OFF_S = 30 * 24 * 3600
# The audit log names this many charge points of a change and counts the rest.
AUDIT_LISTED = 100
SETTINGS = (
    "name", "description", "cases", "hold_off_s", "notify_recovery", "reminder_s", "language", "digest_time",
    "time_zone",
)  # fmt: skip


def clean_settings(given: dict[str, Any]) -> dict[str, Any]:
    """Checks a group's settings; unknown keys are left out. Raises ValidationError with a pointer to each field."""
    found = {key: value for key, value in given.items() if key in SETTINGS}
    errors: dict[str, str] = {}
    if "name" in found:
        found["name"] = " ".join(str(found["name"]).replace("\x00", "").split())
        if not found["name"] or len(found["name"]) > 100:
            errors["name"] = _("Give the group a name of at most 100 characters.")
    if "description" in found:
        found["description"] = str(found["description"]).replace("\x00", "").strip()
    if "cases" in found:
        unknown = sorted(set(found["cases"]) - set(Case.values))
        if unknown:
            errors["cases"] = _("The cases are %(known)s.") % {"known": ", ".join(Case.values)}
        found["cases"] = [case for case in Case.values if case in found["cases"]]
    for case, seconds in (found.get("hold_off_s") or {}).items():
        if case not in Case.values or not isinstance(seconds, int) or not 0 <= seconds <= MAX_HOLD_OFF_S:
            errors["hold_off_s"] = _("A hold-off is 0 to %(n)d seconds for one of %(known)s.") % {
                "n": MAX_HOLD_OFF_S,
                "known": ", ".join(Case.values),
            }
    if found.get("language", "en") not in Language.values:
        errors["language"] = _("The languages are %(known)s.") % {"known": ", ".join(Language.values)}
    reminder = found.get("reminder_s")
    if reminder is not None and not 60 <= reminder <= MAX_HOLD_OFF_S:
        errors["reminder_s"] = _("A reminder comes every 60 seconds to 30 days.")
    errors |= _clean_digest(found)
    if errors:
        raise ValidationError(errors)
    return found


def _clean_digest(found: dict[str, Any]) -> dict[str, str]:
    """Reads the digest's time ("07:00") in place; returns what is wrong by field."""
    errors: dict[str, str] = {}
    given = found.get("digest_time")
    if isinstance(given, str):
        try:
            found["digest_time"] = time.fromisoformat(given).replace(tzinfo=None) if given else None
        except ValueError:
            errors["digest_time"] = _("A time of day is written like 07:00.")
    if found.get("time_zone") and found["time_zone"] not in known_zones():
        errors["time_zone"] = _("Name a time zone of the IANA database, e.g. Europe/Berlin.")
    return errors


def create_group(
    *,
    settings: dict[str, Any],
    emails: Sequence[str] = (),
    charge_point_ids: Iterable[int] = (),
    by: AbstractBaseUser | None = None,
    now: datetime | None = None,
) -> NotificationGroup:
    """Makes a group with its addresses and members. Raises ValidationError, with code `unique` for a taken name."""
    clean, addresses = clean_settings({"name": ""} | settings), clean_addresses(emails)
    with transaction.atomic():
        group = NotificationGroup(**clean)
        group.digest_due_at = next_digest(group, now or timezone.now())
        _saved(group)
        GroupAddress.objects.bulk_create([GroupAddress(group=group, address=address) for address in addresses])
        if addresses:
            _audit(group, {"addresses": ["", ", ".join(addresses)]})
        add_members(group=group, charge_point_ids=charge_point_ids, by=by)
    return group


def update_group(
    *,
    group: NotificationGroup,
    settings: dict[str, Any],
    emails: Sequence[str] | None = None,
    members: Iterable[int] | None = None,
    by: AbstractBaseUser | None = None,
    now: datetime,
) -> NotificationGroup:
    """Changes a group's settings and, if given, replaces its addresses and members. Raises ValidationError."""
    clean = clean_settings(settings)
    addresses = clean_addresses(emails) if emails is not None else None
    before = schedule_of(group)
    with transaction.atomic():
        for key, value in clean.items():
            setattr(group, key, value)
        # Nothing but these: when the group was last told and gathers until is written by others meanwhile.
        fields = [*clean, "updated_at"]
        if schedule_of(group)[:2] != before[:2]:
            group.digest_due_at = next_digest(group, now)
            fields.append("digest_due_at")
        _saved(group, fields)
        if addresses is not None:
            _replace_addresses(group, addresses, now)
        if members is not None:
            replace_members(group=group, charge_point_ids=members, by=by)
        follow_schedule(group=group, before=before, now=now)
    return group


def schedule_of(group: NotificationGroup) -> tuple[Any, ...]:
    """What says when a group is told: digest and zone, reminders."""
    return group.digest_time, group.time_zone, group.reminder_s


def follow_schedule(*, group: NotificationGroup, before: tuple[Any, ...], now: datetime) -> None:
    """Applies a group's changed hold-off, digest and reminders to what waits. `before` is its `schedule_of` then."""
    notices.reschedule_group(group=group, now=now)
    if before[:2] != (group.digest_time, group.time_zone):
        notices.reschedule_digest(group=group, now=now)
    if before != schedule_of(group):
        notices.reschedule_reminders(group=group, now=now)


def _saved(group: NotificationGroup, fields: Iterable[str] | None = None) -> NotificationGroup:
    try:
        with transaction.atomic():
            group.save(update_fields=fields)
    except IntegrityError as error:
        if "notificationgroup_name_unique" not in str(error):
            raise
        raise ValidationError(
            _("There is a notification group named “%(name)s” already.") % {"name": group.name}, code="unique"
        ) from error
    return group


def _replace_addresses(group: NotificationGroup, addresses: Sequence[str], now: datetime) -> None:
    """Adds what is new and removes what is gone; what stays keeps its row."""
    old = {row.address.lower(): row for row in group.addresses.all()}
    wanted = {address.lower(): address for address in addresses}
    gone = [row for key, row in old.items() if key not in wanted]
    added = [address for key, address in wanted.items() if key not in old]
    GroupAddress.objects.filter(pk__in=[row.pk for row in gone]).delete()
    GroupAddress.objects.bulk_create([GroupAddress(group=group, address=address) for address in added])
    for row in gone:
        cancel_for_list(list_key=group.list_key, address=row.address, reason=Reason.BY_HAND, now=now)
    if gone or added:
        before, after = sorted(row.address for row in old.values()), sorted(wanted.values())
        _audit(group, {"addresses": [", ".join(before), ", ".join(after)]})


def leave_list(*, group_id: int, address: str) -> bool:
    """Takes an address off a group's list because its owner asked; says whether it stood there."""
    with transaction.atomic():
        found = GroupAddress.objects.select_related("group").filter(group_id=group_id, address__iexact=address).first()
        if found is None:
            return False
        found.delete()
        _audit(found.group, {"addresses": [address, _("unsubscribed by its owner")]})
    return True


def delete_group(*, group: NotificationGroup, now: datetime) -> None:
    """Ends a group and all that is on its way to it. Its incidents and what it was told stay, under its name."""
    list_key = group.list_key
    with transaction.atomic():
        Notice.objects.filter(group=group, state=NoticeState.WAITING).update(
            state=NoticeState.SKIPPED, reason=NoticeReason.LEFT_GROUP, due_at=None, decided_at=now
        )
        group.delete()
        cancel_deleted_list(list_key=list_key, now=now)


# ---- members ------------------------------------------------------------------------------------------------------


def add_members(
    *,
    group: NotificationGroup,
    charge_point_ids: Iterable[int] | QuerySet[Any],
    by: AbstractBaseUser | None = None,
) -> int:
    """Puts charge points into a group, set-based; those already in it are left alone. Returns how many are new."""
    return len(insert_members(group=group, charge_point_ids=charge_point_ids, by=by))


def remove_members(*, group: NotificationGroup, charge_point_ids: Iterable[int] | QuerySet[Any]) -> int:
    """Takes charge points out of a group; returns how many were in it."""
    return len(delete_members(group=group, charge_point_ids=charge_point_ids))


def insert_members(
    *,
    group: NotificationGroup,
    charge_point_ids: Iterable[int] | QuerySet[Any],
    by: AbstractBaseUser | None = None,
) -> list[int]:
    """`add_members`, for those who must know which charge points are new."""
    ids = sorted(set(charge_point_ids))
    if not ids:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO infra_notifications_groupmembership (group_id, charge_point_id, added_at, added_by_id)"
            " SELECT %s, c.id, %s, %s FROM infra_notifications_chargepoint c WHERE c.id = ANY(%s::bigint[])"
            " ON CONFLICT DO NOTHING RETURNING charge_point_id",
            [group.pk, timezone.now(), by.pk if by else None, array_literal(ids)],
        )
        added = [row[0] for row in cursor.fetchall()]
        _audit_members(group, "add", added)
    return added


def delete_members(*, group: NotificationGroup, charge_point_ids: Iterable[int] | QuerySet[Any]) -> list[int]:
    """`remove_members`, for those who must know which charge points were in the group."""
    ids = sorted(set(charge_point_ids))
    if not ids:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM infra_notifications_groupmembership"
            " WHERE group_id = %s AND charge_point_id = ANY(%s::bigint[]) RETURNING charge_point_id",
            [group.pk, array_literal(ids)],
        )
        removed = [row[0] for row in cursor.fetchall()]
        _audit_members(group, "delete", removed)
    return removed


def replace_members(
    *, group: NotificationGroup, charge_point_ids: Iterable[int], by: AbstractBaseUser | None = None
) -> tuple[list[int], list[int]]:
    """Makes these the group's members; returns whom it added and whom it removed."""
    wanted = set(charge_point_ids)
    with transaction.atomic():
        present = set(GroupMembership.objects.filter(group=group).values_list("charge_point_id", flat=True))
        removed = delete_members(group=group, charge_point_ids=present - wanted)
        return insert_members(group=group, charge_point_ids=wanted - present, by=by), removed


def _audit(group: NotificationGroup, changes: dict[str, Any]) -> None:
    LogEntry.objects.log_create(group, action=LogEntry.Action.UPDATE, changes=changes)


def _audit_members(group: NotificationGroup, operation: str, ids: Sequence[int]) -> None:
    """One entry for the whole change, which names the first hundred."""
    if not ids:
        return
    names = list(ChargePoint.objects.filter(pk__in=list(ids)[:AUDIT_LISTED]).values_list("evse_id", flat=True))
    if len(ids) > len(names):
        names.append(_("and %(n)d more") % {"n": len(ids) - len(names)})
    _audit(group, {"charge_points": {"type": "m2m", "operation": operation, "objects": names}})


# ---- test mail ------------------------------------------------------------------------------------------------------


def send_test(*, group: NotificationGroup, sent_by: str, now: datetime) -> int | None:
    """Sends a test mail to every address of a group, the whole way through the outbox. Returns the event's id."""
    key = f"group_test:{group.pk}:{uuid.uuid4().hex}"
    with transaction.atomic():
        # Held until the mail is recorded, so that who deletes the group finds the mail and stops it.
        list(NotificationGroup.objects.select_for_update(no_key=True).filter(pk=group.pk).values_list("pk"))
        addresses = list(group.addresses.values_list("address", flat=True))
        if not addresses:
            raise ValidationError(_("This group has no address yet."))
        ids = publish(
            events=[
                NewEvent(
                    kind=GROUP_TEST,
                    subject=group.list_key,
                    payload=GroupTest(
                        group_id=group.pk,
                        group=group.name,
                        charge_points=GroupMembership.objects.filter(group=group).count(),
                        cases=list(group.cases),
                        sent_by=sent_by,
                        url=group_url(group.pk),
                    ),
                    dedup_key=key,
                    occurred_at=now,
                    recipients=tuple(
                        Recipient(address, list_key=group.list_key, language=group.language) for address in addresses
                    ),
                )
            ],
            now=now,
        )
    return ids.get(key)
