"""Reads the messages of a batch, before anything is decided: spelling, sender, moment, and what each says."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from core.ingest import BatchSteps, Incoming
from core.receipts import TOLD_ANEW, Receipt, digest_of_json, may_restart
from core.sql import storable
from core.text import IdentityKeys
from infra_notifications.choices import MessageVerdict
from infra_notifications.ingest import Observation, OcppMessage, observe
from infra_notifications.rules.action_names import CALL, RESULT
from infra_notifications.rules.calm import Calm, calm_of
from infra_notifications.rules.findings import Findings
from infra_notifications.rules.frames import FROM_CSMS, OF_CSMS, ORDER, HeardMessage
from infra_notifications.rules.kept_messages import kept_payload
from infra_notifications.rules.lifecycle import IncidentState
from infra_notifications.rules.matching import Reading
from infra_notifications.rules.oddities import incomplete, receipt_of, unreadable_moment
from infra_notifications.rules.reported_values import ANSWER
from infra_notifications.rules.shapes import Seen, seen_as
from infra_notifications.rules.spelling import is_exact, read_wire
from infra_notifications.rules.stations import is_offline
from infra_notifications.rules.told_closings import IS_CLOSING, told_closing
from infra_notifications.rules.vocabulary import NO_CONNECTOR, evse_of, whole
from infra_notifications.services.directory import Point
from infra_notifications.services.mapping import rule_book
from infra_notifications.services.repetitions import (
    Teller,
    Told,
    repeats_within,
    told_anew,
)
from infra_notifications.services.sources import Heard


class MessageReading(BatchSteps[OcppMessage]):
    """Columns beside the messages: when and by whom they were sent, what they say of whom, what came of it.

    `targets` are the charge points that a message is about, `alive` all those of its station. `heard` collects
    what is counted of each source.
    """

    endpoint = "charging/messages"
    ids_restart = True

    def __init__(self, heard: Heard, incoming: Incoming[OcppMessage]) -> None:
        super().__init__(incoming)
        self.heard = heard
        self.messages, count = incoming.items, len(incoming.items)
        self.received = [self.now] * count
        # What each message is: a call, or the result or error that answers one of this action.
        self.kinds = [CALL] * count
        # Whether it is spelt as OCPP spells it, with all that OCPP requires.
        self.are_exact = [False] * count
        self.evse_keys, self.stations = [""] * count, [""] * count
        self.keys = IdentityKeys()
        self.evses: list[int | None] = [None] * count
        self.observations: list[list[Observation]] = [[]] * count
        # What is known of messages of the same shape, for those that have one.
        self.seen: list[Seen | None] = [None] * count
        # Those that tell that the connection of their station ended, and by which word.
        self.closings: dict[int, str] = {}
        # What the rows say that all is well with.
        self.calm: dict[int, Calm] = {}
        self.targets: list[Sequence[Point]] = [()] * count
        self.alive: list[Sequence[Point]] = [()] * count
        self.queued = [False] * count
        self.tellers: dict[int, Teller] = {}
        self.findings: dict[int, Findings] = defaultdict(Findings)
        self.ignored: list[tuple[dict[str, Any], list[IncidentState]]] = []
        self.unknown: dict[tuple[str, str, int | None], list[int]] = defaultdict(list)
        self.unmapped: list[tuple[Observation, OcppMessage, Sequence[Point]]] = []

    def read(self) -> None:
        """Reads what is not spelt as OCPP spells it; most messages are and cost a look."""
        for row, message in enumerate(self.messages):
            if isinstance(message, HeardMessage):
                self.kinds[row] = message.said_as
                if message.note:
                    self.incoming.warn(row, message.note)
                for note in message.notes or ():
                    self.incoming.warn(row, note)
                if message.said_as != CALL or message.notes is not None:
                    continue
            self.seen[row] = seen = seen_as(message.protocol, message.action, message.payload)
            if seen is not None or is_exact(message.protocol, message.action, message.payload):
                self.are_exact[row] = True
                continue
            if not message.action.strip() or row in self.incoming.refused:
                continue
            wire = read_wire(message.protocol, message.action, message.payload)
            if wire.problem:
                self.incoming.reject(row, wire.problem)
                continue
            self.kinds[row] = wire.kind
            self.messages[row] = replace(message, protocol=wire.protocol, action=wire.action, payload=wire.payload)
            for note in wire.notes:
                self.incoming.warn(row, note)
        for row, message in enumerate(self.messages):
            if message.action in FROM_CSMS and self.kinds[row] == CALL:
                self.kinds[row] = ORDER
                self.incoming.warn(row, OF_CSMS.format(message.action))
            elif (word := told_closing(message.action, message.payload)) and self.kinds[row] == CALL:
                self.kinds[row], self.seen[row], self.closings[row] = ORDER, None, word
                self.incoming.warn(row, IS_CLOSING)

    def check(self, item: OcppMessage) -> str:
        if not item.action.strip() or len(item.action) > 60:
            return "`action` must be the name of an OCPP action, e.g. StatusNotification."
        if not self.keys[item.charge_point] and not self.keys[item.station]:
            return "Name the sender: `charge_point` (its EVSE id), or `station` (its OCPP identity)."
        return ""

    def sender(self, row: int) -> str:
        return self.targets[row][0].station_key or self.evse_keys[row]

    def digest(self, row: int) -> str:
        """Not of when a forwarder received it: that differs where it stamps what it repeats."""
        message = self.messages[row]
        return digest_of_json([message.protocol, message.action, message.payload, self.evse_keys[row], self.evses[row]])

    def receipt(self, row: int, external_id: str) -> Receipt:
        receipt, payload = super().receipt(row, external_id), self.messages[row].payload
        window = repeats_within(external_id, payload, is_life_only=not self.observations[row])
        if window is None:
            return receipt
        return dataclasses.replace(receipt, said_at=self.received[row], repeats_until=self.received[row] + window)

    def told_anew(self, duplicates: set[int]) -> set[int]:
        """Of those whose id may be a counter: what has another is sent once."""
        anew = told_anew(
            [
                Told(
                    row,
                    self.teller(row),
                    self.messages[row].action,
                    self._kept(row),
                    self.received[row],
                    row in duplicates,
                    self.messages[row].received_at is not None,
                )
                for row in self.incoming.good
                if self.observations[row] and (row not in duplicates or may_restart(self.messages[row].id))
            ]
        )
        for row in anew:
            self.incoming.warn(row, TOLD_ANEW)
        return anew

    def teller(self, row: int) -> Teller:
        """Whose message it is stored as: one charge point's, or its whole station's."""
        targets = self.targets[row]
        return (targets[0].id, "") if len(targets) == 1 else (None, targets[0].station)

    def read_row(self, row: int) -> None:
        """Reads who speaks when, also where nothing else can be taken, and what a request says."""
        message = self.messages[row]
        # The forwarder's clock is believed like a device's: never beyond ours, and not before it was set. How long it
        # may have kept a message has no limit, because it says so.
        if message.received_at:
            self.received[row], oddity = receipt_of(message.received_at, self.now)
            self.warn(row, oddity)
        self.evse_keys[row], self.stations[row] = self.keys[message.charge_point], self.keys[message.station]
        if (seen := self.seen[row]) is not None and message.connector is None:
            self.evses[row] = seen.shape.evse
            if not self.incoming.errors[row]:
                # The moments of what is likely to pass by the short way are looked at there.
                self.observations[row] = seen.shape.observations if seen.shape.calm else seen.observations
            return
        self.queued[row] = is_offline(message.payload)
        evse = evse_of(message.payload)
        self.evses[row] = evse if evse is not None else whole(message.connector)
        if self.incoming.errors[row]:
            return
        if self.kinds[row] == CALL:
            self.observations[row] = observe(message.protocol.lower(), message.action, message.payload)
            self._note_oddities(row)
        elif self.kinds[row] == RESULT and message.action == "GetVariables":
            self.observations[row] = observe(message.protocol.lower(), ANSWER, message.payload)

    def said(self, row: int) -> Sequence[Observation]:
        """What a message says, with its moments."""
        observations, seen = self.observations[row], self.seen[row]
        is_shared = seen is not None and observations is seen.shape.observations
        return seen.observations if seen is not None and is_shared else observations

    def match(self, rows: Sequence[int]) -> list[list[tuple[Observation, Reading]]]:
        """Each observation with what the rules make of it, but for those of calm rows, of which one is known for all of
        their shape; a point's known vendor counts where rules ask for it."""
        book, readings = rule_book(), []
        known: dict[int, tuple[list[Reading], Calm | None]] = {}
        for row in rows:
            observations, seen = self.observations[row], self.seen[row]
            if book.asks_for_vendor and (vendor := self.targets[row][0].vendor):
                seen, observations = None, [replace(o, vendor=f"{o.vendor} {vendor}".strip()) for o in self.said(row)]
            if seen is None:
                readings.append([(observation, book.read(observation)) for observation in observations])
                continue
            if (found := known.get(id(seen.shape))) is None:
                read = [book.read(observation) for observation in observations]
                found = known[id(seen.shape)] = read, calm_of(seen.shape, read)
            if found[1] is not None:
                self.calm[row] = found[1]
            readings.append([] if found[1] is not None else [*zip(self.said(row), found[0], strict=True)])
        return readings

    def _note_oddities(self, row: int) -> None:
        """Rejects a request without its required fields, unless what it says can be understood without them."""
        message, said = self.messages[row], self.observations[row]
        if said and message.connector is not None and self.evses[row] is None:
            self.incoming.reject(row, NO_CONNECTOR)
            return
        if not self.are_exact[row]:
            lacks, is_understood = incomplete(message.protocol, message.action, message.payload, said)
            if lacks and not is_understood:
                self.incoming.reject(row, lacks)
            else:
                self.warn(row, lacks)
        # One that says when it happened is not looked at again.
        if said and (said[0].occurred_at is None or message.action == "NotifyEvent"):
            self.warn(row, unreadable_moment(message.payload))

    def kept(self, row: int) -> str:
        """What is stored of a payload."""
        return storable(self._kept(row))

    def _kept(self, row: int) -> Any:
        message, seen = self.messages[row], self.seen[row]
        if seen is not None and seen.shape.is_kept:
            return message.payload
        return kept_payload(message.action, message.payload, self.kinds[row])

    def occurred(self, row: int) -> datetime | None:
        """The first moment that a message tells."""
        if (seen := self.seen[row]) is not None:
            return seen.occurred_at
        return next((o.occurred_at for o in self.observations[row] if o.occurred_at), None)

    def stored(self, rows: Sequence[int]) -> list[tuple[Any, ...]]:
        """Messages as they are stored."""
        return [
            (
                *self.tellers[row],
                self.messages[row].protocol.lower()[:12],
                self.messages[row].action,
                self.kept(row),
                *self.outcome(row),
                self.occurred(row),
                self.received[row],
            )
            for row in rows
        ]

    def outcome(self, row: int) -> tuple[str, str | None, str | None]:
        """A message's verdict, findings and warnings, as they are stored."""
        found, warnings = self.findings.get(row), self.incoming.warnings.get(row)
        verdict, findings = (found.verdict, found.listed()) if found else (MessageVerdict.SEEN.value, None)
        return verdict, storable(findings) if findings else None, storable(warnings) if warnings else None

    def warn(self, row: int, sentence: str) -> None:
        """Says what is odd, if anything is."""
        if sentence:
            self.incoming.warn(row, sentence)
