"""Takes the boxes' messages in: many at once, a fixed number of statements however many there are.

A batch is one transaction. Its messages are applied box by box in the order of their device times, so that disorder
within a batch does no harm; what is not newer than what is known changes nothing and is kept as *late*. A repetition
with the sender's `id` is counted as a duplicate; one without is late, or has the event's key.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from django.conf import settings
from django.db.models import Q

from bikeshare.choices import TelemetryType, TelemetryVerdict, TripStatus
from bikeshare.event_kinds.payloads import ChainTypeUpdated, LockTold, PassUnrecognized, PinIncorrect
from bikeshare.ingest.resources import clean
from bikeshare.ingest.telemetry import DeviceMessage, kept, moment_of, problem
from bikeshare.models import Dock, Pass, Program
from bikeshare.rules import telemetry as rules
from bikeshare.rules import zones
from bikeshare.selectors import rows_of
from bikeshare.services.ledger import Ledger, lock, record
from bikeshare.services.telemetry import trips as effects
from bikeshare.services.telemetry.devices import Device, read_devices, write_devices
from bikeshare.services.telemetry.telling import Telling
from bikeshare.services.trips import open_trips, pin_hash
from bikeshare.services.zones import watch_settings, zone_map
from core.services import take_receipts
from core.sql import Col, insert_rows

MAX_PIN_ATTEMPTS = 32_000


@dataclass
class Submission:
    """What one request brought: messages with their place in its batch, under the key that sent them."""

    key_id: int
    items: Sequence[tuple[int, DeviceMessage]]


@dataclass
class Intake:
    """What became of a submission."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Incoming:
    submission: int
    index: int
    message: DeviceMessage
    at: datetime
    device: Device | None = None
    inside: tuple[int, ...] = ()
    verdict: str = TelemetryVerdict.STATE.value
    trip_id: str = ""


def take_telemetry(*, submissions: Sequence[Submission], now: datetime) -> list[Intake]:
    """Takes the messages of several requests in one transaction; an Intake for each, in order."""
    with record(now=now) as ledger:
        taking = _Taking(submissions, ledger)
        taking.run()
    return taking.intakes


class _Taking:
    def __init__(self, submissions: Sequence[Submission], ledger: Ledger) -> None:
        self.submissions, self.ledger, self.now = submissions, ledger, ledger.now
        self.intakes = [Intake() for _submission in submissions]
        self.telling = Telling()
        self.touched: dict[str, Device] = {}
        self.docks: dict[tuple[str, str], Dock] = {}
        self.known_cards: set[tuple[str, str]] = set()

    def run(self) -> None:
        fresh = self._without_duplicates(self._located(self._readable()))
        if not fresh:
            return
        # Stable, so that messages of one moment stay in the order in which they came.
        fresh.sort(key=lambda incoming: incoming.at)
        self._prepare(fresh)
        for incoming in fresh:
            self._apply(incoming)
        for device in self.touched.values():
            device.keep_watch()
        write_devices(self.touched.values())
        self._write_messages(fresh)
        self.telling.write(self.ledger)

    # ---- reading --------------------------------------------------------------------------------------------------

    def _readable(self) -> list[_Incoming]:
        found = []
        for number, submission in enumerate(self.submissions):
            for index, message in submission.items:
                if said := problem(message):
                    self.intakes[number].rejected.append((index, said))
                else:
                    at = rules.believable(moment_of(message), self.now)
                    found.append(_Incoming(number, index, message, at))
        return found

    def _located(self, incoming: Sequence[_Incoming]) -> list[_Incoming]:
        devices = read_devices({one.message.boitier.strip() for one in incoming}) if incoming else {}
        found = []
        for one in incoming:
            one.device = devices.get(one.message.boitier.strip())
            if one.device is None:
                said = f"There is no boitier {one.message.boitier}; create it first."
                self.intakes[one.submission].rejected.append((one.index, said))
            else:
                found.append(one)
        return found

    def _without_duplicates(self, incoming: Sequence[_Incoming]) -> list[_Incoming]:
        """Leaves out what the same key sent before under the same id. Rejected messages leave no receipt."""
        wanted: dict[int, list[str]] = defaultdict(list)
        for one in incoming:
            if one.message.id is not None:
                wanted[self.submissions[one.submission].key_id].append(str(one.message.id))
        left = {key: take_receipts(key_id=key, external_ids=wanted[key], now=self.now) for key in sorted(wanted)}
        fresh = []
        for one in incoming:
            intake, given = self.intakes[one.submission], one.message.id
            if given is not None:
                remaining = left[self.submissions[one.submission].key_id]
                if str(given) not in remaining:
                    intake.duplicates += 1
                    continue
                remaining.discard(str(given))
            intake.accepted += 1
            fresh.append(one)
        return fresh

    def _prepare(self, fresh: Sequence[_Incoming]) -> None:
        """Reads what the messages' types need: programs and zones, cards, trips that may end, docks."""
        by_type: dict[str, list[_Incoming]] = defaultdict(list)
        for one in fresh:
            by_type[one.message.type].append(one)
            assert one.device is not None
            self.touched[one.device.id] = one.device
        self.programs = Program.objects.in_bulk({device.program_id for device in self.touched.values()})
        self.maps = {key: zone_map(program) for key, program in self.programs.items()}
        self.watch = {key: watch_settings(program) for key, program in self.programs.items()}
        self._locate_positions(by_type[TelemetryType.POSITION])
        self._read_cards(by_type[TelemetryType.PASS])
        self._read_trips(by_type[TelemetryType.LOCK])

    def _locate_positions(self, incoming: Sequence[_Incoming]) -> None:
        """Asks each program's index once for all positions of the batch and for the anchors they are judged from."""
        by_program: dict[str, list[_Incoming]] = defaultdict(list)
        for one in incoming:
            assert one.device is not None
            by_program[one.device.program_id].append(one)
        for program_id, group in by_program.items():
            devices = list({one.device.id: one.device for one in group if one.device}.values())
            anchors = [(device, device.watch.anchor) for device in devices if device.watch.anchor]
            places = [(one.message.latitude or 0.0, one.message.longitude or 0.0) for one in group]
            places += [(anchor.latitude, anchor.longitude) for _device, anchor in anchors]
            inside = self.maps[program_id].inside(places)
            for one, found in zip(group, inside, strict=False):
                one.inside = found
            for (device, anchor), found in zip(anchors, inside[len(group) :], strict=True):
                watched = zones.Fix(anchor.latitude, anchor.longitude, anchor.at, inside=found)
                device.watch = zones.Watch(watched, device.watch.streak)

    def _read_cards(self, incoming: Sequence[_Incoming]) -> None:
        uids = {one.message.uid for one in incoming}
        if uids:
            known = Pass.objects.filter(uid__in=uids, user__isnull=False, disabled_at__isnull=True)
            self.known_cards = set(known.values_list("program_id", "uid"))

    def _read_trips(self, incoming: Sequence[_Incoming]) -> None:
        concerned = [one.device for one in incoming if one.device and one.device.trip_id]
        if not concerned:
            return
        trips = open_trips(device.trip_id for device in concerned if device.trip_id)
        for device in concerned:
            device.open = trips.get(device.trip_id or "")
            if device.open is not None:
                device.trip_status = device.open.trip.status
        tags = {clean(one.message.rfid) for one in incoming if one.message.rfid}
        asked = {one.open.request.dock_id for one in concerned if one.open and one.open.request}
        docks = lock(
            rows_of(Dock).select_related("vehicule", "station").filter(Q(rfid__in=tags) | Q(pk__in=asked - {None}))
        )
        self.docks = {(dock.program_id, dock.rfid): dock for dock in docks if dock.rfid}

    # ---- applying -------------------------------------------------------------------------------------------------

    def _apply(self, incoming: _Incoming) -> None:
        device, at = incoming.device, incoming.at
        assert device is not None
        incoming.trip_id = device.trip_id or ""
        device.state["last_seen"] = max(device.state["last_seen"] or self.now, self.now)
        device.is_changed |= incoming.message.type != TelemetryType.POSITION
        incoming.verdict = _APPLY[incoming.message.type](self, incoming, device, at)

    def _lock(self, incoming: _Incoming, device: Device, at: datetime) -> str:
        if rules.is_late(at, device.state["lock_at"]):
            return TelemetryVerdict.LATE
        said, rfid = clean(incoming.message.state), clean(incoming.message.rfid or "")
        previous = device.state["lock"]
        device.state |= {"lock": said, "lock_at": at}
        edge = rules.lock_edge(previous, said)
        if edge:
            self.telling.of_boitier(f"boitier.{edge}", device, at, LockTold, previous=previous, rfid=rfid)
        effects.after_lock(self.ledger, device, said, edge=edge, at=at, dock=self.docks.get((device.program_id, rfid)))
        return TelemetryVerdict.EVENT if edge else TelemetryVerdict.STATE

    def _pass(self, incoming: _Incoming, device: Device, at: datetime) -> str:
        uid = incoming.message.uid or ""
        if (device.program_id, uid) in self.known_cards:
            return TelemetryVerdict.STATE
        shown = rules.masked(uid)
        self.telling.of_boitier("boitier.pass.unrecognized", device, at, PassUnrecognized, key=_trace(uid), uid=shown)
        return TelemetryVerdict.EVENT

    def _pin(self, incoming: _Incoming, device: Device, at: datetime) -> str:
        message = incoming.message
        correct = message.correct
        if message.pin is not None:
            typed = pin_hash(device.trip_id or "", message.pin)
            correct = bool(device.pin_hash) and hmac.compare_digest(typed, device.pin_hash)
        if correct:
            device.state["pin_attempts"] = 0
            return TelemetryVerdict.STATE
        attempts = min(device.state["pin_attempts"] + 1, MAX_PIN_ATTEMPTS)
        device.state["pin_attempts"] = attempts
        key = _trace(message.pin or "")
        self.telling.of_boitier("boitier.pin.incorrect", device, at, PinIncorrect, key=key, attempts=attempts)
        return TelemetryVerdict.EVENT

    def _chain(self, incoming: _Incoming, device: Device, at: datetime) -> str:
        if rules.is_late(at, device.state["chain_type_at"]):
            return TelemetryVerdict.LATE
        said, previous = clean(incoming.message.chain_type), device.state["chain_type"]
        device.state |= {"chain_type": said, "chain_type_at": at}
        if said == previous:
            return TelemetryVerdict.STATE
        self.telling.of_boitier(
            "boitier.chain_type.updated", device, at, ChainTypeUpdated, chain_type=said, previous=previous
        )
        return TelemetryVerdict.EVENT

    def _battery(self, incoming: _Incoming, device: Device, at: datetime) -> str:
        name, message = incoming.message.type, incoming.message
        if rules.is_late(at, device.state[f"{name}_at"]):
            return TelemetryVerdict.LATE
        assert message.value is not None
        previous, step = device.state[name], rules.battery_step(device.state[f"{name}_low"], message.value)
        device.state |= {name: message.value, f"{name}_at": at, f"{name}_low": step.is_low}
        if name == TelemetryType.BATTERY_VAE:
            device.state["battery_vae_range_m"] = message.remaining_distance
        if step.crossed:
            self.telling.low_battery(f"vehicule.{name}.low", device, at, message.value, previous)
        return TelemetryVerdict.EVENT if step.crossed else TelemetryVerdict.STATE

    def _position(self, incoming: _Incoming, device: Device, at: datetime) -> str:
        if device.state["position_at"] == at or rules.is_late(at, device.state["position_at"]):
            return TelemetryVerdict.LATE
        message = incoming.message
        latitude, longitude = message.latitude or 0.0, message.longitude or 0.0
        device.state |= {
            "latitude": latitude,
            "longitude": longitude,
            "accuracy": message.accuracy,
            "position_at": at,
        }
        # What was sent before the trip began says nothing about where the trip has been.
        if device.trip_id is None or (device.trip_start is not None and at < device.trip_start):
            return TelemetryVerdict.STATE
        fix = zones.Fix(latitude, longitude, at, message.accuracy, incoming.inside)
        device.watch, entry = zones.step(
            self.maps[device.program_id], device.watch, fix, settings=self.watch[device.program_id],
            vehicule_type=device.vehicule_type, is_renting=device.trip_status == TripStatus.RENTING,
        )  # fmt: skip
        if entry is None:
            return TelemetryVerdict.STATE
        self.telling.forbidden(device, fix, entry)
        return TelemetryVerdict.EVENT

    # ---- writing --------------------------------------------------------------------------------------------------

    def _write_messages(self, fresh: Sequence[_Incoming]) -> None:
        insert_rows(
            "bikeshare_telemetrymessage",
            (
                Col("boitier_id", "text"),
                Col("trip_id", "text"),
                Col("type", "text"),
                Col("value", "jsonb"),
                Col("verdict", "text"),
                Col("at", "timestamptz"),
                Col("received_at", "timestamptz"),
            ),
            [
                (
                    one.device.id,
                    one.trip_id,
                    one.message.type,
                    msgspec.json.encode(kept(one.message)).decode(),
                    str(one.verdict),
                    one.at,
                    self.now,
                )
                for one in fresh
                if one.device is not None
            ],
        )


def _trace(secret: str) -> str:
    """Tells two cards or PINs of one moment apart without giving them away."""
    return hmac.new(settings.SECRET_KEY.encode(), secret.encode(), hashlib.sha256).hexdigest()[:16]


_APPLY = {
    TelemetryType.LOCK.value: _Taking._lock,
    TelemetryType.PASS.value: _Taking._pass,
    TelemetryType.PIN.value: _Taking._pin,
    TelemetryType.CHAIN_TYPE.value: _Taking._chain,
    TelemetryType.BATTERY.value: _Taking._battery,
    TelemetryType.BATTERY_VAE.value: _Taking._battery,
    TelemetryType.POSITION.value: _Taking._position,
}
