"""Takes the neutral form in: another system says that a case was raised or cleared. It proves no life."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.ingest import BatchSteps, Intake, Submission, take
from core.sql import storable
from infra_notifications.choices import Case, MessageVerdict
from infra_notifications.ingest import SignalMessage, parse_time
from infra_notifications.rules.lifecycle import NEUTRAL, Signal, believable
from infra_notifications.services.directory import Directory, Point
from infra_notifications.services.records import write_message_rows, write_unknown_rows
from infra_notifications.services.sources import count_sources
from infra_notifications.services.unit_of_work import IncidentStore


def take_signals(*, submissions: Sequence[Submission[SignalMessage]], now: datetime) -> list[Intake]:
    """Takes neutral signals: another system says that a case was raised or cleared. They prove no life."""
    intakes = take(submissions, _SignalSteps, now=now)
    count_sources(submissions=submissions, intakes=intakes, now=now)
    return intakes


class _SignalSteps(BatchSteps[SignalMessage]):
    """`points` stands beside the signals; it holds those that are about a charge point that we know."""

    endpoint = "charging/signals"

    def check(self, item: SignalMessage) -> str:
        return _signal_problem(item)

    def sender(self, row: int) -> str:
        return self.points[row].evse_key

    def resolve(self, rows: list[int]) -> None:
        keys = {row: self.incoming.items[row].charge_point.strip().upper() for row in rows}
        by_evse = Directory(set(keys.values()), ()).by_evse
        self.points = {row: by_evse[key] for row, key in keys.items() if key in by_evse}
        self.unknown = [row for row in rows if row not in self.points]
        for row in self.unknown:
            self.incoming.reject(row, f"Unknown charge point {self.incoming.items[row].charge_point}.")

    def apply(self, rows: list[int]) -> None:
        if rows:
            _apply_signals([(self.incoming.items[row], self.points[row]) for row in rows], self.now)
        write_unknown_rows(_unknown_signals([self.incoming.items[row] for row in self.unknown], self.now))


def _apply_signals(fresh: Sequence[tuple[SignalMessage, Point]], now: datetime) -> None:
    ids = sorted({point.id for _, point in fresh})
    store, rows = IncidentStore(now), []
    store.load(ids, raising={point.id for message, point in fresh if message.state.lower() == "raised"})
    for message, point in fresh:
        case, state = Case(message.case.upper()), message.state.lower()
        raised = state == "raised"
        moment = believable(parse_time(message.occurred_at), now)
        said = (message.detail or "")[:500]
        fault = NEUTRAL if raised else ""
        step = store.change(point.id, Signal(case, raised, fault, moment, now, said))
        verdict = MessageVerdict.RAISED if raised else MessageVerdict.CLEARED
        finding = {"effect": "raise" if raised else "clear", "case": case, "said": said, "steps": [step]}
        rows.append(
            (
                point.id,
                "",
                "signal",
                f"{case} {state}",
                storable({"case": case, "state": state, "detail": said}),
                verdict,
                storable([finding]),
                moment.at if moment.device_clock else None,
                now,
            )
        )
    write_message_rows(rows)
    store.flush()


def _unknown_signals(unknown: Sequence[SignalMessage], now: datetime) -> list[tuple[Any, ...]]:
    counted: dict[str, list[SignalMessage]] = defaultdict(list)
    for message in unknown:
        counted[message.charge_point.strip().upper()[:48]].append(message)
    return [
        (key, "", None, len(group), storable({"protocol": "signal", "action": group[-1].case}), now, now)
        for key, group in counted.items()
    ]


def _signal_problem(message: SignalMessage) -> str:
    if message.case.upper() not in Case.values:
        return f"`case` must be one of {', '.join(Case.values)}, not {message.case[:40]!r}."
    if message.state.lower() not in ("raised", "cleared"):
        return f"`state` must be raised or cleared, not {message.state[:40]!r}."
    if not message.charge_point.strip():
        return "`charge_point` must be an EVSE id."
    if message.occurred_at and parse_time(message.occurred_at) is None:
        return "`occurred_at` must be RFC 3339, e.g. 2026-11-21T05:40:00Z."
    return ""
