"""Writes notification groups: settings, addresses, members, the wizard's drafts. Everything here is audited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, time
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.email_addresses import clean_mailbox
from core.refusal import Refused
from core.sql import array_literal
from core.time_zones import known_zones
from infra_notifications.choices import Case, NotificationReason, NotificationState
from infra_notifications.event_kinds import GROUP_TEST, GroupTest
from infra_notifications.models import (
    ChargePoint,
    GroupAddress,
    GroupMembership,
    NotificationDecision,
    NotificationGroup,
)
from infra_notifications.services.already_open import catch_up, review_groups
from infra_notifications.services.decisions import reschedule_digest, reschedule_group, reschedule_reminders
from infra_notifications.services.digests import next_digest
from infra_notifications.services.payloads import to_group
from outbox.services.mailing_lists.addresses import clean_addresses
from outbox.services.mailing_lists.lists import MailingLists, clean_common

MAX_HOLD_OFF_S = 30 * 24 * 3600
# The audit log names this many charge points of a change and counts the rest.
AUDIT_LISTED = 100
SETTINGS = (
    "name",
    "description",
    "cases",
    "hold_off_s",
    "notify_recovery",
    "reminder_s",
    "language",
    "digest_time",
    "time_zone",
    "reply_to",
)


GROUPS = MailingLists(
    prefix="notification_group",
    model=NotificationGroup,
    address_model=GroupAddress,
    field="group",
    page="infra_notifications:group",
    name_constraint="notificationgroup_name_unique",
    name_taken=gettext_lazy("There is a notification group named “%(name)s” already."),
    no_address=gettext_lazy("This group has no address yet."),
    resumed=catch_up,
)


def clean_settings(given: dict[str, Any]) -> dict[str, Any]:
    """Checks a group's settings; unknown keys are left out. Raises Refused with a pointer to each field."""
    found = {key: value for key, value in given.items() if key in SETTINGS}
    errors = clean_common(found, name_missing=_("Give the group a name of at most 100 characters."))
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
    reminder = found.get("reminder_s")
    if reminder is not None and not 60 <= reminder <= MAX_HOLD_OFF_S:
        errors["reminder_s"] = _("A reminder comes every 60 seconds to 30 days.")
    if found.get("reply_to"):
        try:
            found["reply_to"] = clean_mailbox(found["reply_to"])
        except Refused as error:
            errors["reply_to"] = error.sentence
    errors |= _clean_digest(found)
    if errors:
        raise Refused.by_field(errors)
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
    """Makes a group with its addresses and members. Raises Refused, with code `unique` for a taken name."""
    clean, addresses = clean_settings({"name": ""} | settings), clean_addresses(emails)
    with transaction.atomic():
        group = NotificationGroup(**clean)
        moment = now or timezone.now()
        group.digest_due_at, group.review_at = next_digest(group, moment), moment
        GROUPS.save(group)
        GROUPS.add_addresses(group, addresses, moment)
        add_members(group=group, charge_point_ids=charge_point_ids, by=by, now=moment)
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
    """Changes a group's settings and, if given, replaces its addresses and members. Raises Refused."""
    clean = clean_settings(settings)
    addresses = clean_addresses(emails) if emails is not None else None
    before = schedule_of(group)
    with transaction.atomic():
        for key, value in clean.items():
            setattr(group, key, value)
        # Nothing but these: when the group was last told and gathers until is written by others meanwhile.
        group.review_at = now
        fields = [*clean, "review_at", "updated_at"]
        if schedule_of(group)[:2] != before[:2]:
            group.digest_due_at = next_digest(group, now)
            fields.append("digest_due_at")
        GROUPS.save(group, fields)
        if addresses is not None:
            GROUPS.replace_addresses(group, addresses, now)
        if members is not None:
            replace_members(group=group, charge_point_ids=members, by=by, now=now)
        follow_schedule(group=group, before=before, now=now)
    return group


def schedule_of(group: NotificationGroup) -> tuple[Any, ...]:
    """What says when a group is told: digest and zone, reminders."""
    return group.digest_time, group.time_zone, group.reminder_s


def follow_schedule(*, group: NotificationGroup, before: tuple[Any, ...], now: datetime) -> None:
    """Applies a group's changed hold-off, digest and reminders to what waits. `before` is its `schedule_of` then."""
    reschedule_group(group=group, now=now)
    if before[:2] != (group.digest_time, group.time_zone):
        reschedule_digest(group=group, now=now)
    if before != schedule_of(group):
        reschedule_reminders(group=group, now=now)


def delete_group(*, group: NotificationGroup, now: datetime) -> None:
    """Ends a group and all that is on its way to it. Its incidents and what it was told stay, under its name."""
    with transaction.atomic():
        NotificationDecision.objects.filter(group=group, state=NotificationState.WAITING).update(
            state=NotificationState.SKIPPED, reason=NotificationReason.LEFT_GROUP, due_at=None, decided_at=now
        )
        GROUPS.delete(group, now)


# ---- members ------------------------------------------------------------------------------------------------------


def add_members(
    *,
    group: NotificationGroup,
    charge_point_ids: Iterable[int] | QuerySet[Any],
    by: AbstractBaseUser | None = None,
    now: datetime | None = None,
) -> int:
    """Puts charge points into a group, set-based; those already in it are left alone. Returns how many are new."""
    return len(insert_members(group=group, charge_point_ids=charge_point_ids, by=by, now=now))


def remove_members(*, group: NotificationGroup, charge_point_ids: Iterable[int] | QuerySet[Any]) -> int:
    """Takes charge points out of a group; returns how many were in it."""
    return len(delete_members(group=group, charge_point_ids=charge_point_ids))


def insert_members(
    *,
    group: NotificationGroup,
    charge_point_ids: Iterable[int] | QuerySet[Any],
    by: AbstractBaseUser | None = None,
    now: datetime | None = None,
) -> list[int]:
    """`add_members`, for those who must know which charge points are new."""
    ids, moment = sorted(set(charge_point_ids)), now or timezone.now()
    if not ids:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO infra_notifications_groupmembership (group_id, charge_point_id, added_at, added_by_id)"
            " SELECT %s, c.id, %s, %s FROM infra_notifications_chargepoint c WHERE c.id = ANY(%s::bigint[])"
            " ON CONFLICT DO NOTHING RETURNING charge_point_id",
            [group.pk, moment, by.pk if by else None, array_literal(ids)],
        )
        added = [row[0] for row in cursor.fetchall()]
        _audit_members(group, "add", added)
        if added:
            review_groups(group_ids=[group.pk], now=moment)
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
    *,
    group: NotificationGroup,
    charge_point_ids: Iterable[int],
    by: AbstractBaseUser | None = None,
    now: datetime | None = None,
) -> tuple[list[int], list[int]]:
    """Makes these the group's members; returns whom it added and whom it removed."""
    wanted = set(charge_point_ids)
    with transaction.atomic():
        present = set(GroupMembership.objects.filter(group=group).values_list("charge_point_id", flat=True))
        removed = delete_members(group=group, charge_point_ids=present - wanted)
        return insert_members(group=group, charge_point_ids=wanted - present, by=by, now=now), removed


def _audit_members(group: NotificationGroup, operation: str, ids: Sequence[int]) -> None:
    """One entry for the whole change, which names the first hundred."""
    if not ids:
        return
    names = list(ChargePoint.objects.filter(pk__in=list(ids)[:AUDIT_LISTED]).values_list("evse_id", flat=True))
    if len(ids) > len(names):
        names.append(_("and %(n)d more") % {"n": len(ids) - len(names)})
    GROUPS.audit(group, {"charge_points": {"type": "m2m", "operation": operation, "objects": names}})


# ---- test mail ------------------------------------------------------------------------------------------------------


def send_test(*, group: NotificationGroup, sent_by: str, now: datetime) -> int:
    """Sends a test mail to every address of a group; returns its event's id.

    Raises Refused for a group without addresses.
    """
    payload = GroupTest(
        charge_points=GroupMembership.objects.filter(group=group).count(),
        cases=list(group.cases),
        sent_by=sent_by,
        **to_group(group),
    )
    return GROUPS.send_test(group, kind=GROUP_TEST, payload=payload, now=now)
