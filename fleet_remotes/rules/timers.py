"""When to poll for an action that the vendor has: the soft and hard time-outs of reference B6."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fleet_remotes.choices import WITH_VENDOR, Kind, State

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
# After the soft time-out the vendor is asked at once and then after these times, counted from it.
_POLLS = (timedelta(0), _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE)
# After the hard one, counted from it; the vendor keeps undelivered notifications for 72 h.
_LATE_POLLS = (_HOUR, 6 * _HOUR, 24 * _HOUR, 72 * _HOUR)
# When two outcomes contradict each other, the vendor's record decides; it is asked at these times.
_DISPUTE = (timedelta(0), _MINUTE, 5 * _MINUTE, _HOUR, 6 * _HOUR)
# When the vendor's list is searched for an action whose POST got no answer, counted from then.
RECONCILE_AT = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=5))


@dataclass(frozen=True, slots=True)
class Timers:
    """Seconds without news after which the vendor is asked (soft) and after which nothing is expected (hard).

    Evidence: a vehicle stays awake for 3 min after each message (seed 003); the vendor gives up waking after about
    128 s, other clients after 240 s. Navigation is announced by neither Accepted nor WakingUpVehicle.
    """

    first_s: float = 60
    navigation_s: float = 120
    waking_s: float = 180
    sent_s: float = 120
    blocked_s: float = 60
    blocked_hard_s: float = 300
    hard_s: float = 600

    def soft(self, state: State, kind: Kind) -> timedelta:
        seconds = {
            State.WAKING: self.waking_s,
            State.SENT: self.sent_s,
            State.BLOCKED_QUOTA: self.blocked_s,
            State.BLOCKED_BATTERY: self.blocked_s,
        }.get(state, self.first_s)
        if state == State.SUBMITTED and kind == Kind.NAVIGATION:
            seconds = self.navigation_s
        return timedelta(seconds=seconds)

    def hard(self, state: State) -> timedelta:
        blocked = state in (State.BLOCKED_QUOTA, State.BLOCKED_BATTERY)
        return timedelta(seconds=self.blocked_hard_s if blocked else self.hard_s)


@dataclass(frozen=True, slots=True)
class Watch:
    """When to ask the vendor next, and when to stop expecting anything; None for never."""

    look_at: datetime | None
    deadline_at: datetime | None


def watch_after(
    *,
    state: State,
    kind: Kind,
    entered_at: datetime,
    looks: int,
    now: datetime,
    timers: Timers,
    window: timedelta = timedelta(0),
    disputed: bool = False,
) -> Watch:
    """The next poll for an action that came to `state` at `entered_at` and was polled for `looks` times since.

    `window` is the time for which the vendor may gather notifications into one batch; `disputed` says that outcomes
    contradict each other and the vendor's record has not decided yet: then the deadline is when that is told, once.
    """
    if disputed:
        deadline = entered_at + timers.hard(state) + window
        return Watch(_next(entered_at, _DISPUTE, looks, now), deadline if deadline > now else None)
    if state in WITH_VENDOR:
        soft = entered_at + timers.soft(state, kind) + window
        deadline = entered_at + timers.hard(state) + window
        return Watch(_next(soft, _POLLS, looks, now), deadline)
    if state == State.UNCONFIRMED:
        return Watch(_next(entered_at, _LATE_POLLS, looks, now), None)
    if state == State.UNKNOWN:
        return Watch(_next(entered_at, RECONCILE_AT, looks, now), None)
    return Watch(None, None)


def _next(start: datetime, steps: tuple[timedelta, ...], looks: int, now: datetime) -> datetime | None:
    """The step after `looks` of them; steps that were missed are made up for by one poll now."""
    return max(start + steps[looks], now) if looks < len(steps) else None
