"""Writes notification groups: settings, addresses, members, the wizard's drafts. Everything here is audited."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, validate_email

from infra_notifications.choices import Case, Language, NoticeReason, NoticeState
from infra_notifications.event_kinds import GROUP_TEST, GroupTest
from infra_notifications.models import (
    ChargePoint,
    GroupAddress,
    GroupDraft,
    GroupMembership,
    Notice,
    NotificationGroup,
)
from infra_notifications.services import notices
from infra_notifications.services.payloads import group_url
from outbox.choices import Reason
from outbox.services import NewEvent, Recipient, cancel_for_list, publish

MAX_ADDRESSES = 200
MAX_HOLD_OFF_S = 30 * 24 * 3600
# The audit log names this many charge points of a change and counts the rest.
AUDIT_LISTED = 100
SETTINGS = ("name", "description", "cases", "hold_off_s", "notify_recovery", "reminder_s", "language")


def clean_address(text: str) -> str:
    """An address in the form that mail servers take: the domain in ASCII. Raises ValidationError with a sentence."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValidationError(
            _("“%(text)s” is no e-mail address: %(why)s") % {"text": text.strip()[:100], "why": error},
            code="email",
        ) from error
    return f"{found.local_part}@{found.ascii_domain}"


def clean_addresses(texts: Iterable[str]) -> list[str]:
    """Addresses in their order, each once. Raises ValidationError that names every wrong one."""
    clean: dict[str, str] = {}
    wrong: list[str] = []
    for text in texts:
        if not text.strip():
            continue
        try:
            address = clean_address(text)
            clean.setdefault(address.lower(), address)
        except ValidationError as error:
            wrong += error.messages
    if len(clean) > MAX_ADDRESSES:
        wrong.append(
            _("At most %(n)d addresses; use a mailing list of your mail server for more.") % {"n": MAX_ADDRESSES}
        )
    if wrong:
        raise ValidationError({"emails": wrong})
    return list(clean.values())


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
    if errors:
        raise ValidationError(errors)
    return found


def create_group(
    *,
    settings: dict[str, Any],
    emails: Sequence[str] = (),
    charge_point_ids: Iterable[int] = (),
    by: AbstractBaseUser | None = None,
) -> NotificationGroup:
    """Makes a group with its addresses and members. Raises ValidationError, with code `unique` for a taken name."""
    clean, addresses = clean_settings({"name": ""} | settings), clean_addresses(emails)
    with transaction.atomic():
        group = _saved(NotificationGroup(**clean))
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
    with transaction.atomic():
        for key, value in clean.items():
            setattr(group, key, value)
        # Nothing but these: when the group was last told and gathers until is written by others meanwhile.
        _saved(group, (*clean, "updated_at"))
        if addresses is not None:
            _replace_addresses(group, addresses, now)
        if members is not None:
            replace_members(group=group, charge_point_ids=members, by=by)
        notices.reschedule_group(group=group, now=now)
    return group


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
    """Ends a group. Its incidents and what it was told stay in the history, under its name."""
    with transaction.atomic():
        Notice.objects.filter(group=group, state=NoticeState.WAITING).update(
            state=NoticeState.SKIPPED, reason=NoticeReason.LEFT_GROUP, due_at=None, decided_at=now
        )
        group.delete()


# ---- members ------------------------------------------------------------------------------------------------------


def add_members(
    *,
    group: NotificationGroup,
    charge_point_ids: Iterable[int] | QuerySet[Any],
    by: AbstractBaseUser | None = None,
) -> int:
    """Puts charge points into a group, set-based; those already in it are left alone. Returns how many are new."""
    ids = sorted(set(charge_point_ids))
    if not ids:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO infra_notifications_groupmembership (group_id, charge_point_id, added_at, added_by_id)"
            " SELECT %s, c.id, now(), %s FROM infra_notifications_chargepoint c WHERE c.id = ANY(%s)"
            " ON CONFLICT DO NOTHING RETURNING charge_point_id",
            [group.pk, by.pk if by else None, ids],
        )
        added = [row[0] for row in cursor.fetchall()]
        _audit_members(group, "add", added)
    return len(added)


def remove_members(*, group: NotificationGroup, charge_point_ids: Iterable[int] | QuerySet[Any]) -> int:
    """Takes charge points out of a group; returns how many were in it."""
    with transaction.atomic():
        found = GroupMembership.objects.filter(group=group, charge_point_id__in=list(charge_point_ids))
        removed = list(found.values_list("charge_point_id", flat=True))
        found.delete()
        _audit_members(group, "delete", removed)
    return len(removed)


def replace_members(
    *, group: NotificationGroup, charge_point_ids: Iterable[int], by: AbstractBaseUser | None = None
) -> None:
    """Makes these the group's members."""
    wanted = set(charge_point_ids)
    with transaction.atomic():
        present = set(GroupMembership.objects.filter(group=group).values_list("charge_point_id", flat=True))
        remove_members(group=group, charge_point_ids=present - wanted)
        add_members(group=group, charge_point_ids=wanted - present, by=by)


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
    addresses = list(group.addresses.values_list("address", flat=True))
    if not addresses:
        raise ValidationError(_("This group has no address yet."))
    key = f"group_test:{group.pk}:{uuid.uuid4().hex}"
    with transaction.atomic():
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


# ---- the wizard's drafts ------------------------------------------------------------------------------------------


def mark(*, draft: GroupDraft, charge_point_ids: Iterable[int]) -> None:
    """Marks charge points in a draft, keeping the order in which they were marked."""
    _change_marks(draft, lambda old: list(dict.fromkeys([*old, *charge_point_ids])))


def unmark(*, draft: GroupDraft, charge_point_ids: Iterable[int]) -> None:
    gone = set(charge_point_ids)
    _change_marks(draft, lambda old: [pk for pk in old if pk not in gone])


def _change_marks(draft: GroupDraft, change: Any) -> None:
    """Read, changed and written under a lock: two tabs on one draft lose no mark."""
    with transaction.atomic():
        locked = GroupDraft.objects.select_for_update().get(pk=draft.pk)
        locked.marked = change(locked.marked)
        locked.save(update_fields=["marked", "updated_at"])
    draft.marked = locked.marked


def finish_draft(*, draft: GroupDraft, by: AbstractBaseUser | None, now: datetime) -> NotificationGroup:
    """Makes the group that a draft describes, or changes the one it is of; the draft ends with it."""
    with transaction.atomic():
        locked = GroupDraft.objects.select_for_update().get(pk=draft.pk)
        settings = {"name": locked.name, "description": locked.description}
        if locked.group is None:
            group = create_group(settings=settings, charge_point_ids=locked.marked, by=by)
        else:
            group = update_group(group=locked.group, settings=settings, members=locked.marked, by=by, now=now)
        locked.delete()
    return group
