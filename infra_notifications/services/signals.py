"""Takes the neutral form in: another system says that a case was raised or cleared. It proves no life."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from core.device_clock import judge, parse_time, span_text
from core.ingest import BatchSteps, Incoming, Intake, Submission
from core.receipts import TOLD_ANEW, may_restart
from core.sql import storable
from core.text import IdentityKeys, identity, identity_key, one_line
from infra_notifications.choices import Case, CloseReason, Effect, MessageVerdict
from infra_notifications.ingest import SignalMessage
from infra_notifications.models import Incident
from infra_notifications.rules.action_names import fold
from infra_notifications.rules.envelopes import nearest_case, state_of
from infra_notifications.rules.lifecycle import NEUTRAL, IncidentChange, IncidentState, Signal
from infra_notifications.rules.oddities import contradiction, receipt_of, too_early_to_end
from infra_notifications.rules.vocabulary import MOST_CONNECTORS, NO_CONNECTOR
from infra_notifications.services.directory import Directory, Point
from infra_notifications.services.records import write_message_rows
from infra_notifications.services.repetitions import Switch, switched_anew
from infra_notifications.services.sources import Heard, source_of, take_and_count
from infra_notifications.services.unit_of_work import IncidentStore
from infra_notifications.services.unknown_senders import UnknownSender, shown, too_long, write_unknown

_CASES, _STATES = frozenset(Case.values), ("raised", "cleared")
_HELD_OPEN = ("charge_point_id", "case", "faults")
_CASES_BY_NAME = {fold(case): case for case in Case.values}


def take_signals(*, submissions: Sequence[Submission[SignalMessage]], now: datetime) -> list[Intake]:
    """Takes neutral signals: another system says that a case was raised or cleared. They prove no life."""
    return take_and_count(submissions, _SignalSteps, heard=None, now=now)


class _SignalSteps(BatchSteps[SignalMessage]):
    """`points` stands beside the signals: the charge points that each is about, none where we know none."""

    endpoint = "charging/signals"

    def __init__(self, heard: Heard, incoming: Incoming[SignalMessage]) -> None:
        super().__init__(incoming)
        self.heard = heard

    def read(self) -> None:
        """Reads cases and states in other words; what cannot be read beside them is left out."""
        for row, message in enumerate(self.incoming.items):
            if row in self.incoming.refused:
                continue
            if message.case not in _CASES:
                message = self._put(row, "case", message.case, _CASES_BY_NAME.get(fold(message.case), message.case))
            if message.state not in _STATES:
                message = self._put(row, "state", message.state, state_of(message.state))
            if message.occurred_at and parse_time(message.occurred_at) is None:
                self._put(row, "occurred_at", message.occurred_at, None)

    def _put(self, row: int, name: str, said: str, meant: str | None) -> SignalMessage:
        message = self.incoming.items[row] = replace(self.incoming.items[row], **{name: meant})
        if meant is None:
            self.incoming.warn(row, f"`{name}` was {said[:40]!r}, which cannot be read, and was left out.")
        elif meant.lower() != said.lower():
            self.incoming.warn(row, f"`{name}` was {said[:40]!r} and was read as {meant}.")
        return message

    def check(self, item: SignalMessage) -> str:
        return _signal_problem(item)

    def sender(self, row: int) -> str:
        points = self.points[row]
        return points[0].evse_key if len(points) == 1 else points[0].station_key

    def told_anew(self, duplicates: set[int]) -> set[int]:
        items, rows = self.incoming.items, [row for row in self.incoming.good if self._may_be_anew(row)]
        about = {(point.id, items[row].case.upper()) for row in rows if row in duplicates for point in self.points[row]}
        if not about:
            return set()
        open_ones = Incident.objects.filter(charge_point_id__in={pk for pk, _case in about}, closed_at=None)
        raised = {(pk, case) for pk, case, faults in open_ones.values_list(*_HELD_OPEN) if NEUTRAL in faults}
        anew = switched_anew(
            (
                Switch(row, (point.id, items[row].case.upper()), _is_raised(items[row]), row in duplicates)
                for row in rows
                for point in self.points[row]
            ),
            {pair: pair in raised for pair in about},
        )
        for row in anew:
            self.incoming.warn(row, TOLD_ANEW)
        return anew

    def _may_be_anew(self, row: int) -> bool:
        """Whether it says nothing by which a retry is known."""
        item = self.incoming.items[row]
        return item.occurred_at is None and item.received_at is None and may_restart(item.id)

    def resolve(self, rows: list[int]) -> None:
        items, keys = self.incoming.items, IdentityKeys()
        evse_ids = {key for row in rows if (key := keys[items[row].charge_point])}
        stations = {key for row in rows if (key := keys[items[row].station])}
        directory = Directory(evse_ids, stations)
        self.points: dict[int, Sequence[Point]] = {}
        for row in rows:
            if key := keys[items[row].charge_point]:
                points: Sequence[Point] = [directory.by_evse[key]] if key in directory.by_evse else []
                named = keys[items[row].station], items[row].connector
                if points and (said := contradiction(*named, points[0].station_key, points[0].connector)):
                    self.incoming.warn(row, said)
            else:
                points = directory.at(keys[items[row].station], items[row].connector)
            self.points[row] = points
        self.unknown = [row for row in rows if not self.points[row]]
        for row in self.unknown:
            fate = too_long(keys[items[row].charge_point], keys[items[row].station])
            self.incoming.reject(row, f"Unknown {_named(items[row])}. {fate}".rstrip())
            self.heard.strangers[self.incoming.keys[row]] += 1
        self.unknown = [
            row for row in self.unknown if not too_long(keys[items[row].charge_point], keys[items[row].station])
        ]

    def apply(self, rows: list[int]) -> None:
        if rows:
            self._apply(rows)
        self.heard.drop(write_unknown(_unknown_signals(self.incoming, self.unknown), self.now))

    def _apply(self, rows: list[int]) -> None:
        received = {row: self._received(row) for row in rows}
        # By receipt; stable, so that signals of one moment stay in the order in which they came.
        rows = sorted(rows, key=received.__getitem__)
        store = IncidentStore(self.now)
        raising = {point.id for row in rows if _is_raised(self.incoming.items[row]) for point in self.points[row]}
        store.load(sorted({point.id for row in rows for point in self.points[row]}), raising=raising)
        written: list[tuple[Any, ...]] = []
        ignored: list[tuple[dict[str, Any], list[IncidentState]]] = []
        for row in rows:
            message, points = self.incoming.items[row], self.points[row]
            signal = self._signal(row, received[row])
            steps = {point.id: store.change(point.id, signal) for point in points}
            verdict = MessageVerdict.RAISED if signal.raised else MessageVerdict.CLEARED
            effect = Effect.RAISE.value if signal.raised else Effect.CLEAR.value
            finding: dict[str, Any] = {
                "effect": effect,
                "case": signal.case,
                "said": signal.said,
                "steps": sorted(set(steps.values())),
            }
            if len(points) > 1:
                finding["n"] = len(points)
            late = [pk for pk, step in steps.items() if step == IncidentChange.LATE and not signal.raised]
            incidents = [incident for pk in late if (incident := store.history(pk, signal.case).open) is not None]
            if incidents:
                verdict = MessageVerdict.IGNORED
                self.incoming.warn(row, too_early_to_end(message.received_at))
                ignored.append((finding, incidents))
            written.append((message, signal, points, verdict, finding, self.incoming.warnings.get(row)))
        store.flush()
        for finding, incidents in ignored:
            finding["ignored"] = [incident.id for incident in incidents]
        write_message_rows([_message_row(*one) for one in written])

    def _received(self, row: int) -> datetime:
        """When the sender received it, which is never after us."""
        said = self.incoming.items[row].received_at
        if said is None:
            return self.now
        received = receipt_of(said, self.now)
        if received.oddity:
            self.incoming.warn(row, received.oddity)
        return received.at

    def _signal(self, row: int, received_at: datetime) -> Signal:
        message = self.incoming.items[row]
        moment = judge(parse_time(message.occurred_at), received_at)
        if moment.error_s is not None:
            wrong = span_text(moment.error_s)
            self.incoming.warn(row, f"`occurred_at` is wrong by {wrong}; the time of receipt counts.")
        raised = _is_raised(message)
        said = one_line(message.detail or "")[:500]
        case, fault = Case(message.case.upper()), NEUTRAL if raised else ""
        return Signal(case, raised, fault, moment, received_at, said, close_reason=CloseReason.SIGNAL)


def _is_raised(message: SignalMessage) -> bool:
    return message.state.lower() == "raised"


def _named(message: SignalMessage) -> str:
    """Whom a signal names, in words."""
    if charge_point := shown(message.charge_point):
        return f"charge point {charge_point}"
    connector = f", connector {message.connector}" if message.connector else ""
    return f"station {shown(message.station)}{connector}"


def _message_row(
    message: SignalMessage,
    signal: Signal,
    points: Sequence[Point],
    verdict: MessageVerdict,
    finding: dict[str, Any],
    warnings: Sequence[str] | None,
) -> tuple[Any, ...]:
    state = message.state.lower()
    return (
        points[0].id if len(points) == 1 else None,
        "" if len(points) == 1 else points[0].station,
        "signal",
        f"{signal.case} {state}",
        storable({"case": signal.case, "state": state, "detail": signal.said}),
        verdict,
        storable([finding]),
        storable(warnings) if warnings else None,
        signal.moment.at if signal.moment.device_clock else None,
        signal.received_at,
    )


def _unknown_signals(incoming: Incoming[SignalMessage], rows: Sequence[int]) -> list[UnknownSender]:
    """What other systems say of charge points that nobody knows."""
    senders: dict[tuple[str, str, int | None], UnknownSender] = {}
    for row in rows:
        message, source = incoming.items[row], source_of(incoming.keys[row])
        evse_key, station = identity_key(message.charge_point), identity(message.station or "")
        connector = None if evse_key else message.connector
        sender = senders.setdefault(
            (evse_key, "" if evse_key else identity_key(station), connector),
            UnknownSender(evse_key, station, connector, source, incoming.now),
        )
        case = message.case.upper()
        sender.messages += 1
        sender.sample = {"protocol": "signal", "action": case}
        state, said = message.state.lower(), one_line(message.detail or "")[:500]
        kept = {"case": case, "state": state, "said": said, "occurred_at": message.occurred_at, "id": message.id}
        received = receipt_of(message.received_at, incoming.now).at if message.received_at else incoming.now
        sender.keep(kept | {"alarming": _is_raised(message)}, f"{case}/{state}", received, (incoming.now, row))
    return list(senders.values())


def _signal_problem(message: SignalMessage) -> str:
    if message.case.upper() not in Case.values:
        near = nearest_case(message.case[:40])
        return f"`case` must be one of {', '.join(Case.values)}, not {message.case[:40]!r}. The nearest is {near}."
    if message.state.lower() not in ("raised", "cleared"):
        return f"`state` must be raised or cleared, not {message.state[:40]!r}."
    if not identity_key(message.charge_point) and not identity_key(message.station):
        if message.charge_point is not None and message.station is None:
            return "`charge_point` must be an EVSE id."
        return "Name the sender: `charge_point` (its EVSE id), or `station` (its OCPP identity)."
    if message.connector is not None and not 0 <= message.connector < MOST_CONNECTORS:
        return NO_CONNECTOR
    return ""
