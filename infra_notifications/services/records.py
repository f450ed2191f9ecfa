"""What is kept of messages: the messages themselves, and findings that no rule knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.samples import sample_of
from core.sql import Col, Rows, columns, insert_rows, send_rows, storable, update_rows
from infra_notifications.ingest import UNSPECIFIC, Observation
from infra_notifications.models import ChargePoint, ChargePointMessage, UnmappedReport
from infra_notifications.rules.findings import MOST
from infra_notifications.rules.kept_messages import kept_payload
from infra_notifications.services.directory import Point

_MESSAGE = columns(
    ChargePointMessage,
    "charge_point_id",
    "station",
    "protocol",
    "action",
    "payload",
    "verdict",
    "findings",
    "warnings",
    "occurred_at",
    "received_at",
)


def write_message_rows(rows: Sequence[tuple[Any, ...]]) -> Rows:
    """Writes messages (charge_point_id, station, protocol, action, payload, verdict, findings, warnings, occurred,
    received); what it returns waits for their ids, which PostgreSQL returns in the order of the rows."""
    return send_rows("infra_notifications_chargepointmessage", _MESSAGE, rows, "RETURNING id")


def amend_message_rows(rows: Sequence[tuple[Any, ...]]) -> None:
    """Sets what came of stored messages: id, verdict, findings, warnings."""
    outcome = columns(ChargePointMessage, "verdict", "findings", "warnings")
    update_rows("infra_notifications_chargepointmessage", Col("id", "bigint"), outcome, rows)


def write_boot_facts(latest: Mapping[int, tuple[Any, ...]]) -> None:
    """Charge point → (its id, vendor, model, firmware), None for what is unsaid.

    What a station says of itself when it boots is truer than what was once imported. Charge points are locked before
    their states, as an import does, and in the order of their keys.
    """
    if not latest:
        return
    list(ChargePoint.objects.select_for_update(no_key=True).filter(pk__in=latest).order_by("pk").values_list("pk"))
    update_rows(
        "infra_notifications_chargepoint",
        Col("id", "bigint"),
        tuple(Col(name, "text", f"coalesce(x.{name}, t.{name})") for name in ("vendor", "model", "firmware")),
        [latest[pk] for pk in sorted(latest)],
        "AND (t.vendor, t.model, t.firmware) IS DISTINCT FROM"
        " (coalesce(x.vendor, t.vendor), coalesce(x.model, t.model), coalesce(x.firmware, t.firmware))",
    )


def write_unmapped(found: Sequence[tuple[Observation, Any, Sequence[Point]]], now: datetime) -> None:
    """Counts findings that no rule knows, each with the message it came in and the charge points that it is about, by
    what makes them the same; of one message no more kinds than are kept of its findings."""
    counted: dict[str, list[tuple[Observation, Any, Sequence[Point]]]] = {}
    kinds: Counter[int] = Counter()
    for finding in found:
        signature, message = signature_of(finding[0]), id(finding[1])
        if signature not in counted:
            if kinds[message] == MOST:
                continue
            kinds[message] += 1
        counted.setdefault(signature, []).append(finding)
    rows = []
    for signature, group in counted.items():
        observation, message, points = group[-1]
        payload = sample_of(kept_payload(message.action, _part_of(message.payload, observation.entry)))
        sample = {"protocol": message.protocol, "action": message.action, "payload": payload}
        rows.append(
            (
                signature,
                observation.protocol[:12],
                observation.action[:60],
                storable(conditions_of(observation)),
                observation.said,
                storable(sample),
                len(group),
                now,
                now,
                points[0].id if len(points) == 1 else None,
                points[0].station[:48],
            )
        )
    insert_rows(
        "infra_notifications_unmappedreport",
        columns(
            UnmappedReport,
            "signature",
            "protocol",
            "action",
            "conditions",
            "said",
            "sample",
            "seen",
            "first_seen",
            "last_seen",
            "charge_point_id",
            "station",
        ),
        sorted(rows, key=lambda row: row[0]),
        "ON CONFLICT (signature) DO UPDATE SET seen = infra_notifications_unmappedreport.seen + EXCLUDED.seen,"
        " last_seen = EXCLUDED.last_seen, sample = EXCLUDED.sample, said = EXCLUDED.said,"
        " charge_point_id = EXCLUDED.charge_point_id, station = EXCLUDED.station",
    )


def _part_of(payload: Any, number: int) -> Any:
    """A message with that of its events alone which was not understood."""
    events = payload.get("eventData") if isinstance(payload, dict) else None
    return payload | {"eventData": [events[number]]} if isinstance(events, list) and number < len(events) else payload


def _telling(observation: Observation) -> list[str]:
    return [code for code in observation.codes if code.lower() not in UNSPECIFIC]


def signature_of(observation: Observation) -> str:
    """What makes two unmapped findings the same: the codes and places, or without codes the status and the words."""
    place = f"{observation.component}/{observation.variable}" if observation.component else ""
    parts = [observation.protocol[:7], observation.action, place, ",".join(observation.codes)]
    if not _telling(observation):
        parts += [observation.status, observation.words.lower()[:200]]
    return "|".join(parts)[:500]


def conditions_of(observation: Observation) -> dict[str, list[str]]:
    """The conditions of a rule that would meet this and its like, and nothing else: exactly these codes, or none."""
    found = {
        "actions": [observation.action],
        "codes": _exactly(",".join(observation.codes), [_beginning(code) for code in _telling(observation)]) or ["!*"],
        "components": [_beginning(observation.component)],
        "variables": [_beginning(observation.variable)],
    }
    if not _telling(observation):
        found["statuses"] = [_beginning(observation.status)]
        found["words"] = _exactly(observation.words, [_beginning(observation.words)]) or ["="]
    return {name: texts for name, texts in found.items() if any(texts)}


def _exactly(text: str, otherwise: list[str], length: int = 100) -> list[str]:
    """A text as a condition that nothing but it meets; one that is too long for a condition otherwise."""
    if not text:
        return []
    return [f"={text}"] if len(text) < length else otherwise


def _beginning(text: str, length: int = 100) -> str:
    """A text as a condition; a long one is met by its beginning."""
    return text if len(text) <= length else f"{text[: length - 1]}*"
