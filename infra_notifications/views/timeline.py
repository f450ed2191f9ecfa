"""The story of an incident: everything that happened, who was told, and why not, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from infra_notifications import selectors
from infra_notifications.choices import NOTIFICATION_COLOURS, EntryKind, NotificationState
from infra_notifications.mailing import who
from infra_notifications.models import ChargePointMessage, Incident, NotificationDecision
from outbox.selectors import deliveries_of_events

# Reported this much later than it happened: the receipt is a line of its own.
LATE = timedelta(minutes=1)
# Mails of which every address is shown; of older ones only that they were sent.
SHOWN_MAILS = 50


@dataclass(frozen=True)
class Line:
    """One thing that happened. `tone` colours its dot; a line about a notification shows that notification."""

    at: datetime
    title: str = ""
    text: str = ""
    tone: str = "quiet"
    notification: NotificationDecision | None = None
    colour: str = ""
    deliveries: Sequence[Any] = ()
    url: str = ""
    rules: Sequence[str] = field(default=())


def timeline_of(incident: Incident, now: datetime) -> list[Line]:
    """The lines of an incident's story, oldest first."""
    until = incident.closed_received_at or now
    lines = [
        *_course(incident),
        *_messages(incident, selectors.messages_about(incident, until)),
        *_ignored(selectors.ignored_clears(incident)),
        *_context_of(incident, until),
        *_deeds(incident),
        *_notifications(list(selectors.notifications_of(incident))),
    ]
    return sorted(lines, key=lambda line: line.at)


def _course(incident: Incident) -> Iterator[Line]:
    clock = _("by the device’s clock") if incident.device_clock else _("by our clock")
    yield Line(incident.opened_at, _("Opened"), f"{incident.said} ({clock})" if incident.said else clock, "bad")
    if incident.opened_received_at - incident.opened_at >= LATE:
        yield Line(incident.opened_received_at, _("Received"), _("It was reported only now."))
    if incident.closed_at is not None:
        yield Line(incident.closed_at, _("Closed"), incident.get_close_reason_display(), "good")


def _messages(incident: Incident, messages: Iterable[ChargePointMessage]) -> Iterator[Line]:
    """What the charge point said about it later on; the message that opened it stands in the first line."""
    for message in messages:
        findings = [one for one in message.findings or () if one.get("case") == incident.case and one.get("steps")]
        for finding in findings:
            if "opened" in finding["steps"]:
                continue
            title = {"repeated": _("Raised again"), "eased": _("One of its faults ended")}.get(finding["steps"][0])
            if title is not None:
                yield Line(message.received_at, title, finding.get("said", ""), rules=[finding.get("name", "")])


def _ignored(messages: Iterable[ChargePointMessage]) -> Iterator[Line]:
    for message in messages:
        findings = [finding for finding in message.findings or () if finding.get("ignored")]
        said = next((finding["said"] for finding in findings if finding.get("said")), "")
        why = _("It was received, or queued by the device, before the fault was last reported.")
        yield Line(message.received_at, _("Clear ignored"), f"{said}: {why}" if said else why)


def _context_of(incident: Incident, until: datetime) -> Iterator[Line]:
    for window in selectors.windows_at(incident.charge_point, incident.opened_at, until):
        yield Line(window.starts_at, _("Maintenance began"), f"{window.reason} ({window.author})")
        if window.ends_at <= until:
            yield Line(window.ends_at, _("Maintenance ended"), window.reason)
    for flapping in selectors.flapping_of(incident, until):
        said = ngettext(
            "It opened %(n)d time within 24 h.", "It opened %(n)d times within 24 h.", flapping.openings
        ) % {"n": flapping.openings}
        yield Line(flapping.began_at, _("The charge point flaps"), said)
        if flapping.ended_at is not None and flapping.ended_at <= until:
            yield Line(flapping.ended_at, _("The charge point is quiet again"))


def _deeds(incident: Incident) -> Iterator[Line]:
    for entry in incident.entries.all():
        title = _("%(what)s by %(who)s") % {"what": entry.get_kind_display(), "who": who(entry.author)}
        yield Line(entry.at, title, entry.text, "good" if entry.kind == EntryKind.ACKNOWLEDGED else "quiet")


def _notifications(notifications: Sequence[NotificationDecision]) -> Iterator[Line]:
    events = [notification.event_id for notification in notifications if notification.event_id][-SHOWN_MAILS:]
    deliveries: dict[int, list[Any]] = {}
    for delivery in deliveries_of_events(events):
        deliveries.setdefault(delivery.event_id, []).append(delivery)
    for notification in notifications:
        state = NotificationState(notification.state)
        yield Line(
            notification.decided_at,
            tone="good" if state == NotificationState.SENT else "quiet",
            notification=notification,
            colour=NOTIFICATION_COLOURS[state],
            deliveries=deliveries.get(notification.event_id or 0, ()),
        )
