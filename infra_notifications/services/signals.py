"""Takes the neutral form in: another system says that a case was raised or cleared. It proves no life."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from core.device_clock import judge, span_text
from core.ingest import BatchSteps, Incoming, Intake, Submission, take
from core.sql import storable
from core.text import identity_key
from infra_notifications.choices import Case, Effect, MessageVerdict
from infra_notifications.ingest import SignalMessage, parse_time
from infra_notifications.rules.lifecycle import NEUTRAL, IncidentChange, IncidentState, Signal
from infra_notifications.services.directory import Directory, Point
from infra_notifications.services.records import write_message_rows
from infra_notifications.services.sources import Heard, count_sources, source_of
from infra_notifications.services.unit_of_work import IncidentStore
from infra_notifications.services.unknown_senders import UnknownSender, write_unknown


def take_signals(*, submissions: Sequence[Submission[SignalMessage]], now: datetime) -> list[Intake]:
    """Takes neutral signals: another system says that a case was raised or cleared. They prove no life."""
    heard = Heard()
    intakes = take(submissions, partial(_SignalSteps, heard), now=now)
    count_sources(submissions=submissions, intakes=intakes, heard=heard, now=now)
    return intakes


class _SignalSteps(BatchSteps[SignalMessage]):
    """`points` stands beside the signals; it holds those that are about a charge point that we know."""

    endpoint = "charging/signals"

    def __init__(self, heard: Heard, incoming: Incoming[SignalMessage]) -> None:
        super().__init__(incoming)
        self.heard = heard

    def check(self, item: SignalMessage) -> str:
        return _signal_problem(item)

    def sender(self, row: int) -> str:
        return self.points[row].evse_key

    def resolve(self, rows: list[int]) -> None:
        keys = {row: identity_key(self.incoming.items[row].charge_point) for row in rows}
        by_evse = Directory(set(keys.values()), ()).by_evse
        self.points = {row: by_evse[key] for row, key in keys.items() if key in by_evse}
        self.unknown = [row for row in rows if row not in self.points]
        for row in self.unknown:
            self.incoming.reject(row, f"Unknown charge point {self.incoming.items[row].charge_point}.")

    def apply(self, rows: list[int]) -> None:
        if rows:
            self._apply(rows)
        self.heard.drop(write_unknown(_unknown_signals(self.incoming, self.unknown), self.now))

    def _apply(self, rows: list[int]) -> None:
        received = {row: self._received(row) for row in rows}
        # By receipt; stable, so that signals of one moment stay in the order in which they came.
        rows = sorted(rows, key=received.__getitem__)
        store = IncidentStore(self.now)
        raising = {self.points[row].id for row in rows if self.incoming.items[row].state.lower() == "raised"}
        store.load(sorted({self.points[row].id for row in rows}), raising=raising)
        written: list[tuple[Any, ...]] = []
        ignored: list[tuple[dict[str, Any], IncidentState]] = []
        for row in rows:
            message, point = self.incoming.items[row], self.points[row]
            signal = self._signal(row, received[row])
            step = store.change(point.id, signal)
            verdict = MessageVerdict.RAISED if signal.raised else MessageVerdict.CLEARED
            effect = Effect.RAISE.value if signal.raised else Effect.CLEAR.value
            finding: dict[str, Any] = {"effect": effect, "case": signal.case, "said": signal.said, "steps": [step]}
            incident = store.history(point.id, signal.case).open
            if step == IncidentChange.LATE and not signal.raised and incident is not None:
                verdict = MessageVerdict.IGNORED
                ignored.append((finding, incident))
            written.append((message, signal, point, verdict, finding))
        store.flush()
        for finding, incident in ignored:
            finding["ignored"] = [incident.id]
        write_message_rows([_message_row(*one) for one in written])

    def _received(self, row: int) -> datetime:
        """When the sender received it, which is never after us."""
        return judge(parse_time(self.incoming.items[row].received_at), self.now, longest_queue=None).at

    def _signal(self, row: int, received_at: datetime) -> Signal:
        message = self.incoming.items[row]
        moment = judge(parse_time(message.occurred_at), received_at)
        if moment.error_s is not None:
            wrong = span_text(moment.error_s)
            self.incoming.warn(row, f"`occurred_at` is wrong by {wrong}; the time of receipt counts.")
        raised = message.state.lower() == "raised"
        said = (message.detail or "")[:500]
        return Signal(Case(message.case.upper()), raised, NEUTRAL if raised else "", moment, received_at, said)


def _message_row(
    message: SignalMessage, signal: Signal, point: Point, verdict: MessageVerdict, finding: dict[str, Any]
) -> tuple[Any, ...]:
    state = message.state.lower()
    return (
        point.id,
        "",
        "signal",
        f"{signal.case} {state}",
        storable({"case": signal.case, "state": state, "detail": signal.said}),
        verdict,
        storable([finding]),
        signal.moment.at if signal.moment.device_clock else None,
        signal.received_at,
    )


def _unknown_signals(incoming: Incoming[SignalMessage], rows: Sequence[int]) -> list[UnknownSender]:
    """What other systems say of charge points that nobody knows: the last case that was raised."""
    senders: dict[str, UnknownSender] = {}
    for row in rows:
        message, key = incoming.items[row], identity_key(incoming.items[row].charge_point)[:48]
        source = source_of(incoming.keys[row])
        sender = senders.setdefault(key, UnknownSender(key, "", None, source, incoming.now))
        case = message.case.upper()
        sender.messages += 1
        sender.sample = {"protocol": "signal", "action": case}
        if message.state.lower() == "raised":
            at, said = incoming.now.isoformat(), (message.detail or "")[:500]
            sender.said["fault"] = {"case": case, "said": said, "name": f"signal/{case}", "at": at}
        else:
            sender.end(f"signal/{case}")
    return list(senders.values())


def _signal_problem(message: SignalMessage) -> str:
    if message.case.upper() not in Case.values:
        return f"`case` must be one of {', '.join(Case.values)}, not {message.case[:40]!r}."
    if message.state.lower() not in ("raised", "cleared"):
        return f"`state` must be raised or cleared, not {message.state[:40]!r}."
    if not identity_key(message.charge_point):
        return "`charge_point` must be an EVSE id."
    if message.occurred_at and parse_time(message.occurred_at) is None:
        return "`occurred_at` must be RFC 3339, e.g. 2026-11-21T05:40:00Z."
    return ""
