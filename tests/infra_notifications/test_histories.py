"""Any history of a charge point through the real services and database: what must hold, asked in SQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra_notifications.models import Incident, MaintenanceWindow
from infra_notifications.services.acknowledging import acknowledge_incidents, withdraw_acknowledgement
from infra_notifications.services.groups import update_group
from infra_notifications.services.incidents import close_by_hand
from infra_notifications.services.maintenance import Targets, end_maintenance, plan_maintenance
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.infra_notifications.helpers import (
    NOW,
    event,
    events,
    fault,
    fine,
    heartbeat,
    message,
    signal,
    station,
    sweep,
    take,
    take_neutral,
)

pytestmark = pytest.mark.django_db

HOLD_OFFS = {"FUSE_TRIPPED": 30, "UNAVAILABLE": 120, "SENSORS": 0}
SAID = {
    "fuse": fault(),
    "no error": fine(),
    "rcd": events(event("RCD", "Tripped")),
    "rcd over": events(event("RCD", "Tripped", "false")),
    "shock": events(event("ShockSensor", "Active")),
    "shock over": events(event("ShockSensor", "Active", "false")),
    "tilt": events(event("TiltSensor", "Active", trigger="Alerting")),
    "tilt over": events(event("TiltSensor", "Active", cleared=True)),
}
MESSAGES = st.tuples(
    st.sampled_from(sorted(SAID)), st.integers(0, 1), st.sampled_from([0, 0, 0, 40, 3_600, 2 * 86_400]), st.booleans()
)
STEPS = st.tuples(
    # How many seconds pass, and what happens then.
    st.sampled_from([0, 1, 20, 31, 60, 121, 950, 4_000, 90_000]),
    st.one_of(
        st.tuples(st.just("messages"), st.lists(MESSAGES, min_size=1, max_size=4)),
        st.tuples(
            st.just("signal"), st.sampled_from(["FUSE_TRIPPED", "UNAVAILABLE"]), st.booleans(), st.integers(0, 1)
        ),
        st.tuples(st.just("life")),
        st.tuples(st.just("sweep")),
        st.tuples(st.just("again")),
        st.tuples(st.just("by hand")),
        st.tuples(st.just("hold-off"), st.sampled_from([0, 60, 600])),
        st.tuples(st.just("flap"), st.integers(1, 7), st.integers(0, 1)),
        st.tuples(st.just("acknowledge"), st.booleans()),
        st.tuples(
            st.just("maintenance"), st.sampled_from(["charge point", "location", "group"]), st.sampled_from([60, 7_200])
        ),
        st.tuples(st.just("maintenance over")),
        st.tuples(st.just("digest"), st.booleans()),
        st.tuples(st.just("reminders"), st.sampled_from([None, 60, 3_600])),
    ),
)

# One row per broken promise.
PROMISES = {
    "never two open incidents": (
        "SELECT charge_point_id FROM infra_notifications_incident WHERE closed_at IS NULL"
        ' GROUP BY charge_point_id, "case" HAVING count(*) > 1'
    ),
    "never over before it began": (
        "SELECT id FROM infra_notifications_incident WHERE closed_at < opened_at"
        " OR (closed_at IS NULL) <> (close_reason = '')"
    ),
    "every group has decided about every incident": (
        "SELECT i.id FROM infra_notifications_incident i JOIN infra_notifications_groupmembership m"
        " ON m.charge_point_id = i.charge_point_id LEFT JOIN infra_notifications_notice n"
        " ON n.incident_id = i.id AND n.group_id = m.group_id AND n.kind = 'opened' WHERE n.id IS NULL"
    ),
    "what is skipped says why, what waits says until when, what is sent says in which mail": (
        "SELECT id FROM infra_notifications_notice WHERE (state = 'skipped' AND (reason = '' OR due_at IS NOT NULL))"
        " OR (state = 'waiting' AND due_at IS NULL) OR (state = 'sent' AND (event_id IS NULL OR thread = ''))"
    ),
    "every alert and its end are one event each": (
        "SELECT i.id FROM infra_notifications_incident i WHERE (SELECT count(*) FROM outbox_event e"
        " WHERE e.dedup_key LIKE 'incident:' || i.id || ':%') <> 1 + (i.closed_at IS NOT NULL)::int"
    ),
    "nobody is told of an end who was not told of the beginning": (
        "SELECT r.id FROM infra_notifications_notice r WHERE r.kind = 'recovered' AND NOT EXISTS (SELECT 1 FROM"
        " infra_notifications_notice n WHERE n.incident_id = r.incident_id AND n.group_id = r.group_id"
        " AND n.kind = 'opened' AND n.state = 'sent' AND n.thread = r.thread)"
    ),
    "whoever was told of a beginning hears of the end, or it is said why not": (
        "SELECT n.id FROM infra_notifications_notice n JOIN infra_notifications_incident i ON i.id = n.incident_id"
        " WHERE n.kind = 'opened' AND n.state = 'sent' AND i.closed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM"
        " infra_notifications_notice r WHERE r.incident_id = i.id AND r.group_id = n.group_id AND r.kind = 'recovered')"
    ),
    "no incident stands in two alerts of a group": (
        "SELECT item->'incident'->>'id' FROM outbox_event e, jsonb_array_elements(e.payload->'items') item"
        " WHERE e.kind IN ('notification_group.alert', 'notification_group.still_broken')"
        " GROUP BY 1, e.payload->'group_id' HAVING count(*) > 1"
    ),
    "no alert within a minute of another one": (
        "SELECT 1 FROM outbox_event a JOIN outbox_event b ON b.id > a.id AND b.subject = a.subject AND b.kind = a.kind"
        " AND b.created_at < a.created_at + interval '60 s' WHERE a.kind = 'notification_group.alert'"
    ),
    "nothing is mailed of a charge point in maintenance": (
        "SELECT e.kind, item FROM outbox_event e, jsonb_array_elements(e.payload->'items') item,"
        " infra_notifications_maintenancewindow w JOIN infra_notifications_maintenancetarget t ON t.window_id = w.id"
        " WHERE e.created_at > w.starts_at AND e.created_at < w.ends_at AND e.kind LIKE 'notification_group.%'"
        " AND (t.location = item->'charge_point'->>'location' OR t.group_id::text = e.payload->>'group_id'"
        " OR t.charge_point_id::text = item->'charge_point'->>'id')"
    ),
    "what waits for a maintenance is asked again within the hour": (
        "SELECT id FROM infra_notifications_notice WHERE state = 'waiting' AND reason = 'maintenance'"
        " AND due_at > decided_at + interval '1 h'"
    ),
    "nobody is reminded of what is acknowledged, or over": (
        "SELECT e.id FROM outbox_event e, jsonb_array_elements(e.payload->'items') item"
        " JOIN infra_notifications_incident i ON i.id = (item->'incident'->>'id')::bigint"
        " LEFT JOIN infra_notifications_acknowledgement a ON a.incident_id = i.id"
        " WHERE e.kind = 'notification_group.reminder'"
        " AND (a.at < e.created_at OR i.closed_received_at < e.created_at)"
    ),
    "no reminder within a minute of another one": (
        "SELECT 1 FROM outbox_event a JOIN outbox_event b ON b.id > a.id AND b.subject = a.subject AND b.kind = a.kind"
        " AND b.created_at < a.created_at + interval '60 s' WHERE a.kind = 'notification_group.reminder'"
    ),
    "one digest a day": (
        "SELECT count(*) FROM outbox_event WHERE kind = 'notification_group.digest'"
        " GROUP BY subject, (created_at - interval '12 h')::date HAVING count(*) > 1"
    ),
    "every raise opened, repeated, or is a copy within a recorded incident": (
        "SELECT m.id FROM infra_notifications_chargepointmessage m, jsonb_array_elements(m.findings) f"
        " WHERE f->>'effect' = 'raise' AND m.verdict <> 'info'"
        " AND NOT (f->'steps' ?| array['opened', 'repeated', 'late'])"
    ),
}


class History:
    """One station with two charge points in one group, and what happens to it."""

    def __init__(self) -> None:
        self.points = station("CP-1")
        self.group = NotificationGroupFactory(members=self.points, hold_off_s=HOLD_OFFS)
        self.now = NOW
        self.last: list[Any] = []

    def step(self, seconds: int, what: tuple[Any, ...]) -> None:
        self.now += timedelta(seconds=seconds)
        match what:
            case ("messages", said):
                self.last = [self._message(*one) for one in said]
                take(*self.last, now=self.now)
            case ("signal", case, raised, number):
                sent = signal(self.points[number], "raised" if raised else "cleared", case=case)
                take_neutral(sent, now=self.now)
            case ("life",):
                take(heartbeat("CP-1"), now=self.now)
            case ("again",):
                take(*self.last, now=self.now)
            case ("sweep",):
                sweep(self.now)
            case ("by hand",):
                for incident in Incident.objects.filter(closed_at=None)[:1]:
                    close_by_hand(incident=incident, now=self.now)
            case ("hold-off", seconds):
                self._set(hold_off_s=dict.fromkeys(HOLD_OFFS, seconds))
            case ("digest", wanted):
                self._set(digest_time="12:00" if wanted else None)
            case ("reminders", seconds):
                self._set(reminder_s=seconds)
            case ("flap", times, number):
                self._flap(times, number)
            case _:
                self._care(what)

    def _set(self, **values: Any) -> None:
        self.group.refresh_from_db()
        update_group(group=self.group, settings=values, now=self.now)

    def _flap(self, times: int, number: int) -> None:
        for _ in range(times):
            for state in ("raised", "cleared"):
                self.now += timedelta(seconds=1)
                take_neutral(signal(self.points[number], state), now=self.now)

    def _care(self, what: tuple[Any, ...]) -> None:
        """What people do."""
        match what:
            case ("acknowledge", wanted):
                for incident in Incident.objects.filter(closed_at=None)[:1]:
                    if wanted:
                        acknowledge_incidents(incident_ids=[incident.pk], author="anna", now=self.now)
                    else:
                        withdraw_acknowledgement(incident=incident, author="anna", now=self.now)
            case ("maintenance", where, seconds):
                plan_maintenance(
                    reason="Works",
                    ends_at=self.now + timedelta(seconds=seconds),
                    targets=self._targets(where),
                    author="anna",
                    now=self.now,
                )
            case ("maintenance over",):
                for window in MaintenanceWindow.objects.filter(ends_at__gt=self.now)[:1]:
                    end_maintenance(window=window, now=self.now)

    def _targets(self, where: str) -> Targets:
        point = self.points[0]
        return {
            "charge point": Targets(charge_points=[point.pk]),
            "location": Targets(locations=[(point.location, point.city)]),
            "group": Targets(groups=[self.group.pk]),
        }[where]

    def _message(self, name: str, number: int, age: int, clock: bool) -> Any:
        moment = (self.now - timedelta(seconds=age)).isoformat() if clock else None
        payload = dict(SAID[name])
        if "eventData" in payload:
            payload = {"eventData": [payload["eventData"][0] | {"timestamp": moment}]}
        return message(self.points[number], payload | {"timestamp": moment})


# These compare moments, which several clocks at once do not give.
BY_THE_CLOCK = {
    "nothing is mailed of a charge point in maintenance",
    "nobody is reminded of what is acknowledged, or over",
    "no reminder within a minute of another one",
    "one digest a day",
}


def check_promises(*, but: Collection[str] = ()) -> None:
    with connection.cursor() as cursor:
        for promise, question in PROMISES.items():
            if promise in but:
                continue
            cursor.execute(question)
            assert not cursor.fetchall(), promise


@settings(max_examples=25)
@given(st.lists(STEPS, min_size=1, max_size=12))
@example([(0, ("messages", [("shock", 0, 0, True), ("tilt", 0, 0, True)])), (4_000, ("sweep",)), (60, ("sweep",))])
@example([(0, ("life",)), (950, ("sweep",)), (121, ("sweep",)), (0, ("life",)), (60, ("sweep",))])
@example([(0, ("messages", [("fuse", 0, 2 * 86_400, True)])), (1, ("messages", [("fuse", 0, 0, True)]))])
def test_every_history_keeps_every_promise(steps: list[tuple[int, tuple[Any, ...]]]) -> None:
    with transaction.atomic():
        history = History()
        for seconds, what in steps:
            history.step(seconds, what)
            check_promises()
        transaction.set_rollback(True)


@settings(max_examples=25)
@given(st.lists(STEPS.filter(lambda step: step[1][0] != "hold-off"), min_size=1, max_size=12))
def test_no_mail_goes_out_before_its_hold_off(steps: list[tuple[int, tuple[Any, ...]]]) -> None:
    with transaction.atomic():
        history = History()
        for seconds, what in steps:
            history.step(seconds, what)
        assert _told_too_early() == []
        transaction.set_rollback(True)


def _told_too_early() -> list[Any]:
    """Incidents in an alert that had not lasted as long as their group's hold-off."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT i.id, i."case", e.created_at - i.opened_at FROM outbox_event e'
            " JOIN infra_notifications_notificationgroup g ON g.id = (e.payload->>'group_id')::bigint"
            " CROSS JOIN LATERAL jsonb_array_elements(e.payload->'items') item"
            " JOIN infra_notifications_incident i ON i.id = (item->'incident'->>'id')::bigint"
            " WHERE e.kind = 'notification_group.alert'"
            " AND coalesce((item->'incident'->>'closed_at')::timestamptz, e.created_at)"
            ' < i.opened_at + make_interval(secs => (g.hold_off_s->>i."case")::int)'
        )
        return list(cursor.fetchall())


@settings(max_examples=20)
@given(st.lists(STEPS, min_size=1, max_size=8))
@example([(0, ("messages", [("fuse", 0, 0, False), ("shock", 0, 0, False)])), (0, ("hold-off", 0)), (0, ("again",))])
def test_after_everything_is_over_and_told_nothing_waits(steps: list[tuple[int, tuple[Any, ...]]]) -> None:
    with transaction.atomic():
        history = History()
        for seconds, what in steps:
            history.step(seconds, what)
        _end_everything(history)
        assert not Incident.objects.filter(closed_at=None).exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT reason, due_at FROM infra_notifications_notice WHERE state = 'waiting'")
            assert cursor.fetchall() == []
        check_promises()
        transaction.set_rollback(True)


def _end_everything(history: History) -> None:
    history.now += timedelta(days=2)
    for point in history.points:
        for case in HOLD_OFFS:
            take_neutral(signal(point, "cleared", case=case), now=history.now)
    history.step(0, ("life",))
    # Two more days, so that digests and flapping come to their end too; the station speaks, or it would be silent.
    for seconds in (0, 90_000, 90_000):
        history.step(seconds, ("life",))
        for _ in range(3):
            history.step(60, ("sweep",))
