"""The wizard's drafts: what was typed and marked so far in one tab. Two windows on one draft lose no mark; what a draft
of a group ends with is what it changed, so that nobody else's change is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from core.refusal import Refused
from core.versions import CHANGED, check_version, values_of, version_of
from infra_notifications.models import GroupDraft, GroupMembership, NotificationGroup
from infra_notifications.services.groups import create_group, delete_members, insert_members, update_group
from infra_notifications.services.members import keep_members_undo

NAMED = ("name", "description")
_BEGINS_WITH = ("group", *NAMED, "marked", "members", "began", "version")


def draft_of(*, key: str, owner: AbstractBaseUser) -> GroupDraft | None:
    """The draft of a tab; or what it begins with, which is written down when something is typed or marked."""
    draft = GroupDraft.objects.select_related("group").filter(owner_id=owner.pk, key=key).first()
    number = key.partition("-")[0]
    if draft is not None or not (number.isascii() and number.isdigit() and len(number) < 19):
        return draft
    if not int(number):
        return GroupDraft(owner_id=owner.pk, key=key)
    group = NotificationGroup.objects.filter(pk=int(number)).first()
    if group is None:
        return None
    members, named = members_of(group), {name: getattr(group, name) for name in NAMED}
    return GroupDraft(
        owner_id=owner.pk,
        key=key,
        group=group,
        marked=members,
        members=members,
        began=named,
        version=version_of(group, named),
        **named,
    )


def members_of(group: NotificationGroup) -> list[int]:
    members = GroupMembership.objects.filter(group=group).order_by("id")
    return list(members.values_list("charge_point_id", flat=True))


def write_name(*, draft: GroupDraft, name: str, description: str, version: str = "") -> GroupDraft:
    """Keeps what was typed in the first step, finished or not. `version` is what its page was made from: a group that
    was changed until the first letter was typed is found so at the end."""
    with _held(draft) as held:
        if not draft.is_begun and version and version.partition("-")[2] != held.version.partition("-")[2]:
            held.version, held.began = version, {}
        held.name, held.description = name[:100], description[:2_000]
        held.save(update_fields=["name", "description", "version", "began", "updated_at"])
    return held


def mark(*, draft: GroupDraft, charge_point_ids: Iterable[int]) -> GroupDraft:
    """Marks charge points in a draft, keeping the order in which they were marked."""
    return _change_marks(draft, lambda old: list(dict.fromkeys([*old, *charge_point_ids])))


def unmark(*, draft: GroupDraft, charge_point_ids: Iterable[int]) -> GroupDraft:
    gone = set(charge_point_ids)
    return _change_marks(draft, lambda old: [pk for pk in old if pk not in gone])


def _change_marks(draft: GroupDraft, change: Callable[[list[int]], list[int]]) -> GroupDraft:
    if change(draft.marked) == draft.marked and not draft.is_begun:
        return draft
    with _held(draft) as held:
        marked = change(held.marked)
        if marked != held.marked:
            held.marked = marked
            held.save(update_fields=["marked", "updated_at"])
    return held


@contextmanager
def _held(draft: GroupDraft) -> Iterator[GroupDraft]:
    """The draft as it is written down, read and written under a lock: two windows on one draft lose no mark."""
    with transaction.atomic():
        if not draft.is_begun:
            begins = {name: getattr(draft, name) for name in _BEGINS_WITH}
            GroupDraft.objects.get_or_create(owner_id=draft.owner_id, key=draft.key, defaults=begins)
        drafts = GroupDraft.objects.select_for_update(of=("self",)).select_related("group")
        yield drafts.get(owner_id=draft.owner_id, key=draft.key)


def differences(draft: GroupDraft) -> tuple[list[int], list[int]]:
    """Whom a draft adds to the members with which it began, and whom it removes."""
    marked, began = set(draft.marked), set(draft.members)
    return [pk for pk in draft.marked if pk not in began], [pk for pk in draft.members if pk not in marked]


def finish_draft(*, draft: GroupDraft, by: AbstractBaseUser | None, now: datetime) -> NotificationGroup:
    """Makes the group that a draft describes, or changes of the one it is of what was changed; the draft ends with it.

    Raises Refused for a name that cannot be, or that somebody else changed meanwhile: sent once more, it holds. Raises
    GroupDraft.DoesNotExist when it was finished before.
    """
    try:
        with transaction.atomic():
            locked = GroupDraft.objects.select_for_update(of=("self",)).select_related("group").get(pk=draft.pk)
            named = {name: getattr(locked, name) for name in NAMED}
            if locked.group is None:
                group = create_group(settings=named, charge_point_ids=locked.marked, by=by, now=now)
            else:
                group = _change(locked, named, by=by, now=now)
            locked.delete()
    except Refused as refused:
        if refused.code == CHANGED:
            group = NotificationGroup.objects.get(pk=draft.group_id or 0)
            GroupDraft.objects.filter(pk=draft.pk).update(version=version_of(group, values_of(group, NAMED)))
        raise
    return group


def _change(
    draft: GroupDraft, named: dict[str, str], *, by: AbstractBaseUser | None, now: datetime
) -> NotificationGroup:
    group = NotificationGroup.objects.select_for_update(of=("self",)).get(pk=draft.group_id or 0)
    changed = {name: value for name, value in named.items() if value != draft.began.get(name)}
    if changed:
        check_version(group, values_of(group, NAMED), draft.version)
    add, remove = differences(draft)
    removed = delete_members(group=group, charge_point_ids=remove)
    added = insert_members(group=group, charge_point_ids=add, by=by, now=now)
    group = update_group(group=group, settings=changed, now=now)
    keep_members_undo(group=group, added=added, removed=removed, by=by, now=now)
    return group
