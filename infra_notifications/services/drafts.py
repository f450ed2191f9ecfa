"""The wizard's drafts: what was typed and marked so far, kept on the server; two tabs on one draft lose no mark."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from infra_notifications.models import GroupDraft, GroupMembership, NotificationGroup
from infra_notifications.services.groups import create_group, replace_members, update_group
from infra_notifications.services.members import keep_members_undo


def new_draft(*, owner: AbstractBaseUser) -> GroupDraft:
    """The unfinished new group of this person if there is one, else an empty one."""
    unfinished = GroupDraft.objects.filter(owner_id=owner.pk, group__isnull=True).first()
    return unfinished or GroupDraft.objects.create(owner_id=owner.pk)


def draft_of_group(*, group: NotificationGroup, owner: AbstractBaseUser) -> GroupDraft:
    """This person's unfinished change of a group if there is one, else what the group is now."""
    draft = GroupDraft.objects.select_related("group").filter(owner_id=owner.pk, group=group).first()
    if draft is not None:
        return draft
    members = GroupMembership.objects.filter(group=group).order_by("id").values_list("charge_point_id", flat=True)
    return GroupDraft.objects.create(
        owner_id=owner.pk, group=group, name=group.name, description=group.description, marked=list(members)
    )


def write_name(*, draft: GroupDraft, name: str, description: str) -> None:
    """Keeps what was typed in the first step, finished or not."""
    draft.name, draft.description = name[:100], description[:2_000]
    draft.save(update_fields=["name", "description", "updated_at"])


def mark(*, draft: GroupDraft, charge_point_ids: Iterable[int]) -> None:
    """Marks charge points in a draft, keeping the order in which they were marked."""
    _change_marks(draft, lambda old: list(dict.fromkeys([*old, *charge_point_ids])))


def unmark(*, draft: GroupDraft, charge_point_ids: Iterable[int]) -> None:
    gone = set(charge_point_ids)
    _change_marks(draft, lambda old: [pk for pk in old if pk not in gone])


def _change_marks(draft: GroupDraft, change: Callable[[list[int]], list[int]]) -> None:
    """Read, changed and written under a lock: two tabs on one draft lose no mark."""
    with transaction.atomic():
        locked = GroupDraft.objects.select_for_update().get(pk=draft.pk)
        marked = change(locked.marked)
        if marked != locked.marked:
            locked.marked = marked
            locked.save(update_fields=["marked", "updated_at"])
    draft.marked = marked


def finish_draft(*, draft: GroupDraft, by: AbstractBaseUser | None, now: datetime) -> NotificationGroup:
    """Makes the group that a draft describes, or changes the one it is of; the draft ends with it.

    Raises Refused for a name that cannot be, and GroupDraft.DoesNotExist when it was finished before.
    """
    with transaction.atomic():
        locked = GroupDraft.objects.select_for_update(of=("self",)).select_related("group").get(pk=draft.pk)
        settings = {"name": locked.name, "description": locked.description}
        if locked.group is None:
            group = create_group(settings=settings, charge_point_ids=locked.marked, by=by, now=now)
        else:
            added, removed = replace_members(group=locked.group, charge_point_ids=locked.marked, by=by, now=now)
            group = update_group(group=locked.group, settings=settings, now=now)
            keep_members_undo(group=group, added=added, removed=removed, by=by, now=now)
        locked.delete()
    return group
