"""Writes vehicles and fleets: bulk insert-or-update, what the wake-up budget is, the stop switch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any

import msgspec
from auditlog.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from msgspec import UNSET, Meta, UnsetType

from core.corrections import shortened
from core.field_types import Envelope
from core.ingest import BatchSteps, Intake, Submission, take
from core.refusal import Refused
from core.sql import columns, insert_rows
from fleet_remotes.catalogue.words import BRAND, CAPABILITY, PRIVACY
from fleet_remotes.choices import Brand, Capability, Privacy
from fleet_remotes.ingest.vehicles import as_vendor_says, percent, supported_in
from fleet_remotes.models import Fleet, FleetVehicle
from fleet_remotes.models.fleets import check_vin
from fleet_remotes.services import nudges
from fleet_remotes.services.binding import bind_vehicles


class VehicleInput(msgspec.Struct, kw_only=True):
    """A vehicle as it is given; a field that is left out stays as it is. `fleet` is the vendor's id of the fleet."""

    vin: Annotated[str, Meta(min_length=1, max_length=40)]
    fleet: Annotated[str, Meta(min_length=1, max_length=64)]
    brand: Annotated[str, Meta(max_length=40)]
    vehicle_id: Annotated[str, Meta(max_length=128)] | UnsetType | None = UNSET
    model: Annotated[str, Meta(max_length=60)] | UnsetType | None = UNSET
    plate: Annotated[str, Meta(max_length=20)] | UnsetType | None = UNSET
    name: Annotated[str, Meta(max_length=120)] | UnsetType | None = UNSET
    # Words, or as the vendor's records have them: an object of what is supported.
    capabilities: list[Any] | dict[str, Any] | str | UnsetType | None = UNSET
    privacy: Annotated[str, Meta(max_length=40)] | UnsetType | None = UNSET
    # 0 to 100.
    battery_level: float | UnsetType | None = UNSET
    is_stolen: bool | UnsetType = UNSET
    wakeup_budget: Annotated[int, Meta(ge=0, le=32767)] | UnsetType | None = UNSET
    tags: list[Any] | str | UnsetType | None = UNSET
    # Whether `fleet` is one that there is not yet; without that word it would be a slip.
    new_fleet: bool | UnsetType = UNSET


# What may be left out where it cannot be read, and how fields are also called.
SIDE_FIELDS = tuple(name for name in VehicleInput.__struct_fields__ if name not in ("vin", "fleet", "brand"))
VEHICLE_NAMES = Envelope(
    {
        "fleetid": "fleet",
        "id": "vehicle_id",
        "make": "brand",
        **dict.fromkeys(("licenseplate", "licenceplate", "platenumber", "registration", "numberplate"), "plate"),
        **dict.fromkeys(("registrationnumber", "registrationplate", "immatriculation", "kennzeichen"), "plate"),
        **dict.fromkeys(("licenseplatenumber", "licenceplatenumber", "kenteken", "matricula"), "plate"),
        **dict.fromkeys(("battery", "soc", "batterylevelpercent"), "battery_level"),
        "stolen": "is_stolen",
        "budget": "wakeup_budget",
        "tag": "tags",
        "label": "name",
        **dict.fromkeys(("energies", "energy"), "battery_level"),
        **dict.fromkeys(("onboardcapabilities", "remotecapabilities"), "capabilities"),
    },
    complete=as_vendor_says,
    warns=True,
)
_FIELDS = tuple(name for name in SIDE_FIELDS if name != "new_fleet")
_LONGEST_TAG, _HINTS, _COMPARED = 40, 20, 2_000
# The vehicle's state as of `facts_at`.
_FACTS = {"privacy", "battery_level", "is_stolen"}


def problem_with(item: VehicleInput) -> str:
    """What is wrong with a vehicle beyond its types, in a sentence; empty when nothing is."""
    try:
        check_vin(_vin(item.vin))
    except ValidationError as error:
        return f"vin: {error.messages[0]}"
    if not _clean(item.fleet):
        return "fleet: must not be blank."
    if BRAND.read(item.brand) is None:
        return f"brand: must be one of {', '.join(Brand.values)}."
    return ""


def as_known(item: VehicleInput) -> tuple[VehicleInput, list[str]]:
    """A vehicle in our words; of what we do not know it says so, and leaves that as it was."""
    known: dict[str, Any] = {}
    notes: list[str] = []
    if isinstance(item.capabilities, list | dict | str):
        known["capabilities"], notes = _capabilities(item.capabilities)
    if isinstance(item.tags, list | str):
        known["tags"], more = _tags(item.tags)
        notes += more
    if isinstance(item.privacy, str) and (privacy := PRIVACY.read(item.privacy)) is not None:
        known["privacy"] = str(privacy)
    elif isinstance(item.privacy, str) and item.privacy.strip():
        known["privacy"] = UNSET
        notes.append(f"privacy: “{item.privacy[:40]}” is none of {', '.join(filter(None, Privacy.values))}.")
    if isinstance(item.battery_level, float | int):
        level = percent(item.battery_level)
        known["battery_level"] = UNSET if level is None else level
        if level is None:
            notes.append(f"battery_level: {item.battery_level} is no percentage; it was left out.")
        elif 0 < item.battery_level < 1:
            notes.append(f"battery_level: {item.battery_level} was read as a share of one: {level} %.")
    return (msgspec.structs.replace(item, **known) if known else item), notes


def _listed(said: list[Any] | str) -> tuple[list[str], list[Any]]:
    """The words of a list or of one text, and what of it is none."""
    if isinstance(said, str):
        return [word.strip() for word in said.replace(";", ",").split(",") if word.strip()], []
    are_words = [isinstance(one, str | int | float) and not isinstance(one, bool) for one in said]
    words = [str(one).strip() for one, is_word in zip(said, are_words, strict=True) if is_word]
    return list(filter(None, words)), [one for one, is_word in zip(said, are_words, strict=True) if not is_word]


def _capabilities(said: list[Any] | dict[str, Any] | str) -> tuple[Any, list[str]]:
    """What a vehicle can do; unset where nothing of what is said is known."""
    supported = supported_in(said) if isinstance(said, dict) else None
    words, others = (list(supported or ()), []) if isinstance(said, dict) else _listed(said)
    read = {word: CAPABILITY.read(word) for word in words}
    unknown = [word for word, ours in read.items() if ours is None]
    if supported is not None:
        unknown += [word for word, is_supported in supported.items() if is_supported is None and read[word]]
        read = {word: ours for word, ours in read.items() if supported[word] is not None}
    odd = ", ".join([word[:40] for word in unknown] + [shortened(one) for one in others])
    notes = [f"capabilities: {odd} is none of {', '.join(Capability.values)}."] if odd else []
    if said and not any(read.values()):
        return UNSET, notes or ["capabilities: Nothing of it was understood; it was left out."]
    can = {str(ours) for word, ours in read.items() if ours and (supported is None or supported[word])}
    return sorted(can), notes


def _tags(said: list[Any] | str) -> tuple[list[str], list[str]]:
    words, others = _listed(said)
    odd = [shortened(one) for one in others] + [f"“{word[:40]}…”" for word in words if len(word) > _LONGEST_TAG]
    notes = [f"tags: {', '.join(odd)} is no tag (a text of up to {_LONGEST_TAG} characters)."] if odd else []
    return [word for word in words if len(word) <= _LONGEST_TAG], notes


def unknown_fleets(items: Sequence[VehicleInput]) -> dict[str, str]:
    """What is said of each fleet of these that there is not and of which none of them says that it is new."""
    fleets = {_clean(item.fleet): False for item in items} | {
        _clean(item.fleet): True for item in items if item.new_fleet is True
    }
    known = set(Fleet.objects.filter(key__in=fleets).values_list("key", flat=True))
    unknown = [key for key, is_new in fleets.items() if not is_new and key not in known]
    every = list(Fleet.objects.order_by("key").values_list("key", flat=True)[:_COMPARED]) if unknown else []
    return {key: _no_fleet(key, every if place < _HINTS else []) for place, key in enumerate(unknown)}


def _no_fleet(key: str, every: Sequence[str]) -> str:
    spelt = {one.casefold(): one for one in every}
    near = get_close_matches(key.casefold(), spelt, n=1, cutoff=0.6)
    if near:
        return _("There is no fleet “%(key)s”; is “%(near)s” meant? A new one is made where new_fleet says yes.") % {
            "key": key,
            "near": spelt[near[0]],
        }
    return _("There is no fleet “%(key)s”; a new one is made where new_fleet says yes.") % {"key": key}


def fleet_named(*, key: str, is_new: bool) -> Fleet:
    """The fleet of the vendor's id `key`, made where it is said to be new. Raises Refused with the nearest."""
    key = _clean(key)
    if not 0 < len(key) <= 64:
        raise Refused(_("Name the fleet, in 1 to 64 characters."), field="fleet")
    if is_new:
        return Fleet.objects.get_or_create(key=key)[0]
    fleet = Fleet.objects.filter(key=key).first()
    if fleet is None:
        raise Refused(unknown_fleets([VehicleInput(vin="", fleet=key, brand="")])[key], field="fleet")
    return fleet


def _clean(text: str) -> str:
    return text.strip()


def _vin(text: str) -> str:
    return _clean(text).upper()


def _document(item: VehicleInput) -> dict[str, Any]:
    doc: dict[str, Any] = msgspec.to_builtins(item)
    doc = {key: _clean(value) if isinstance(value, str) else value for key, value in doc.items()}
    doc["vin"], doc["brand"] = doc["vin"].upper(), BRAND.read(doc["brand"])
    if doc.get("tags"):
        doc["tags"] = sorted({" ".join(_clean(tag).lower().split()) for tag in doc["tags"] if _clean(tag)})
    return doc


class _VehicleSteps(BatchSteps[VehicleInput]):
    endpoint = "remotes/vehicles"

    def read(self) -> None:
        for row, item in enumerate(self.incoming.items):
            self.incoming.items[row], notes = as_known(item)
            for note in notes:
                self.incoming.warn(row, note)

    def check(self, item: VehicleInput) -> str:
        return problem_with(item)

    def resolve(self, rows: list[int]) -> None:
        unknown = unknown_fleets([self.incoming.items[row] for row in rows])
        for row in rows if unknown else ():
            if sentence := unknown.get(_clean(self.incoming.items[row].fleet)):
                self.incoming.reject(row, f"fleet: {sentence}")

    def apply(self, rows: list[int]) -> None:
        self.vins = _upsert([self.incoming.items[row] for row in rows], self.now)

    def after_commit(self) -> None:
        if self.vins:
            bind_vehicles(now=self.now, vins=self.vins)


def take_vehicles(*, submissions: Sequence[Submission[VehicleInput]], now: datetime) -> list[Intake]:
    """Inserts or updates the vehicles of several requests by VIN, set-based; of repeated VINs the last counts.

    Fleets that are said to be new are made.
    """
    return take(submissions, _VehicleSteps, now=now)


def _upsert(rows: Sequence[VehicleInput], now: datetime) -> list[str]:
    """Writes vehicles in a transaction; returns their VINs."""
    documents = {document["vin"]: document for document in map(_document, rows)}
    if not documents:
        return []
    fleets = _fleets(sorted({document["fleet"] for document in documents.values()}), now)
    blank = FleetVehicle()
    # Inserted before they are read, so that of two requests for a new vehicle neither loses its own fields.
    FleetVehicle.objects.bulk_create(
        [FleetVehicle(vin=vin, fleet_id=fleets[documents[vin]["fleet"]]) for vin in sorted(documents)],
        ignore_conflicts=True,
    )
    vehicles = list(FleetVehicle.objects.select_for_update(no_key=True).filter(vin__in=documents).order_by("pk"))
    for vehicle in vehicles:
        document = documents[vehicle.vin]
        vehicle.fleet_id, vehicle.brand = fleets[document["fleet"]], document["brand"]
        for name in _FIELDS:
            if name in document:
                setattr(vehicle, name, getattr(blank, name) if document[name] is None else document[name])
        if not _FACTS.isdisjoint(document):
            vehicle.facts_at = now
        if "privacy" in document:
            vehicle.privacy_refused_at = None
        if "battery_level" in document:
            vehicle.battery_refused_at = None
    FleetVehicle.objects.bulk_create(
        vehicles,
        update_conflicts=True,
        unique_fields=("vin",),
        update_fields=(
            "fleet",
            "brand",
            *_FIELDS,
            "facts_at",
            "privacy_refused_at",
            "battery_refused_at",
            "updated_at",
        ),
    )
    return sorted(documents)


def _fleets(keys: Sequence[str], now: datetime) -> dict[str, int]:
    insert_rows(
        Fleet._meta.db_table,
        columns(Fleet, "key", "name", "stop_reason", "created_at"),
        [(key, "", "", now) for key in keys],
        "ON CONFLICT (key) DO NOTHING",
    )
    return dict(Fleet.objects.filter(key__in=keys).values_list("key", "pk"))


def set_budgets(*, vehicle_ids: Sequence[int], budget: int | None) -> list[int]:
    """What a person allows these vehicles in a month, None for the installation's number; returns whose changed."""
    with transaction.atomic():
        rows = FleetVehicle.objects.select_for_update(no_key=True).filter(pk__in=vehicle_ids).order_by("pk")
        changed = [vehicle for vehicle in rows if vehicle.wakeup_budget != budget]
        for vehicle in changed:  # one by one, so that the audit log has each
            vehicle.wakeup_budget = budget
            vehicle.save(update_fields=["wakeup_budget", "updated_at"])
    return [vehicle.pk for vehicle in changed]


def stop_fleet(*, fleet: Fleet, by: AbstractBaseUser, reason: str, now: datetime) -> bool:
    """Turns the stop switch on: nothing more is sent to any vehicle of the fleet. Says whether it was off."""
    if not reason.strip():
        raise Refused(_("Say why; others will wonder."))
    changed = Fleet.objects.filter(pk=fleet.pk, stopped_at__isnull=True).update(
        stopped_at=now, stopped_by=by, stop_reason=reason.strip()[:200]
    )
    if changed:
        _audit(fleet, ["False", "True"], reason)
    return bool(changed)


def resume_fleet(*, fleet: Fleet) -> bool:
    """Turns the stop switch off; what waited and has not expired is sent. Says whether it was on."""
    changed = Fleet.objects.filter(pk=fleet.pk, stopped_at__isnull=False).update(
        stopped_at=None, stopped_by=None, stop_reason=""
    )
    if changed:
        _audit(fleet, ["True", "False"], "")
        transaction.on_commit(nudges.send_soon, robust=True)
    return bool(changed)


def _audit(fleet: Fleet, stopped: list[str], reason: str) -> None:
    changes = {"stopped": stopped} | ({"stop_reason": ["", reason]} if reason else {})
    LogEntry.objects.log_create(fleet, action=LogEntry.Action.UPDATE, changes=changes)
