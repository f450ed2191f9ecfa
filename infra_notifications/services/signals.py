"""Takes the neutral form in: another system says that a case was raised or cleared. It proves no life."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from infra_notifications import rules
from infra_notifications.choices import Case, MessageVerdict
from infra_notifications.ingest import SignalMessage, parse_time
from infra_notifications.rules import Signal
from infra_notifications.services.incidents import IncidentBook, lock_states
from infra_notifications.services.intake import (
    Directory,
    Intake,
    Point,
    Submission,
    id_problem,
    or_once_more,
    without_duplicates,
)
from infra_notifications.services.records import storable, write_message_rows, write_unknown_rows


def take_signals(*, submissions: Sequence[Submission], now: datetime) -> list[Intake]:
    """Takes neutral signals: another system says that a case was raised or cleared. They prove no life."""
    return or_once_more(lambda: _take(submissions, now))


@transaction.atomic
def _take(submissions: Sequence[Submission], now: datetime) -> list[Intake]:
    intakes = [Intake() for _ in submissions]
    wanted: list[tuple[int, int, SignalMessage]] = []
    for number, submission in enumerate(submissions):
        for index, message in submission.items:
            problem = _signal_problem(message)
            if problem:
                intakes[number].rejected.append((index, problem))
            else:
                wanted.append((number, index, message))
    directory = Directory({m.charge_point.strip().upper() for _, _, m in wanted}, ())
    known, unknown = [], []
    for number, index, message in wanted:
        point = directory.by_evse.get(message.charge_point.strip().upper())
        if point is None:
            intakes[number].rejected.append((index, f"Unknown charge point {message.charge_point}."))
            unknown.append(message)
        else:
            known.append((number, message, point))
    fresh = without_duplicates(
        submissions, intakes, known, place=lambda item: item[0], external_id=lambda item: item[1].id, now=now
    )
    if fresh:
        _apply_signals([(message, point) for _, message, point in fresh], now)
    write_unknown_rows(_unknown_signals(unknown, now))
    return intakes


def _apply_signals(fresh: Sequence[tuple[SignalMessage, Point]], now: datetime) -> None:
    ids = sorted({point.id for _, point in fresh})
    lock_states(ids)
    raising = {point.id for message, point in fresh if message.state.lower() == "raised"}
    book, rows = IncidentBook(ids, raising=raising, now=now), []
    for message, point in fresh:
        raised = message.state.lower() == "raised"
        moment = rules.believable(parse_time(message.occurred_at), now)
        said = (message.detail or "").replace("\x00", "")[:500]
        fault = rules.NEUTRAL if raised else ""
        step = book.apply(point.id, Signal(Case(message.case.upper()), raised, fault, moment, now, said))
        verdict = MessageVerdict.RAISED if raised else MessageVerdict.CLEARED
        finding = [
            {
                "effect": "raise" if raised else "clear",
                "case": message.case.upper(),
                "said": said,
                "steps": [step],
            }
        ]
        payload = {"case": message.case.upper(), "state": message.state.lower(), "detail": said}
        rows.append(
            (
                point.id,
                "",
                "signal",
                f"{message.case.upper()} {message.state.lower()}",
                storable(payload),
                verdict,
                storable(finding),
                moment.at if moment.device_clock else None,
                now,
            )
        )
    write_message_rows(rows)
    book.write()


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
    if not message.charge_point.strip() or "\x00" in message.charge_point:
        return "`charge_point` must be an EVSE id."
    if message.occurred_at and parse_time(message.occurred_at) is None:
        return "`occurred_at` must be RFC 3339, e.g. 2026-11-21T05:40:00Z."
    return id_problem(message.id)
