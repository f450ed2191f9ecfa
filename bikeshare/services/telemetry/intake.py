"""Takes the boxes' messages in: many at once, a fixed number of statements however many there are.

A batch is one transaction. Its messages are applied box by box in the order of their device times, so that disorder
within a batch does no harm; what is not newer than what is known changes nothing and is kept as *late*. A repetition
with the sender's `id` is counted as a duplicate; one without is late, or has the event's key. Ids may begin anew when a
box boots. Whatever becomes of a message: its box is heard.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q
from msgspec import UNSET
from msgspec.structs import replace

from bikeshare.choices import Lock, TelemetryType, TelemetryVerdict, TripStatus
from bikeshare.event_kinds.payloads import (
    ChainTypeUpdated,
    ConnectionRestored,
    LockChanged,
    MovedWithoutTrip,
    PassUnrecognized,
    PinIncorrect,
    UnlockedWithoutTrip,
)
from bikeshare.ingest.resources import clean
from bikeshare.ingest.spelling import beside, read_message
from bikeshare.ingest.telemetry import DeviceMessage, moment_of, problem
from bikeshare.ingest.words import CHAINS
from bikeshare.models import Dock, Pass, Program
from bikeshare.rules import telemetry as rules
from bikeshare.rules import zones
from bikeshare.selectors import rows_of
from bikeshare.services.payloads import position
from bikeshare.services.telemetry import trips as effects
from bikeshare.services.telemetry.devices import Device, read_devices, stored_moments, tags_among, write_devices
from bikeshare.services.telemetry.events import DeviceEvents, trace_of, write_messages
from bikeshare.services.trips import is_pin, open_trips
from bikeshare.services.unit_of_work import ResourceUnitOfWork, load
from bikeshare.services.zones import watch_settings, zone_map
from core.device_clock import Clock, Moment, judge, span_text
from core.identities import identity
from core.ingest import BatchSteps, Incoming, Intake, Submission, take
from core.receipts import REPEATS_WITHIN, TOLD_ANEW, Receipt, may_restart
from core.words import word_key

MAX_PIN_ATTEMPTS = 32_000


def take_telemetry(*, submissions: Sequence[Submission[DeviceMessage]], now: datetime) -> list[Intake]:
    """Takes the messages of several requests in one transaction; an Intake for each, in order."""
    return take(submissions, _TelemetrySteps, now=now)


class _TelemetrySteps(BatchSteps[DeviceMessage]):
    """Columns beside the messages: device, moment, zones of a position, verdict, trip."""

    endpoint = "bikeshare/telemetry"
    ids_restart = True

    def __init__(self, incoming: Incoming[DeviceMessage]) -> None:
        super().__init__(incoming)
        count = len(incoming.items)
        self.messages = incoming.items
        self.devices: list[Device | None] = [None] * count
        self.moments = [self.now] * count
        self.clocks: dict[int, Moment] = {}
        self.inside: list[tuple[int, ...]] = [()] * count
        self.verdicts: list[str] = [TelemetryVerdict.STATE.value] * count
        self.trips = [""] * count
        self.work = ResourceUnitOfWork(self.now)
        self.events = DeviceEvents()
        self.touched: dict[str, Device] = {}
        self.docks: dict[tuple[str, str], Dock] = {}
        self.passes: set[tuple[str, str]] = set()

    def read(self) -> None:
        for row, message in enumerate(self.messages):
            self.messages[row], notes = read_message(message)
            for note in notes:
                self.incoming.warn(row, note)

    def content(self, row: int) -> Any:
        return {name: value for name, value in super().content(row).items() if value not in (None, UNSET)}

    def check(self, item: DeviceMessage) -> str:
        return problem(item)

    def sender(self, row: int) -> str:
        return self._device(row).id

    def receipt(self, row: int, external_id: str) -> Receipt:
        receipt = super().receipt(row, external_id)
        if self.messages[row].at is not None or not may_restart(external_id):
            return receipt
        return dataclasses.replace(receipt, repeats_until=self.now + REPEATS_WITHIN)

    def told_anew(self, duplicates: set[int]) -> set[int]:
        """Of each kind the last word of its box, where that has said something else since and does not say when."""
        last, holds, states = dict[tuple[str, str], int](), dict[tuple[str, str], Any](), list[int]()
        for row in self.incoming.good:
            if self.messages[row].type not in _STATES or self._said(row) is UNSET:
                continue
            states.append(row)
            of = self._device(row).id, self.messages[row].type
            last[of] = row
            if row not in duplicates:
                holds[of] = self._said(row)
        anew = set[int]()
        for of, row in last.items():
            message, known = self.messages[row], self._device(row).state[self.messages[row].type]
            may_be_new = row in duplicates and message.at is None and may_restart(message.id)
            if may_be_new and holds.get(of, known) != self._said(row):
                anew.add(row)
                self.incoming.warn(row, TOLD_ANEW)
        return anew

    def _said(self, row: int) -> Any:
        return clean(getattr(self.messages[row], _STATES[self.messages[row].type]))

    def resolve(self, rows: list[int]) -> None:
        named = [message.boitier.strip() for message in self.messages]
        devices = read_devices({name for name in named if name}) if any(named) else {}
        self.devices = [devices.get(name) for name in named]
        for row in rows:
            if self.devices[row] is None:
                self.incoming.reject(row, f"There is no boitier {self.messages[row].boitier}; create it first.")

    def apply(self, rows: list[int]) -> None:
        self.touched = {device.id: device for device in self.devices if device is not None}
        if not self.touched:
            return
        for device in self.touched.values():
            self._hear(device)
        self._judge_clocks(rows)
        rows = [each for row in rows for each in (row, *self._beside(row))]
        # Stable, so that messages of one moment stay in the order in which they came.
        rows = sorted(rows, key=self.moments.__getitem__)
        self._prepare(rows)
        for row in rows:
            self._apply(row)
        for device in self.touched.values():
            device.keep()
        write_devices(self.touched.values())
        kept = (self.devices, self.trips, self.messages, self.verdicts, self.moments)
        write_messages([tuple(column[row] for column in kept) for row in rows], self.now)
        self.events.write(self.work)
        self.work.flush()

    def _beside(self, row: int) -> list[int]:
        """The other readings of a message, as rows of their own behind all others."""
        more, notes = beside(self.messages[row])
        for note in notes:
            self.incoming.warn(row, note)
        added = list[int]()
        for message in more:
            if wrong := problem(message):
                self.incoming.warn(row, f"{wrong} It was left out.")
                continue
            added.append(len(self.messages))
            self.messages.append(message)
            columns: tuple[list[Any], ...] = (self.devices, self.moments, self.inside, self.verdicts, self.trips)
            for column in columns:
                column.append(column[row])
            self.clocks[added[-1]] = self.clocks[row]
        return added

    def _device(self, row: int) -> Device:
        device = self.devices[row]
        assert device is not None
        return device

    # ---- reading --------------------------------------------------------------------------------------------------

    def _judge_clocks(self, rows: Sequence[int]) -> None:
        """The moment that counts for each message, by what its box said in earlier batches: a batch may be in disorder.

        A copy of a message that was taken before is late, however wrong its clock seems.
        """
        rows = sorted(rows, key=lambda row: moment_of(self.messages[row]) or self.now)
        for row in rows:
            stamp, device = moment_of(self.messages[row]), self._device(row)
            self.clocks[row] = judge(stamp, self.now, device.clock_mark, newest_first=True)
        wrong = [row for row in rows if self.clocks[row].clock == Clock.WRONG]
        known = stored_moments(self._device(row) for row in wrong) if wrong else set()
        for row in rows:
            moment, device, message = self.clocks[row], self._device(row), self.messages[row]
            if moment.stamp is not None and (device.id, message.type, moment.stamp) in known:
                self.moments[row] = moment.stamp
                continue
            self.moments[row] = moment.at
            device.note_clock(moment, self.now)
            if moment.error_s is not None:
                wrong_by = span_text(moment.error_s)
                self.incoming.warn(row, f"The box's clock is wrong by {wrong_by}; the time of receipt counts.")

    def _prepare(self, rows: Sequence[int]) -> None:
        """Reads what the messages' types need: programs and zones, cards, trips that may end, docks."""
        by_type: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            by_type[self.messages[row].type].append(row)
        self.programs = Program.objects.in_bulk({device.program_id for device in self.touched.values()})
        self.maps = {key: zone_map(program) for key, program in self.programs.items()}
        self.watch = {key: watch_settings(program) for key, program in self.programs.items()}
        self._locate_positions(by_type[TelemetryType.POSITION])
        by_type[TelemetryType.LOCK] += self._read_cards(by_type[TelemetryType.PASS])
        self._read_trips(by_type[TelemetryType.LOCK])

    def _locate_positions(self, rows: Sequence[int]) -> None:
        """Asks each program's index once for all positions of the batch and for the anchors they are judged from."""
        by_program: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            by_program[self._device(row).program_id].append(row)
        for program_id, group in by_program.items():
            devices = {device.id: device for device in map(self._device, group)}.values()
            anchors = [(device, device.watch.anchor) for device in devices if device.watch.anchor]
            positions = [self.messages[row] for row in group]
            places = [(message.latitude or 0.0, message.longitude or 0.0) for message in positions]
            places += [(anchor.latitude, anchor.longitude) for _device, anchor in anchors]
            inside = self.maps[program_id].inside(places)
            for row, zone_ids in zip(group, inside, strict=False):
                self.inside[row] = zone_ids
            for (device, anchor), zone_ids in zip(anchors, inside[len(group) :], strict=True):
                watched = zones.Fix(anchor.latitude, anchor.longitude, anchor.at, inside=zone_ids)
                device.watch = zones.Watch(watched, device.watch.streak)

    def _read_cards(self, rows: Sequence[int]) -> list[int]:
        """Of cards those that were given to somebody; returns the rows of what is no card but the tag of a dock."""
        read = {row: (self._device(row).program_id, identity(str(self.messages[row].uid))) for row in rows}
        if not read:
            return []
        uids = {uid for _program, uid in read.values()}
        named = Pass.objects.filter(program__in=self.programs.values(), uid__identity__in=uids)
        given = named.filter(user__isnull=False, disabled_at__isnull=True).values_list("program_id", "uid")
        self.passes = {(program_id, identity(uid)) for program_id, uid in given}
        tags = tags_among({of for of in read.values() if of not in self.passes})
        tagged = [row for row, of in read.items() if of in tags]
        for row in tagged:
            self.messages[row] = replace(self.messages[row], type="lock", uid=None, rfid=str(self.messages[row].uid))
            self.incoming.warn(row, "`uid` is the tag of a dock and was read as `rfid`.")
        return tagged

    def _read_trips(self, rows: Sequence[int]) -> None:
        concerned = [device for device in map(self._device, rows) if device.trip_id]
        if not concerned:
            return
        trips = open_trips(device.trip_id for device in concerned if device.trip_id)
        for device in concerned:
            device.open = trips.get(device.trip_id or "")
            if device.open is not None:
                device.trip_status = device.open.trip.status
        tags = {identity(clean(rfid)) for row in rows if (rfid := self.messages[row].rfid)}
        tagged = Q(program__in=self.programs.values(), rfid__identity__in=tags)
        asked = {device.open.request.dock_id for device in concerned if device.open and device.open.request}
        docks = load(rows_of(Dock).select_related("vehicule", "station").filter(tagged | Q(pk__in=asked - {None})))
        self.docks = {(dock.program_id, identity(dock.rfid)): dock for dock in docks if dock.rfid}

    # ---- applying -------------------------------------------------------------------------------------------------

    def _hear(self, device: Device) -> None:
        device.state["last_seen"] = max(device.state["last_seen"] or self.now, self.now)
        lost_at = device.speaks()
        if lost_at is not None:
            topic = "x.vehicule.connection.restored"
            self.events.of_vehicule(topic, device, self.now, ConnectionRestored, lost_at=lost_at)

    def _apply(self, row: int) -> None:
        message, device = self.messages[row], self._device(row)
        self.trips[row] = device.trip_id or ""
        device.is_changed |= message.type != TelemetryType.POSITION
        if message.type == TelemetryType.POSITION:
            self.verdicts[row] = self._position(row, device, self.moments[row])
        else:
            is_history = self.clocks[row].clock == Clock.QUEUED and not device.rides_since(self.moments[row])
            if message.pin is not None and is_history:
                self.verdicts[row] = TelemetryVerdict.LATE  # typed on a trip that is over, whose PIN nobody knows
                return
            self.verdicts[row] = _APPLY[message.type](self, message, device, self.moments[row])

    def _lock(self, message: DeviceMessage, device: Device, at: datetime) -> str:
        if rules.is_late(at, device.state["lock_at"]):
            return TelemetryVerdict.LATE
        previous, rfid = device.state["lock"], clean(message.rfid or "")
        state = previous if message.state is UNSET else clean(message.state)  # of a tag that was read alone
        device.state |= {"lock": state, "lock_at": at}
        edge = rules.lock_edge(device.state["lock_known"], state)
        if rules.is_known(state):
            device.state["lock_known"] = state
        if edge:
            self.events.of_boitier(f"boitier.{edge}", device, at, LockChanged, previous=previous, rfid=rfid)
        if edge == Lock.UNLOCKED and device.is_watched and self.programs[device.program_id].watch_unlocking:
            self.events.of_vehicule("x.vehicule.unlocked", device, at, UnlockedWithoutTrip)
        dock = self.docks.get((device.program_id, identity(rfid)))
        effects.after_lock(self.work, device, state, edge=edge, at=at, dock=dock)
        return TelemetryVerdict.EVENT if edge else TelemetryVerdict.STATE

    def _pass(self, message: DeviceMessage, device: Device, at: datetime) -> str:
        uid = str(message.uid or "").strip()
        if (device.program_id, identity(uid)) in self.passes:
            return TelemetryVerdict.STATE
        key, shown = trace_of(identity(uid)), rules.masked(uid)
        self.events.of_boitier("boitier.pass.unrecognized", device, at, PassUnrecognized, key=key, uid=shown)
        return TelemetryVerdict.EVENT

    def _pin(self, message: DeviceMessage, device: Device, at: datetime) -> str:
        correct = message.correct
        if message.pin is not None:
            spelt = rules.pin_spellings(message.pin)
            correct = any(is_pin(device.trip_id or "", one, device.pin_hash) for one in spelt)
        if correct:
            device.state["pin_attempts"] = 0
            return TelemetryVerdict.STATE
        attempts = min(device.state["pin_attempts"] + 1, MAX_PIN_ATTEMPTS)
        device.state["pin_attempts"] = attempts
        key = trace_of(str(message.pin or ""))
        self.events.of_boitier("boitier.pin.incorrect", device, at, PinIncorrect, key=key, attempts=attempts)
        return TelemetryVerdict.EVENT

    def _chain(self, message: DeviceMessage, device: Device, at: datetime) -> str:
        if rules.is_late(at, device.state["chain_type_at"]):
            return TelemetryVerdict.LATE
        reading, previous = clean(message.chain_type), device.state["chain_type"]
        if CHAINS.read(reading) is None:
            return TelemetryVerdict.STATE
        device.state |= {"chain_type": reading, "chain_type_at": at}
        if word_key(reading) == word_key(previous):
            return TelemetryVerdict.STATE
        self.events.of_boitier(
            "boitier.chain_type.updated", device, at, ChainTypeUpdated, chain_type=reading, previous=previous
        )
        return TelemetryVerdict.EVENT

    def _battery(self, message: DeviceMessage, device: Device, at: datetime) -> str:
        name = message.type
        if rules.is_late(at, device.state[f"{name}_at"]):
            return TelemetryVerdict.LATE
        assert message.value is not None
        crossed, previous = device.note_battery(name, message.value, at)
        if name == TelemetryType.BATTERY_VAE:
            device.state["battery_vae_range_m"] = message.remaining_distance
        if crossed:
            self.events.low_battery(f"vehicule.{name}.low", device, at, message.value, previous)
        return TelemetryVerdict.EVENT if crossed else TelemetryVerdict.STATE

    def _position(self, row: int, device: Device, at: datetime) -> str:
        message, inside = self.messages[row], self.inside[row]
        repeated = device.state["position_at"] == at and self.clocks[row].clock != Clock.WRONG
        if repeated or rules.is_late(at, device.state["position_at"]):
            return TelemetryVerdict.LATE
        latitude, longitude = message.latitude or 0.0, message.longitude or 0.0
        device.state |= {
            "latitude": latitude,
            "longitude": longitude,
            "accuracy": message.accuracy,
            "position_at": at,
        }
        if device.is_watched:
            return self._resting(device, latitude, longitude, at, message.accuracy)
        # What was sent before the trip began says nothing about where the trip has been.
        if device.trip_id is None or (device.trip_start is not None and at < device.trip_start):
            return TelemetryVerdict.STATE
        fix = zones.Fix(latitude, longitude, at, message.accuracy, inside)
        device.watch, entry = zones.step(
            self.maps[device.program_id],
            device.watch,
            fix,
            settings=self.watch[device.program_id],
            vehicule_type=device.vehicule_type,
            is_renting=device.trip_status == TripStatus.RENTING,
        )
        if entry is None:
            return TelemetryVerdict.STATE
        self.events.forbidden(device, fix, entry)
        return TelemetryVerdict.EVENT

    def _resting(self, device: Device, latitude: float, longitude: float, at: datetime, accuracy: float | None) -> str:
        rested = position(device.rest_latitude, device.rest_longitude)
        metres = device.rests(latitude, longitude, at, accuracy, self.programs[device.program_id].moved_m)
        if not metres:
            return TelemetryVerdict.STATE
        here = {"rested": rested, "position": position(latitude, longitude), "distance": round(metres)}
        self.events.of_vehicule("x.vehicule.moved", device, at, MovedWithoutTrip, **here, accuracy=accuracy)
        return TelemetryVerdict.EVENT


# What a box says of a state, by the type that is also the name of its column: the field of the message.
_STATES = {"lock": "state", "chain_type": "chain_type", "battery": "value", "battery_vae": "value"}
_APPLY = {
    TelemetryType.LOCK.value: _TelemetrySteps._lock,
    TelemetryType.PASS.value: _TelemetrySteps._pass,
    TelemetryType.PIN.value: _TelemetrySteps._pin,
    TelemetryType.CHAIN_TYPE.value: _TelemetrySteps._chain,
    TelemetryType.BATTERY.value: _TelemetrySteps._battery,
    TelemetryType.BATTERY_VAE.value: _TelemetrySteps._battery,
}
