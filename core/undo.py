"""Changes that can be taken back for ten minutes: who made one sees it above the list, with a button.

An app registers how a kind of change is undone; whoever makes such a change keeps the ids of the rows it changed.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from sys import byteorder
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, User
from django.db import transaction
from django.db.models import F, Func, Value
from django.db.models.fields import BinaryField
from django.utils import timezone

from core.models import Undo
from core.registry import Registry

OPEN_FOR = timedelta(minutes=10)
KEPT_FOR = timedelta(days=1)


@dataclass(frozen=True)
class UndoKind:
    """`undo` gets the change's arguments, the changed ids, and who takes it back; `permission` is what they need."""

    key: str
    permission: str
    undo: Callable[[dict[str, Any], list[int], AbstractBaseUser], None]


_kinds: Registry[UndoKind] = Registry("kind of undo")


def register_undo(kind: UndoKind) -> None:
    _kinds.add(kind.key, kind)


# ---- ids in eight bytes each, in network order: what PostgreSQL's int8send gives --------------------------------


def packed(ids: Iterable[int]) -> bytes:
    numbers = array("q", ids)
    if byteorder == "little":
        numbers.byteswap()
    return numbers.tobytes()


def unpacked(data: bytes | memoryview) -> list[int]:
    numbers = array("q")
    numbers.frombytes(bytes(data))
    if byteorder == "little":
        numbers.byteswap()
    return numbers.tolist()


# ---- keeping and taking back ----------------------------------------------------------------------------------------


def keep_undo(
    *,
    kind: str,
    label: str,
    by: AbstractBaseUser,
    now: datetime,
    arguments: dict[str, Any] | None = None,
    ids: Iterable[int] = (),
    complete: bool = True,
) -> Undo:
    """Keeps how a change is undone, in the change's own transaction; an incomplete one still grows."""
    Undo.objects.filter(created_at__lt=now - KEPT_FOR).delete()
    undo = Undo(kind=kind, label=label[:200], arguments=arguments or {}, payload=packed(ids), created_at=now)
    undo.expires_at = now + OPEN_FOR if complete else None
    undo.created_by_id = by.pk
    undo.save()
    return undo


def grow_undo(*, undo_id: int, ids: Iterable[int]) -> None:
    """Adds the rows of a further chunk."""
    more = Value(packed(ids), output_field=BinaryField())
    joined = Func(F("payload"), more, template="(%(expressions)s)", arg_joiner=" || ", output_field=BinaryField())
    Undo.objects.filter(pk=undo_id).update(payload=joined)


def complete_undo(*, undo_id: int, label: str, now: datetime) -> bool:
    """Opens it for ten minutes; a change of nothing needs no undo. Says whether there is one."""
    if Undo.objects.filter(pk=undo_id, payload=b"").delete()[0]:
        return False
    return bool(Undo.objects.filter(pk=undo_id).update(label=label[:200], expires_at=now + OPEN_FOR))


def take_back(*, undo: Undo, by: User, now: datetime) -> bool:
    """Undoes a change; says whether it still could be. Raises whatever the kind's own function raises."""
    with transaction.atomic():
        still_open = Undo.objects.filter(pk=undo.pk, created_by=by, undone_at__isnull=True, expires_at__gt=now)
        if not still_open.update(undone_at=now):
            return False
        undo.refresh_from_db()
        _kinds[undo.kind].undo(undo.arguments, unpacked(undo.payload), by)
    return True


def may_take_back(undo: Undo, user: User) -> bool:
    return undo.kind in _kinds and undo.created_by_id == user.pk and user.has_perm(_kinds[undo.kind].permission)


def last_undo(user: User) -> Undo | None:
    """A person's last change that can still be taken back; the one before it is offered once this one is undone."""
    last = Undo.objects.filter(created_by_id=user.pk, undone_at__isnull=True).first()
    return last if last is not None and last.is_open(timezone.now()) else None
