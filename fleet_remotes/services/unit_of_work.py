"""Changes the states of many actions at a time: reports in; states, steps, retries and events out.

Every change of an action that the vendor has goes through here, under one lock: notifications, answers to our polls,
time-outs, and the 202 that gives an action the id by which notifications find it. So a notification that overtakes
its 202 is either bound to the action or waits where the 202 will look for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from core.sql import Col, columns, update_rows
from core.unit_of_work import UnitOfWork
from fleet_remotes.choices import IN_FLIGHT, WITH_VENDOR, Kind, State, StepKind, Verdict
from fleet_remotes.models import Callback, RemoteAction
from fleet_remotes.rules.status import ActionStatus, VendorReport, advance
from fleet_remotes.rules.timers import Timers, watch_after
from fleet_remotes.services import nudges
from fleet_remotes.services.bulk_writes import write_steps
from fleet_remotes.services.learning import learn_from
from fleet_remotes.services.outcomes import publish_contradictions, publish_outcomes
from fleet_remotes.services.retries import cancel_retries, plan_retries
from fleet_remotes.services.wakeups import QUOTA_CAUSE, WakeUpReport, count_wakeups

# Any fixed number serves, as long as nothing else locks it.
_ACTIONS_LOCK = 7_201_007


@contextmanager
def changing_actions() -> Iterator[None]:
    """A transaction in which nobody else changes the state of actions that the vendor has."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ACTIONS_LOCK])
        yield


def _timers() -> Timers:
    return Timers(
        first_s=settings.REMOTES_SOFT_FIRST_S,
        navigation_s=settings.REMOTES_SOFT_NAVIGATION_S,
        waking_s=settings.REMOTES_SOFT_WAKING_S,
        sent_s=settings.REMOTES_SOFT_SENT_S,
        blocked_s=settings.REMOTES_SOFT_BLOCKED_S,
        blocked_hard_s=settings.REMOTES_HARD_BLOCKED_S,
        hard_s=settings.REMOTES_HARD_S,
    )


class ActionUnitOfWork(UnitOfWork):
    """Some actions, locked, and what becomes of them. Use within `changing_actions`."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.actions: dict[int, RemoteAction] = {}
        self.changed: dict[int, RemoteAction] = {}
        self._before: dict[int, State] = {}
        self._disputed: set[int] = set()
        self._contradicted: list[RemoteAction] = []
        self._steps: list[tuple[int, datetime, str, str]] = []
        self._windows: dict[int, timedelta] | None = None
        self.wakeups: list[WakeUpReport] = []

    def load(self, action_ids: Iterable[int]) -> None:
        """Reads actions with their vehicles, locked in the order of their ids."""
        ids = list(action_ids)
        if not ids:
            return
        rows = RemoteAction.objects.select_for_update(of=("self",), no_key=True).select_related("vehicle", "fleet")
        for action in rows.filter(pk__in=ids).order_by("pk"):
            self.actions[action.pk] = action
            self._before[action.pk] = State(action.state)
            if action.is_disputed:
                self._disputed.add(action.pk)

    # ---- changing ---------------------------------------------------------------------------------------------

    def report(self, action: RemoteAction, report: VendorReport) -> Verdict:
        """Applies what the vendor says, and returns what became of the report."""
        status, verdict = advance(ActionStatus.of(action), report)
        if report.from_record:
            refused = report.cause == QUOTA_CAUSE or report.state == State.BLOCKED_QUOTA
            if refused or report.state == State.WAKING:
                self.note_wakeup(action, WakeUpReport(action.vehicle_id, self.now, refused))
        self.change(action, status)
        return verdict

    def note_wakeup(self, action: RemoteAction, news: WakeUpReport | None, *, is_counted: bool = False) -> None:
        """Counts a wake-up of an action, or the refusal of one: once, whether it is notified, often, or shown by the
        vendor's record."""
        if news is None:
            return
        name = "quota_seen_at" if news.refused else "wake_seen_at"
        if getattr(action, name) is None:
            setattr(action, name, self.now)
            self.changed[action.pk] = action
            self.wakeups += [] if is_counted else [news]

    def change(self, action: RemoteAction, status: ActionStatus) -> None:
        """Gives an action the status that a rule decided."""
        if status == ActionStatus.of(action):
            return
        was_disputed, state = action.is_disputed, action.state
        status.write_to(action)
        if action.state != state or action.is_disputed != was_disputed:
            action.entered_at, action.looks = self.now, 0
        self.watch(action)

    def move(self, action: RemoteAction, state: State, kind: StepKind, detail: str = "", *, cause: str = "") -> None:
        """Puts an action into a state that we ourselves conclude, with the step that says why."""
        self.step(action, kind, detail)
        status = ActionStatus.of(action)
        self.change(action, replace(status, state=state, since=self.now, cause=cause or status.cause))

    def tell_contradiction(self, action: RemoteAction) -> None:
        """Has people told that two outcomes contradict each other and nobody decided in time."""
        self.step(action, StepKind.CONTRADICTED)
        self._contradicted.append(action)
        self.watch(action)

    def watch(self, action: RemoteAction) -> None:
        """Sets when the vendor is asked next and when nothing more is expected."""
        watch = watch_after(
            state=State(action.state),
            kind=Kind(action.kind),
            entered_at=action.entered_at,
            looks=action.looks,
            now=self.now,
            timers=_timers(),
            window=self._window(action.callback_ref),
            disputed=action.is_disputed,
        )
        action.look_at, action.deadline_at = watch.look_at, watch.deadline_at
        self.changed[action.pk] = action

    def _window(self, callback_id: int | None) -> timedelta:
        """For how long the vendor may gather notifications of this callback."""
        if self._windows is None:
            rows = Callback.objects.filter(batch_window_s__gt=0).values_list("pk", "batch_window_s")
            self._windows = {pk: timedelta(seconds=seconds) for pk, seconds in rows}
        return self._windows.get(callback_id or 0, timedelta())

    def step(self, action: RemoteAction, kind: StepKind, detail: str = "") -> None:
        """Adds a step of our own to the timeline."""
        self._steps.append((action.pk, self.now, kind, detail))

    # ---- writing ----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Writes everything in a fixed number of statements, and publishes what has ended."""
        changed = [self.changed[pk] for pk in sorted(self.changed)]
        ended = [action for action in changed if action.is_terminal and self._is_final_news(action)]
        cancel_retries(ended, self.now)
        learn_from(ended, self.now)
        retried = plan_retries([action for action in ended if self._may_retry(action)], self.now)
        for action_id, at in retried.items():
            self._steps.append((action_id, self.now, StepKind.RETRYING, at.isoformat(timespec="seconds")))
        publish_contradictions(self._contradicted, self.now)
        publish_outcomes([action for action in ended if action.pk not in retried], self.now)
        count_wakeups(self.wakeups, self.now)
        write_actions(changed)
        write_steps(self._steps)
        if any(self._before[action.pk] in IN_FLIGHT and action.state not in IN_FLIGHT for action in changed):
            transaction.on_commit(nudges.send_soon, robust=True)  # the vehicle's next command may go

    def _is_final_news(self, action: RemoteAction) -> bool:
        """While the vendor's record is asked which of two outcomes holds, nothing is final."""
        if action.is_disputed and action.look_at is not None:
            return False
        return action.state != self._before[action.pk] or action.pk in self._disputed

    def _may_retry(self, action: RemoteAction) -> bool:
        """Only a failure that came while it was expected: a late one is a person's to judge."""
        return action.state == State.FAILED and self._before[action.pk] in WITH_VENDOR and not action.inferred


_COLUMNS = (
    "state since entered_at cause feedback inferred conflict reconciled unconfirmed_at not_before lease_until"
    " submitting_at posts callback_ref submitted_at remote_action_id http_status error_code error_text error_uuid"
    " look_at looks deadline_at wake_seen_at quota_seen_at thread"
)


def write_actions(actions: Iterable[RemoteAction]) -> None:
    """Everything of them that may change once they are ordered."""
    names = _COLUMNS.split()
    rows = [(action.pk, *(getattr(action, name) for name in names)) for action in actions]
    update_rows(RemoteAction._meta.db_table, Col("id", "bigint"), columns(RemoteAction, *names), rows)
