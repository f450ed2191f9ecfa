"""What may hold a notification back: each stage returns why not, or None. Pure.

switched off → ended by hand → root cause → preference → consent → muted → brake → no channel → cooldown
→ quiet hours
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from vehicles.choices import DriverChannel, DriverSeverity, Reason
from vehicles.rules.clocks import quiet_until
from vehicles.rules.windows import Window

Key = tuple[str, str]  # type, subject


@dataclass(frozen=True, slots=True)
class Policy:
    """A type of the catalogue with what operators changed laid over it."""

    name: str
    condition: str
    ways: tuple[str, ...]
    severity: str
    category: str
    enabled: bool = True
    rank: int = 0
    explains: bool = True
    # Trouble of a car: many at once are the feed's, and a person is asked first.
    is_trouble: bool = False
    once: bool = False
    needs_consent: bool = False
    cooldown: timedelta = timedelta(0)
    reminder: timedelta = timedelta(0)
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    # By programme, where a driver is led and by which button; "" is every other programme.
    links: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def link_for(self, program: str) -> Sequence[str] | None:
        """URL and label."""
        return self.links.get(program.strip().casefold()) or self.links.get("")

    @property
    def is_banner(self) -> bool:
        return self.ways == (DriverChannel.BANNER,)


@dataclass(frozen=True, slots=True)
class Person:
    """What decides how a driver may be notified."""

    zone: tzinfo = UTC
    quiet_from: time | None = None
    quiet_until: time | None = None
    unwanted: frozenset[str] = frozenset()
    consents: bool = False
    has_email: bool = False
    push_enabled: bool = True
    # Until when which type is muted; "" is every type.
    mutes: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Row:
    """A notification as it is kept; `id` is 0 while it is new."""

    type: str
    subject: str
    state: str
    begins: datetime
    created_at: datetime
    id: int = 0
    reason: str = ""
    root: str = ""
    told_at: datetime | None = None
    times_told: int = 0
    repeats: int = 0
    last_seen_at: datetime | None = None
    dismissed_at: datetime | None = None
    due_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def key(self) -> Key:
        return self.type, self.subject


@dataclass(frozen=True, slots=True)
class Hold:
    """Why something is held back, by which other notification, and until when if that is known."""

    reason: Reason
    root: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Earlier notifications of the same type and subject: what was notified once for all, and when last."""

    once: frozenset[Key] = frozenset()
    notified: Mapping[Key, datetime] = field(default_factory=dict)
    dismissed: Mapping[Key, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Case:
    """One notification before the stages."""

    policy: Policy
    window: Window
    row: Row | None
    person: Person
    history: History
    causes: Sequence[tuple[Policy, Window]]
    now: datetime
    is_braked: bool = False
    # Whether anybody takes the push of this one to the phone.
    hears: Callable[[Case], bool] = lambda _case: True

    def closed(self) -> dict[str, Reason]:
        """Of its channels, those that do not lead to the driver, and why."""
        found = {}
        for channel in self.policy.ways:
            if channel == DriverChannel.EMAIL and not self.person.has_email:
                found[channel] = Reason.NO_CHANNEL
            elif channel == DriverChannel.PUSH and not (self.person.push_enabled and self.hears(self)):
                found[channel] = Reason.NO_LISTENER if self.person.push_enabled else Reason.NO_CHANNEL
        return found


# ---- the stages: each returns why not, or None ----------------------------------------------------------------------


def _switched_off(case: Case) -> Hold | None:
    return None if case.policy.enabled else Hold(Reason.SWITCHED_OFF)


def _root_cause(case: Case) -> Hold | None:
    """The order of the reference, A3: account, not found or revoked, service, privacy, silence, position, session.

    `causes` are those that the driver is shown: what is not seen explains nothing.
    """
    if not case.policy.rank:
        return None
    above = [
        policy for policy, window in case.causes if policy.rank < case.policy.rank and _concerns(window, case.window)
    ]
    root = min(above, key=lambda policy: (policy.rank, policy.name), default=None)
    return Hold(Reason.ROOT_CAUSE, root.name) if root else None


def _concerns(cause: Window, window: Window) -> bool:
    """Whether a cause lies in the same vehicle, or in the account through which the vehicle is reached."""
    if cause.vehicle_id is not None:
        return cause.vehicle_id == window.vehicle_id
    return cause.account_id is not None and cause.account_id == window.account_id


def _by_hand(case: Case) -> Hold | None:
    """What a person ended or dropped stays so as long as its condition holds."""
    ended = case.row is not None and case.row.reason in (Reason.BY_HAND, Reason.DROPPED)
    return Hold(Reason(case.row.reason)) if ended and case.row is not None else None


def muted(case: Case) -> Hold | None:
    mutes = case.person.mutes
    until = max((m for m in (mutes.get(""), mutes.get(case.policy.name)) if m is not None), default=None)
    return Hold(Reason.MUTED, until=until) if until is not None and until > case.now else None


def _brake(case: Case) -> Hold | None:
    return Hold(Reason.BRAKE) if case.is_braked else None


def _preference(case: Case) -> Hold | None:
    """What is critical is told all the same."""
    unwanted = case.policy.category in case.person.unwanted and case.policy.severity != DriverSeverity.CRITICAL
    return Hold(Reason.PREFERENCE) if unwanted else None


def _consent(case: Case) -> Hold | None:
    return Hold(Reason.NO_CONSENT) if case.policy.needs_consent and not case.person.consents else None


def _no_channel(case: Case) -> Hold | None:
    closed = case.closed()
    if len(closed) < len(case.policy.ways):
        return None
    return Hold(Reason.NO_LISTENER if Reason.NO_LISTENER in closed.values() else Reason.NO_CHANNEL)


def _cooldown(case: Case) -> Hold | None:
    """A banner waits after it was dismissed; what rings or mails waits after it was sent. What is critical and was only
    taken back meanwhile, because of its cause, waits for nothing."""
    was_told = case.row is not None and case.row.told_at is not None and case.row.dismissed_at is None
    if was_told and case.policy.severity == DriverSeverity.CRITICAL:
        return None
    memory = case.history.dismissed if case.policy.is_banner else case.history.notified
    own = (case.row.dismissed_at if case.policy.is_banner else case.row.told_at) if case.row else None
    last = max((m for m in (memory.get((case.policy.name, case.window.subject)), own) if m), default=None)
    until = last + case.policy.cooldown if last else None
    return Hold(Reason.COOLDOWN, until=until) if until and until > case.now else None


def quiet_hours(case: Case) -> Hold | None:
    """Quiet hours hold back what rings or mails, unless it is critical; a banner disturbs nobody."""
    if case.policy.severity == DriverSeverity.CRITICAL or case.policy.is_banner:
        return None
    person = case.person
    until = quiet_until(case.now, person.quiet_from, person.quiet_until, person.zone)
    return Hold(Reason.QUIET_HOURS, until=until) if until else None


# What also takes back something that is shown already; the others only delay a beginning.
WITHDRAWING = (_switched_off, _by_hand, _root_cause, _preference, _consent)
STAGES: tuple[Callable[[Case], Hold | None], ...] = (
    *WITHDRAWING,
    muted,
    _brake,
    _no_channel,
    _cooldown,
    quiet_hours,
)


def objection(case: Case, stages: Iterable[Callable[[Case], Hold | None]]) -> Hold | None:
    return next((hold for stage in stages if (hold := stage(case)) is not None), None)
