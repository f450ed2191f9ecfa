"""From a vehicle's telemetry to its charging sessions (A1.2). Pure, so that a late sample only means: derive anew.

A session lasts while the car is plugged in. It begins with the first sample that says so and ends with the last one
that still did, not with the moment at which the end was noticed. It is managed while smart charging is on, the place
is known and the car can be started, stopped and located; where that changes, one session ends and another begins.
Switching smart charging off ends a managed session at once; the unmanaged one begins with the next sample. Without any
sample for a day it has ended, and while the car or its account is gone nothing is recorded.

What a sample leaves out stays as it was since the car was plugged in: one that says nothing of the plug neither begins
nor, unless the charge rises, prolongs a session, but its power and its charge count, and the place is that of the first
sample that knows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import dropwhile
from operator import attrgetter

from vehicles.choices import UnmanagedReason
from vehicles.rules.timelines import Reports

NEEDED = ("geoLocation", "startStopCharging")
DISCONNECTED, CHARGING, STOPPED, COMPLETE = "disconnected", "charging", "stopped", "complete"
# Plugged in, and by its own word without power; and plugged in without a word of what it does.
NO_POWER, PLUGGED = "no_power", "plugged"
FULL = 100
# Less than this is what the electronics of a car that waits draw.
LEAST_KW = 0.1
# A battery that fills while 0 kW are said takes so long for one more percent, at the slowest.
SLOWEST_PERCENT = timedelta(hours=1)
# A session of which nothing is heard for so long is over.
LONGEST_PAUSE = timedelta(hours=24)
UNKNOWN_STATE = "unknown"
SILENT_STATES = ("", UNKNOWN_STATE)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample of telemetry: what it leaves out is empty or None. `of_plug`: it says itself whether the cable is in."""

    at: datetime
    charge_state: str
    location: str = ""
    power_kw: float | None = None
    soc: int | None = None
    of_plug: bool = True


@dataclass(slots=True)
class Derived:
    """A session as it follows from samples; `last_at` is its last good sample."""

    managed: bool
    reason: str
    started_at: datetime
    last_at: datetime
    location: str = ""
    ended_at: datetime | None = None
    end_reason: str = ""
    no_power_since: datetime | None = None
    soc_start: int | None = None
    soc_last: int | None = None
    charge_state: str = ""
    # When the charge last rose although no power was said, and for how long it may stand still then.
    rose_at: datetime | None = None
    patience: timedelta = SLOWEST_PERCENT

    def overlap(self, start: datetime, end: datetime | None) -> float:
        """Seconds that it shares with another interval; a moment that both touch counts for a little."""
        mine = self.ended_at or self.last_at
        shared = min(mine, end or mine) - max(self.started_at, start)
        return shared.total_seconds() + 1 if shared.total_seconds() >= 0 else 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was reported of a car, of the account that it is reached through, and of the places where it was."""

    car: Reports
    account: Reports = field(default_factory=Reports)
    places: Mapping[str, Reports] = field(default_factory=dict)

    def gone_at(self, moment: datetime) -> str:
        """Why the car cannot be followed at a moment; empty while it can."""
        if self.car.at("removed", moment) is True:
            return "vehicle_removed"
        return "account_unlinked" if self.account.at("linked", moment) is False else ""

    def gone_between(self, after: datetime, until: datetime | None) -> str:
        """Why the car could not be followed at some time after one moment and up to another."""
        for reports, name, value, reason in (
            (self.car, "removed", True, "vehicle_removed"),
            (self.account, "linked", False, "account_unlinked"),
        ):
            for text, said in reports.raw.get(name, ()):
                moment = datetime.fromisoformat(text)
                if said is value and moment > after and (until is None or moment <= until):
                    return reason
        return ""

    def knows_place(self, sample: Sample) -> bool:
        """Whether a sample's place is one of the driver's, and was not removed by then."""
        place = self.places.get(sample.location)
        return bool(sample.location) and (place is None or place.at("removed", sample.at) is not True)


def why_unmanaged(sample: Sample, around: Surroundings) -> str | None:
    """Why a session at this sample is not managed, "" where nobody said so; None when it is."""
    is_on = around.car.at("smart_charging", sample.at)
    if is_on is not True:
        return "" if is_on is None else UnmanagedReason.SMART_CHARGING_OFF
    if not around.knows_place(sample):
        return UnmanagedReason.UNKNOWN_LOCATION
    states = {around.car.at(f"capability.{name}", sample.at) for name in NEEDED}
    if states == {"available"}:
        return None
    return UnmanagedReason.MISSING_CAPABILITY if states - {"available", None} else ""


def is_powerless(session: Derived, sample: Sample, reports: Reports) -> bool:
    """The car ought to charge by its own word or by a command, and no power comes. A full one needs none, nor does one
    that was told to pause or holds as much as the plan wants."""
    soc, state = sample.soc, sample.charge_state
    if state == COMPLETE or (soc is not None and soc >= FULL) or _needs_none(session, sample, reports):
        return False
    expected = state in (CHARGING, NO_POWER) or reports.at("command", sample.at) == "start"
    if sample.power_kw is not None:
        # What is drawn is negative to some makers.
        flows = sample.power_kw >= LEAST_KW or (sample.power_kw <= -LEAST_KW and state == CHARGING)
        return expected and not flows
    return expected and state in (STOPPED, NO_POWER)


def _needs_none(session: Derived, sample: Sample, reports: Reports) -> bool:
    """The last command since the session began is to stop, or the plan of a managed one is fulfilled."""
    commands = ((datetime.fromisoformat(text), said) for text, said in reports.raw.get("command", ()))
    told = [said for moment, said in commands if session.started_at <= moment <= sample.at]
    if told and told[-1] == "stop":
        return True
    plan = reports.at("plan", sample.at) if session.managed else None
    target = plan.get("target_soc") if isinstance(plan, dict) else None
    return target is not None and sample.soc is not None and sample.soc >= target


def switched_off_at(reports: Reports, after: datetime, until: datetime | None) -> datetime | None:
    """When smart charging was switched off after one moment and up to another."""
    for text, value in reports.raw.get("smart_charging", ()):
        moment = datetime.fromisoformat(text)
        if value is not True and moment > after and (until is None or moment <= until):
            return moment
    return None


def derive(samples: Iterable[Sample], around: Surroundings) -> list[Derived]:
    """The sessions that follow from samples, oldest first; all but the last have ended. Of
    samples of one moment the last counts; else they need no order."""
    sessions: list[Derived] = []
    current: Derived | None = None
    for sample in _completed(samples, around):
        if around.gone_at(sample.at):
            continue
        if not sample.of_plug:
            if current is not None:
                _follow(current, sample, around.car)
            continue
        if current is not None and (end := _why_over(current, sample, around)):
            _end(current, end)
            current = None
        if sample.charge_state == DISCONNECTED:
            current = None
            continue
        if current is None:
            reason = why_unmanaged(sample, around)
            current = Derived(reason is None, reason or "", sample.at, sample.at, sample.location)
            sessions.append(current)
        _follow(current, sample, around.car)
    if current is not None:
        if _forced_end(current, around.car, None):
            _end(current, "smart_charging_off")
        elif gone := around.gone_between(current.last_at, None):
            _end(current, gone)
    return sessions


def _completed(samples: Iterable[Sample], around: Surroundings) -> Iterator[Sample]:
    """Samples in their order, with what each leaves out as it was since the car was plugged in."""
    together: list[Sample] = []
    for sample in sorted(samples, key=attrgetter("at")):
        if sample.charge_state == DISCONNECTED or (together and sample.at - together[-1].at >= LONGEST_PAUSE):
            yield from _of_one_plug(together, around)
            together = []
        together.append(sample)
    yield from _of_one_plug(together, around)


def _of_one_plug(samples: Sequence[Sample], around: Surroundings) -> Iterator[Sample]:
    yield from (sample for sample in samples if sample.charge_state == DISCONNECTED)
    # What was said before it was plugged in is of another place and time.
    plugged = list(dropwhile(lambda sample: sample.charge_state in (*SILENT_STATES, DISCONNECTED), samples))
    place = next((sample.location for sample in plugged if sample.location), "")
    state, power, soc = "", None, None
    for sample in plugged:
        # A car that is plugged in does not move; only a place that is no more makes way for another.
        if sample.location and not around.knows_place(replace(sample, location=place)):
            place = sample.location
        of_plug, said = sample.charge_state not in SILENT_STATES, sample.charge_state
        if said in (*SILENT_STATES, PLUGGED):
            said = state or STOPPED
        # What came while the car did something else says nothing of now.
        power = sample.power_kw if sample.power_kw is not None or said != state else power
        soc = sample.soc if sample.soc is not None else soc
        state = said
        yield replace(sample, charge_state=said, location=place, power_kw=power, soc=soc, of_plug=of_plug)


def _why_over(session: Derived, sample: Sample, around: Surroundings) -> str:
    """Why a session does not go on with the next sample; empty when it does."""
    if gone := around.gone_between(session.last_at, sample.at):
        return gone
    if sample.at - session.last_at >= LONGEST_PAUSE:
        return "no_samples"
    if sample.charge_state == DISCONNECTED:
        return "unplugged"
    if _forced_end(session, around.car, sample.at):
        return "smart_charging_off"
    return "" if session.managed == (why_unmanaged(sample, around) is None) else "conditions_changed"


def _forced_end(session: Derived, reports: Reports, until: datetime | None) -> bool:
    return session.managed and switched_off_at(reports, session.last_at, until) is not None


def _end(session: Derived, reason: str) -> None:
    session.ended_at, session.end_reason, session.no_power_since = session.last_at, reason, None


def _follow(session: Derived, sample: Sample, reports: Reports) -> None:
    if not sample.of_plug and sample.at - session.last_at >= LONGEST_PAUSE:
        return
    # Some cars always say 0 kW: a battery that fills has power.
    risen = sample.soc - session.soc_last if sample.soc is not None and session.soc_last is not None else 0
    rises, idle_since = risen > 0, session.rose_at or session.no_power_since
    session.last_at = sample.at if sample.of_plug or rises else session.last_at
    session.charge_state = sample.charge_state
    session.soc_start = sample.soc if session.soc_start is None else session.soc_start
    session.soc_last = sample.soc if sample.soc is not None else session.soc_last
    powerless = is_powerless(session, sample, reports)
    if rises and powerless and idle_since:
        # One percent more may have been due at once; from the next on it is known how long one takes.
        is_pace = session.rose_at is not None or risen > 1
        session.patience = min(SLOWEST_PERCENT, 3 * (sample.at - idle_since) / risen) if is_pace else SLOWEST_PERCENT
        session.rose_at = sample.at
    elif not powerless:
        session.rose_at = None
    fills = rises or (session.rose_at is not None and sample.at - session.rose_at < session.patience)
    session.no_power_since = (session.no_power_since or sample.at) if powerless and not fills else None


def follow(session: Derived, samples: Iterable[Sample], reports: Reports) -> None:
    """A session that its sender records itself: its samples say how it charges, and nothing of its beginning or end."""
    power, soc = None, None
    for sample in sorted(samples, key=attrgetter("at")):
        if sample.at >= session.started_at:
            power = power if sample.power_kw is None else sample.power_kw
            soc = soc if sample.soc is None else sample.soc
            _follow(session, replace(sample, power_kw=power, soc=soc, of_plug=True), reports)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A session as it was recorded before."""

    id: int
    managed: bool | None
    started_at: datetime
    ended_at: datetime | None


def match(derived: Sequence[Derived], recorded: Sequence[Recorded]) -> tuple[dict[int, Derived], list[Derived]]:
    """Which recorded session each derived one continues, by the time they share; and the derived ones that are new.

    A recorded session that is in neither was none: a late sample said otherwise.
    """
    shares = sorted(
        (
            (-session.overlap(old.started_at, old.ended_at), old.id, number)
            for number, session in enumerate(derived)
            for old in recorded
            if old.managed is session.managed and session.overlap(old.started_at, old.ended_at) > 0
        ),
    )
    continued: dict[int, Derived] = {}
    taken: set[int] = set()
    for _share, old_id, number in shares:
        if old_id not in continued and number not in taken:
            continued[old_id] = derived[number]
            taken.add(number)
    return continued, [session for number, session in enumerate(derived) if number not in taken]
