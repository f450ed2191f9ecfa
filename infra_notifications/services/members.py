"""Changes of membership that can be taken back for ten minutes: by hand, in bulk, by the wizard."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from auditlog.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from console.lists import BulkRun
from core.refusal import Refused
from core.sql import Col, columns, update_rows
from core.undo import UndoKind, keep_undo
from infra_notifications.models import ChargePoint, NotificationGroup
from infra_notifications.services.groups import delete_members, insert_members

CHANGE_GROUP = "infra_notifications.change_notificationgroup"
# Added and removed at once: the first `added` ids were added.
MEMBERS_CHANGED = "groups.members_changed"
MAX_TAGS = 50


def group_of(arguments: Mapping[str, Any]) -> NotificationGroup:
    group = NotificationGroup.objects.filter(pk=arguments["group"]).first()
    if group is None:
        raise Refused(_("The group is gone."))
    return group


ADDED = ngettext_lazy("%(n)d charge point added to “%(group)s”.", "%(n)d charge points added to “%(group)s”.", "n")
REMOVED = ngettext_lazy(
    "%(n)d charge point removed from “%(group)s”.", "%(n)d charge points removed from “%(group)s”.", "n"
)


def members_said(added: int, removed: int, group: str) -> str:
    """What happened to a group, in a sentence."""
    return " ".join(text % {"n": n, "group": group} for text, n in ((ADDED, added), (REMOVED, removed)) if n)


def keep_members_undo(
    *,
    group: NotificationGroup,
    added: Sequence[int] = (),
    removed: Sequence[int] = (),
    by: AbstractBaseUser | None,
    now: datetime,
) -> None:
    """Makes a change of membership one that `by` can take back; a change of nothing needs nothing."""
    if by is None or not (added or removed):
        return
    keep_undo(
        kind=MEMBERS_CHANGED,
        label=members_said(len(added), len(removed), group.name),
        by=by,
        now=now,
        arguments={"group": group.pk, "added": len(added)},
        ids=[*added, *removed],
    )


def take_out(*, group: NotificationGroup, charge_point_ids: Sequence[int], by: AbstractBaseUser, now: datetime) -> int:
    """Removes members, so that it can be taken back; returns how many were in it."""
    with transaction.atomic():
        removed = delete_members(group=group, charge_point_ids=charge_point_ids)
        keep_members_undo(group=group, removed=removed, by=by, now=now)
    return len(removed)


# ---- in bulk ------------------------------------------------------------------------------------------------------


def add_chunk(run: BulkRun) -> list[int]:
    return insert_members(group=group_of(run.arguments), charge_point_ids=run.ids, by=run.by, now=run.now)


def remove_chunk(run: BulkRun) -> list[int]:
    return delete_members(group=group_of(run.arguments), charge_point_ids=run.ids)


def tag_chunk(run: BulkRun) -> list[int]:
    """Adds and takes away tags, each charge point's change in the audit log."""
    add, drop = run.arguments["add"], set(run.arguments["drop"])
    changed: list[tuple[ChargePoint, list[str]]] = []
    for point in ChargePoint.objects.select_for_update().filter(pk__in=run.ids).only("pk", "evse_id", "tags"):
        tags = [tag for tag in dict.fromkeys([*point.tags, *add]) if tag not in drop]
        if tags != point.tags and len(tags) <= MAX_TAGS:
            changed.append((point, tags))
    update_rows(
        "infra_notifications_chargepoint",
        Col("id", "bigint"),
        columns(ChargePoint, "tags", "updated_at"),
        [(point.pk, json.dumps(tags, ensure_ascii=False), run.now) for point, tags in changed],
    )
    _audit_tags(changed, run)
    return [point.pk for point, _tags in changed]


def _audit_tags(changed: Sequence[tuple[ChargePoint, list[str]]], run: BulkRun) -> None:
    content_type = ContentType.objects.get_for_model(ChargePoint)
    LogEntry.objects.bulk_create(
        LogEntry(
            content_type=content_type,
            object_pk=str(point.pk),
            object_id=point.pk,
            object_repr=point.evse_id,
            action=LogEntry.Action.UPDATE,
            changes={"tags": [", ".join(point.tags), ", ".join(tags)]},
            actor=run.by,
            timestamp=run.now,
        )
        for point, tags in changed
    )


# ---- taking back --------------------------------------------------------------------------------------------------


def _undo_adding(arguments: dict[str, Any], ids: list[int], by: AbstractBaseUser) -> None:
    delete_members(group=group_of(arguments), charge_point_ids=ids)


def _undo_removing(arguments: dict[str, Any], ids: list[int], by: AbstractBaseUser) -> None:
    insert_members(group=group_of(arguments), charge_point_ids=ids, by=by)


def _undo_change(arguments: dict[str, Any], ids: list[int], by: AbstractBaseUser) -> None:
    group, added = group_of(arguments), arguments["added"]
    delete_members(group=group, charge_point_ids=ids[:added])
    insert_members(group=group, charge_point_ids=ids[added:], by=by)


UNDO_KINDS = (
    UndoKind("charge_points.add_to_group", CHANGE_GROUP, _undo_adding),
    UndoKind("group_members.remove", CHANGE_GROUP, _undo_removing),
    UndoKind(MEMBERS_CHANGED, CHANGE_GROUP, _undo_change),
)
