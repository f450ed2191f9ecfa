"""What people do about incidents: acknowledge them (no more reminders), take that back, note something.

Nothing here writes an incident's own row, so that no message waits for a person. The reminders see an acknowledgement
when they are due.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from console.lists import BulkRun
from core.refusal import Refused
from core.sql import columns, insert_rows
from infra_notifications.choices import EntryKind
from infra_notifications.models import Acknowledgement, GroupMembership, Incident, IncidentEntry
from infra_notifications.services.already_open import review_groups

MAX_NOTE = 2_000
# Acknowledged in one statement; more at once are taken in several.
CHUNK = 5_000


def clean_note(text: str) -> str:
    """A note as it is kept. Raises Refused when it is too long."""
    note = text.strip()
    if len(note) > MAX_NOTE:
        raise Refused(_("A note has at most %(n)d characters.") % {"n": MAX_NOTE}, field="note")
    return note


def acknowledge_incidents(*, incident_ids: Iterable[int], author: str, note: str = "", now: datetime) -> int:
    """Acknowledges those of these incidents that are open and not acknowledged; returns how many that were."""
    text, ids = clean_note(note), sorted(set(incident_ids))
    chunks = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
    with transaction.atomic():
        return sum(len(_acknowledge(chunk, author, text, now)) for chunk in chunks)


def acknowledge_chunk(run: BulkRun) -> list[int]:
    return _acknowledge(run.ids, run.by.get_username(), run.arguments["note"], run.now)


def _acknowledge(ids: Sequence[int], author: str, note: str, now: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO infra_notifications_acknowledgement (incident_id, at, author)"
            " SELECT id, %s, %s FROM infra_notifications_incident WHERE id = ANY(%s) AND closed_at IS NULL ORDER BY id"
            " ON CONFLICT (incident_id) DO NOTHING RETURNING incident_id",
            [now, author[:150], list(ids)],
        )
        fresh = [row[0] for row in cursor.fetchall()]
    rows = [(pk, EntryKind.ACKNOWLEDGED.value, now, author[:150], note) for pk in fresh]
    insert_rows(
        "infra_notifications_incidententry", columns(IncidentEntry, "incident_id", "kind", "at", "author", "text"), rows
    )
    return fresh


def withdraw_acknowledgement(*, incident: Incident, author: str, now: datetime) -> bool:
    """Takes an acknowledgement back, so that reminders go on, counted from now; says whether there was one."""
    with transaction.atomic():
        gone, _models = Acknowledgement.objects.filter(incident=incident).delete()
        if not gone:
            return False
        _write(incident, EntryKind.WITHDRAWN, author, "", now)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE infra_notifications_notice n SET remind_at = %s + make_interval(secs => g.reminder_s)"
                " FROM infra_notifications_notificationgroup g WHERE g.id = n.group_id AND g.reminder_s IS NOT NULL"
                " AND g.digest_time IS NULL AND n.incident_id = %s AND n.kind = 'opened' AND n.state = 'sent'",
                [now, incident.pk],
            )
        review_groups(group_ids=_groups_at(incident), now=now)
    return True


def _groups_at(incident: Incident) -> list[int]:
    """The groups that may not have been told because it was acknowledged."""
    return list(
        GroupMembership.objects.filter(charge_point_id=incident.charge_point_id).values_list("group_id", flat=True)
    )


def add_note(*, incident: Incident, author: str, note: str, now: datetime) -> None:
    """Notes something on an incident, open or closed. Raises Refused for an empty note."""
    text = clean_note(note)
    if not text:
        raise Refused(_("Write what there is to note."), field="note")
    _write(incident, EntryKind.NOTE, author, text, now)


def note_closing(*, incident: Incident, author: str, now: datetime) -> None:
    """Keeps who closed an incident by hand."""
    _write(incident, EntryKind.CLOSED, author, "", now)


def _write(incident: Incident, kind: EntryKind, author: str, text: str, now: datetime) -> None:
    IncidentEntry.objects.create(incident=incident, kind=kind, at=now, author=author[:150], text=text)
