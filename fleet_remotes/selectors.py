"""Reads of fleet remotes: querysets and numbers of its pages, timelines, what the checks before sending need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from django.conf import settings
from django.db import connection
from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from core.health import Finding
from fleet_remotes.catalogue.advice import advice_of
from fleet_remotes.choices import (
    IN_FLIGHT,
    OPEN,
    SUCCESS,
    UNMATCHED,
    VERDICT_COLOURS,
    CallbackStatus,
    Kind,
    State,
    Verdict,
)
from fleet_remotes.client import is_set_up
from fleet_remotes.ingest.notifications import believed_date
from fleet_remotes.models import (
    ActionStep,
    Callback,
    CallbackMessage,
    CommandBatch,
    CommandSchedule,
    Fleet,
    FleetVehicle,
    RemoteAction,
    RemoteNotification,
    WakeUpUse,
)
from fleet_remotes.rules.budget import Budget, forecast_of, month_of, resting_until
from fleet_remotes.rules.preflight import OpenAction, SendingContext, VehicleSnapshot

# The delays of a callback are read from its last notifications.
LAST_FOR_LAG = 5_000


def fleets() -> QuerySet[Fleet]:
    return Fleet.objects.select_related("stopped_by").annotate(vehicle_count=Count("vehicles"))


def vehicles() -> QuerySet[FleetVehicle]:
    return FleetVehicle.objects.select_related("fleet")


def attach_budgets(rows: Sequence[FleetVehicle], now: datetime) -> None:
    """Gives each vehicle `budget`, `forecast`, `awake_until`, `last_action`, `open_count`; queries do not grow."""
    ids = [row.pk for row in rows]
    budget = budgets(rows, now)
    newest = RemoteAction.objects.filter(vehicle_id__in=ids).order_by("vehicle_id", "-pk").distinct("vehicle_id")
    last = {action.vehicle_id: action for action in newest}
    counts = RemoteAction.objects.filter(vehicle_id__in=ids, state__in=OPEN).values_list("vehicle_id")
    waiting = dict(counts.annotate(n=Count("pk")).order_by())
    awake = awake_until(rows, now)
    for row in rows:
        row.budget = budget[row.pk]  # type: ignore[attr-defined]
        row.forecast = forecast_of(budget[row.pk], now)  # type: ignore[attr-defined]
        row.awake_until = awake.get(row.pk)  # type: ignore[attr-defined]
        row.last_action = last.get(row.pk)  # type: ignore[attr-defined]
        row.open_count = waiting.get(row.pk, 0)  # type: ignore[attr-defined]


def wakeup_rows(now: datetime) -> QuerySet[FleetVehicle]:
    """Vehicles with `used`: this month's wake-ups."""
    month = WakeUpUse.objects.filter(vehicle=OuterRef("pk"), month=month_of(now))
    return vehicles().annotate(used=Coalesce(Subquery(month.values("used")[:1]), 0))


def actions() -> QuerySet[RemoteAction]:
    return RemoteAction.objects.select_related("vehicle", "fleet")


def batches() -> QuerySet[CommandBatch]:
    return CommandBatch.objects.select_related("created_by")


def schedules() -> QuerySet[CommandSchedule]:
    return CommandSchedule.objects.select_related("created_by", "created_by_key", "last_batch")


def attach_vins(rows: Sequence[CommandSchedule]) -> None:
    """Gives each schedule `vins`, those of its vehicles that there still are."""
    ids = {pk for row in rows for pk in row.vehicles}
    vins = dict(FleetVehicle.objects.filter(pk__in=ids).order_by("vin").values_list("pk", "vin"))
    for row in rows:
        row.vins = sorted(vins[pk] for pk in row.vehicles if pk in vins)  # type: ignore[attr-defined]


def progress_of(rows: Sequence[CommandBatch]) -> dict[int, dict[str, int]]:
    """How many actions of each batch are in each state. A retry replaces what it tries again."""
    counts = (
        RemoteAction.objects.filter(batch__in=[row.pk for row in rows], retries__isnull=True)
        .values_list("batch_id", "state")
        .annotate(n=Count("pk"))
        .order_by()
    )
    progress: dict[int, dict[str, int]] = {row.pk: {} for row in rows}
    for batch_id, state, count in counts:
        if batch_id is not None:
            progress[batch_id][state] = count
    return progress


def callbacks() -> QuerySet[Callback]:
    return Callback.objects.select_related("fleet")


def messages() -> QuerySet[CallbackMessage]:
    return CallbackMessage.objects.select_related("callback").defer("body")


def notifications() -> QuerySet[RemoteNotification]:
    return RemoteNotification.objects.select_related("callback", "action", "vehicle")


def unmatched() -> QuerySet[RemoteNotification]:
    return notifications().filter(verdict__in=UNMATCHED)


@dataclass(frozen=True, slots=True)
class Lag:
    """Delays from the vendor's date to our receipt, in seconds, over a callback's last notifications."""

    p50: float | None
    p95: float | None
    unmatched: int


def callback_health(rows: Sequence[Callback]) -> dict[int, Lag]:
    """The delays of each callback, and how many of its notifications wait unmatched."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, ("
            "  SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY lag) FROM ("
            "    SELECT extract(epoch FROM received_at - event_date) AS lag FROM fleet_remotes_remotenotification"
            "    WHERE callback_id = c.id AND event_date IS NOT NULL ORDER BY id DESC LIMIT %s) last), ("
            "  SELECT count(*) FROM (SELECT 1 FROM fleet_remotes_remotenotification WHERE callback_id = c.id"
            "    AND verdict IN ('unknown_action', 'vin_mismatch', 'unknown_value', 'unreadable')"
            "    LIMIT 10000) capped)"
            " FROM unnest(%s::bigint[]) AS c(id)",
            [LAST_FOR_LAG, [row.pk for row in rows]],
        )
        rows_found = cursor.fetchall()
    return {pk: Lag(lags[0] if lags else None, lags[1] if lags else None, n) for pk, lags, n in rows_found}


def outcome_counts(now: datetime, hours: int = 24) -> dict[str, int]:
    """How many actions are in each state: the open ones, and those that ended within the last hours."""
    recent = Q(state__in=OPEN) | Q(entered_at__gte=now - timedelta(hours=hours))
    rows = RemoteAction.objects.filter(recent).values_list("state").annotate(n=Count("pk")).order_by()
    return {State(state).value: count for state, count in rows}


# ---- the timeline of an action ----


# What the vendor says next, as its flow chart has it (reference B4).
_EXPECTED: dict[State, tuple[State, ...]] = {
    State.QUEUED: (State.SUBMITTED,),
    State.SUBMITTING: (State.SUBMITTED,),
    State.SUBMITTED: (State.ACCEPTED, State.FAILED),
    State.ACCEPTED: (State.WAKING, State.SENT),
    State.CHECKING: (State.WAKING, State.SENT),
    State.WAKING: (State.SENT, State.FAILED),
    State.SENT: (State.SUCCEEDED, State.ALREADY_DONE, State.FAILED),
    State.BLOCKED_QUOTA: (State.FAILED,),
    State.BLOCKED_BATTERY: (State.FAILED,),
    State.UNCONFIRMED: (State.SUCCEEDED, State.FAILED),
}


@dataclass(slots=True)
class Moment:
    """One line of the timeline. `source` is "us" or "vendor"; `took_s` is the time since the line before it."""

    at: datetime
    source: str
    title: str
    detail: str = ""
    colour: str = ""
    verdict: str = ""
    received_at: datetime | None = None
    flags: list[str] = field(default_factory=list)
    duplicates: int = 0
    # The dot's meaning: "good", "bad", or "quiet".
    tone: str = "quiet"
    took_s: float | None = None

    @property
    def lag_s(self) -> float | None:
        """How much later it was received than it happened."""
        return None if self.received_at is None else (self.received_at - self.at).total_seconds()


def timeline_of(action: RemoteAction) -> list[Moment]:
    """Everything about an action, oldest first: by the vendor's clock where it is believed."""
    moments = [_of_step(step) for step in ActionStep.objects.filter(action=action).order_by("at", "id")]
    rows = RemoteNotification.objects.filter(action=action).order_by("id").defer("raw")
    moments += [_of_notification(row) for row in rows]
    moments.sort(key=lambda moment: moment.at)
    for before, after in pairwise(moments):
        after.took_s = (after.at - before.at).total_seconds()
    return moments


def _of_step(step: ActionStep) -> Moment:
    return Moment(step.at, "us", str(step.get_kind_display()), step.detail)


def _of_notification(row: RemoteNotification) -> Moment:
    at, _flag = believed_date(row.event_date, row.received_at)
    cause = f"{row.cause}: {advice_of(row.cause).meaning}" if row.cause else ""
    return Moment(
        at=at,
        source="vendor",
        title=f"{row.type} / {row.status}",
        detail=" · ".join(filter(None, (cause, row.feedback))),
        colour=VERDICT_COLOURS[Verdict(row.verdict)],
        verdict=str(row.get_verdict_display()),
        received_at=row.received_at,
        flags=row.flag_labels,
        duplicates=row.duplicates,
        tone=_tone(row),
    )


def _tone(row: RemoteNotification) -> str:
    if row.verdict != Verdict.APPLIED:
        return "bad" if row.verdict == Verdict.CONFLICT else "quiet"
    return "bad" if row.cause or row.status == "Failed" else "good"


def expected_next(action: RemoteAction) -> list[str]:
    """What is expected next, in words; nothing for what has ended. Navigation is never announced (seed 003)."""
    expected = _EXPECTED.get(State(action.state), ())
    if action.kind == Kind.NAVIGATION and action.state == State.SUBMITTED:
        expected = (State.SENT, State.SUCCEEDED)
    return [str(state.label) for state in expected]


# ---- what the checks before sending need to know ----


def budgets(vehicles: Sequence[FleetVehicle], now: datetime) -> dict[int, Budget]:
    """This month's wake-up budget of each vehicle."""
    ids = [vehicle.pk for vehicle in vehicles]
    month = month_of(now)
    uses = {use.vehicle_id: use for use in WakeUpUse.objects.filter(vehicle_id__in=ids, month=month)}
    recent = _recent_wakes(ids, now)
    result = {}
    for vehicle in vehicles:
        use = uses.get(vehicle.pk) or WakeUpUse()
        rest = resting_until(
            recent.get(vehicle.pk, []), burst=settings.REMOTES_WAKEUPS_BURST, burst_s=settings.REMOTES_WAKEUPS_BURST_S
        )
        result[vehicle.pk] = Budget(use.used, vehicle.wakeup_limit, vehicle.wakeup_learnt, use.refusals > 0, rest)
    return result


def _recent_wakes(ids: Sequence[int], now: datetime) -> dict[int, list[datetime]]:
    """When each was woken up lately, the last time first."""
    since = now - timedelta(seconds=settings.REMOTES_WAKEUPS_BURST_S)
    heard = RemoteNotification.objects.filter(
        status="WakingUpVehicle", vehicle_id__in=ids, received_at__gt=since, verdict=Verdict.UNKNOWN_ACTION
    )  # what other tools ordered
    foreign = heard.values("vehicle_id", "remote_action_id").annotate(at=Min("received_at")).order_by()
    own = RemoteAction.objects.filter(vehicle_id__in=ids, wake_seen_at__gt=since)
    wakes: dict[int, list[datetime]] = defaultdict(list)
    for vehicle_id, at in (*foreign.values_list("vehicle_id", "at"), *own.values_list("vehicle_id", "wake_seen_at")):
        if at is not None:
            wakes[vehicle_id or 0].append(at)
    return {vehicle_id: sorted(times, reverse=True) for vehicle_id, times in wakes.items()}


# "If the vehicle is stopped, it stays awake during 3 min; each time a message is sent, 3 min more" (seed 003).
AWAKE_FOR = timedelta(minutes=3)
# What only a vehicle that was reached can say.
_REACHED = (State.SENT, *SUCCESS)


def awake_until(vehicles: Sequence[FleetVehicle], now: datetime) -> dict[int, datetime]:
    """Until when each vehicle that is awake stays so at least: three minutes from what was last sent to it."""
    ids = [vehicle.pk for vehicle in vehicles]
    reached = RemoteAction.objects.filter(vehicle_id__in=ids, state__in=_REACHED, since__gt=now - AWAKE_FOR)
    last = reached.values_list("vehicle_id").annotate(last=Max("since")).order_by()
    in_use = [(vehicle.pk, vehicle.in_use_at) for vehicle in vehicles]
    found: dict[int, datetime] = {}
    for vehicle_id, at in (*last, *in_use):
        if at is not None and at + AWAKE_FOR > now:
            found[vehicle_id] = max(at + AWAKE_FOR, found.get(vehicle_id, now))
    return found


def snapshots_of(
    vehicles: Sequence[FleetVehicle], now: datetime, *, leaving_out: Iterable[int] = ()
) -> dict[int, VehicleSnapshot]:
    """Each vehicle as the checks see it; `leaving_out` names the actions that are themselves being checked."""
    open_actions: dict[int, list[OpenAction]] = defaultdict(list)
    rows = RemoteAction.objects.filter(
        vehicle_id__in=[vehicle.pk for vehicle in vehicles], state__in=(State.QUEUED, *IN_FLIGHT)
    ).exclude(pk__in=list(leaving_out))
    for vehicle_id, *facts in rows.order_by("pk").values_list("vehicle_id", "pk", "kind", "parameters"):
        open_actions[vehicle_id].append(OpenAction(*facts))
    budget = budgets(vehicles, now)
    awake = awake_until(vehicles, now)
    return {
        vehicle.pk: VehicleSnapshot(
            has_id=bool(vehicle.vehicle_id),
            capabilities=None if vehicle.capabilities is None else frozenset(vehicle.capabilities),
            privacy=vehicle.privacy,
            battery_level=vehicle.battery_level,
            is_stolen=vehicle.is_stolen,
            is_refused_for_privacy=vehicle.privacy_refused_at is not None,
            is_refused_for_battery=vehicle.battery_refused_at is not None,
            awake_until=awake.get(vehicle.pk),
            open_actions=tuple(open_actions[vehicle.pk]),
            budget=budget[vehicle.pk],
        )
        for vehicle in vehicles
    }


def callbacks_to_send_by(fleet_ids: Iterable[int]) -> dict[int, Callback]:
    """The callback through which each fleet's commands are sent: registered with the vendor, and running."""
    rows = Callback.objects.filter(fleet_id__in=set(fleet_ids)).exclude(callback_id="")
    running = rows.exclude(status__in=(CallbackStatus.PAUSED, CallbackStatus.FAILED)).order_by("-pk")
    return {callback.fleet_id: callback for callback in running}


def sending_contexts(vehicles: Sequence[FleetVehicle], now: datetime) -> dict[int, SendingContext]:
    """What sending to each vehicle's fleet depends on, by fleet."""
    callbacks = callbacks_to_send_by(vehicle.fleet_id for vehicle in vehicles)
    fleets = {vehicle.fleet_id: vehicle.fleet for vehicle in vehicles}
    return {
        pk: SendingContext(
            is_set_up=is_set_up(),
            is_stopped=fleet.is_stopped,
            has_callback=pk in callbacks,
            paused_until=fleet.paused_until if fleet.paused_until and fleet.paused_until > now else None,
            low_battery=settings.REMOTES_LOW_BATTERY,
        )
        for pk, fleet in fleets.items()
    }


# ---- health ----


# A body that waits longer than this means that nobody applies them.
WAITED_TOO_LONG_S = 300.0


def check_callbacks(now: datetime) -> Finding:
    """Whether what the vendor brings is applied, and whether every callback receives any."""
    oldest = CallbackMessage.objects.filter(applied_at__isnull=True).order_by("id").first()
    age = (now - oldest.received_at).total_seconds() if oldest else 0.0
    if age > WAITED_TOO_LONG_S:
        return Finding(False, _("a callback has waited %(age)d s to be applied") % {"age": age}, age)
    silent = list(Callback.objects.filter(silent_since__isnull=False).values_list("slug", flat=True))
    if silent:
        return Finding(False, _("no notifications arrive at %(slugs)s") % {"slugs": ", ".join(silent)})
    if not is_set_up():
        return Finding(True, _("sending to fleet vehicles is not set up"))
    return Finding(True, _("notifications are applied"), age)
