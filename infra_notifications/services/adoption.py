"""Makes charge points of senders that nobody knew: one station, several, or all that a search finds.

EVSE ids are proposed by a pattern; what cannot be one is named in words, and nothing of its station is adopted. The
EVSE id of a charge point that has no station yet gives it the sender's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, CharField, F, QuerySet, Value, When, Window
from django.db.models.functions import Concat, RowNumber, Upper
from django.utils.translation import gettext as _

from core.refusal import Refused
from core.text import identity, identity_key
from infra_notifications.choices import Case as FaultCase
from infra_notifications.choices import SourceKind
from infra_notifications.evse_ids import ids_by_key, spelt_otherwise
from infra_notifications.ingest import observe
from infra_notifications.models import ChargePoint, ChargePointState, OcppRoute, UnknownChargePoint
from infra_notifications.models.sources import source_id
from infra_notifications.rules.fault_names import BESIDE, VAGUE, covers, end_beside
from infra_notifications.services.charge_points import evse_id_problem
from infra_notifications.services.unknown import apply_what_they_said

MAX_EVSE_ID, MAX_PATTERN = 48, 100
_PLACE = re.compile(r"{(\w*)}")
_PLACES = ("station", "connector")


@dataclass
class UnknownStation:
    """The senders of one station, or one that named an EVSE id alone. `points` are those to be made charge points;
    `pattern` is that of its route for EVSE ids, "" where it came by none or the route has none."""

    name: str
    senders: list[UnknownChargePoint] = field(default_factory=list)
    pattern: str = ""

    @property
    def points(self) -> list[UnknownChargePoint]:
        """One for each connector; what a station said as a whole is no charge point, unless it said nothing else."""
        named: dict[object, UnknownChargePoint] = {}
        for sender in self.senders:
            if sender.evse_id or sender.connector:
                key = identity_key(sender.evse_id) or sender.connector
                named[key] = sender if sender.connector else named.get(key, sender)
        return list(named.values()) or self.senders[:1]

    @property
    def newest(self) -> UnknownChargePoint:
        return max(self.senders, key=lambda sender: sender.last_seen)

    @property
    def last_seen(self) -> datetime:
        return self.newest.last_seen

    @property
    def messages(self) -> int:
        return sum(sender.messages for sender in self.senders)

    @property
    def facts(self) -> dict[str, str]:
        """Vendor, model and firmware of its last boot."""
        booted = next((sender for sender in self.senders if sender.vendor or sender.model), self.senders[0])
        return {"vendor": booted.vendor, "model": booted.model, "firmware": booted.firmware}

    @property
    def fault(self) -> str:
        """What it said of the fault that was reported last and is not over; empty where all is well."""
        last = max((state for sender in self.senders if (state := state_of(sender)).fault_at), default=None)
        return last.fault if last else ""


@dataclass(order=True)
class SenderState:
    """The last fault that is not over, when it was received, and the last status, in what an unknown sender said."""

    fault_at: str = ""
    fault: str = ""
    status: str = ""


def state_of(sender: UnknownChargePoint) -> SenderState:
    """What the messages that are kept of a sender say of its state; for lists, because adoption asks the rules."""
    state, faults = SenderState(), dict[str, tuple[str, str]]()
    for said in sorted(sender.said.get("messages", ()), key=lambda each: str(each["at"])):
        if "connected" in said:
            continue
        if "case" in said:
            faults.pop(said["case"], None)
            if said["alarming"]:
                faults[said["case"]] = (said["at"], said["said"].strip() or str(FaultCase(said["case"]).label))
            continue
        for observation in observe(said["protocol"].lower(), said["action"], said["payload"]):
            place = observation.fault.rstrip(VAGUE).removesuffix(BESIDE)
            state.status = observation.said if observation.status else state.status
            if observation.alarming:
                faults[place] = (said["at"], observation.said)
            elif observation.over or observation.status:
                end = end_beside(place, observation.status)
                faults = {name: told for name, told in faults.items() if not covers(end, name)}
    if faults:
        state.fault_at, state.fault = max(faults.values())
    return state


def check_pattern(pattern: str) -> str:
    """A pattern for EVSE ids, such as `DE*ABC*E{station}*{connector}`. Raises Refused for one that has no station."""
    pattern = pattern.strip()
    unknown = [place for place in _PLACE.findall(pattern) if place not in _PLACES]
    if unknown:
        sentence = _("There is no placeholder {%(name)s}; use {station} and {connector}.") % {"name": unknown[0]}
        raise Refused(sentence, field="pattern")
    if set("{}") & set(_PLACE.sub("", pattern)):
        raise Refused(_("A placeholder stands in one pair of braces; write {station}."), field="pattern")
    if "{station}" not in pattern:
        raise Refused(
            _("The pattern must hold {station}, or all stations would get the same EVSE id."), field="pattern"
        )
    # The shortest that it makes.
    sample = _filled(pattern, "S", 1)
    if len(sample) > MAX_EVSE_ID or len(pattern) > MAX_PATTERN:
        raise Refused(
            _("An EVSE id has at most %(n)d characters, with its station and connector; shorten the pattern.")
            % {"n": MAX_EVSE_ID},
            field="pattern",
        )
    if problem := evse_id_problem(sample):
        raise Refused(problem, field="pattern")
    return pattern


def _filled(pattern: str, station: str, connector: int) -> str:
    values = {"station": station, "connector": str(connector)}
    return _PLACE.sub(lambda found: values.get(found.group(1), ""), pattern)


def proposed(sender: UnknownChargePoint, pattern: str) -> str:
    """The EVSE id that a sender named itself, or the pattern's ("": the installation's); a station without connectors
    is its first."""
    if sender.evse_id:
        return sender.evse_id
    return _filled(pattern or settings.CHARGING_EVSE_PATTERN, sender.station, sender.connector or 1)


def stations_of(senders: Iterable[UnknownChargePoint]) -> list[UnknownStation]:
    """Senders by their station, in order."""
    found: dict[str, UnknownStation] = {}
    for sender in sorted(senders, key=lambda one: (identity_key(one.station or one.evse_id), one.connector or 0)):
        key = identity_key(sender.station) or f"={identity_key(sender.evse_id)}"
        found.setdefault(key, UnknownStation(sender.station or sender.evse_id)).senders.append(sender)
    return list(found.values())


def heads() -> QuerySet[UnknownChargePoint]:
    """One sender for each station, that of its boot where there was one: the rows of lists."""
    station = Case(
        When(station="", then=Concat(Value("="), Upper("evse_id"))), default=Upper("station"), output_field=CharField()
    )
    place = Window(RowNumber(), partition_by=[station], order_by=[F("vendor").desc(), F("pk").asc()])
    first = UnknownChargePoint.objects.annotate(place=place).filter(place=1)
    return UnknownChargePoint.objects.filter(pk__in=first.values("pk"))


def whole_stations(senders: Iterable[UnknownChargePoint]) -> list[UnknownStation]:
    """The stations of these senders, with all senders of each."""
    chosen = list(senders)
    names = {identity_key(sender.station) for sender in chosen if sender.station}
    by_name = UnknownChargePoint.objects.alias(key=Upper("station")).filter(key__in=names).exclude(station="")
    stations = stations_of({sender.pk: sender for sender in (*chosen, *by_name)}.values())
    routes = OcppRoute.objects.exclude(evse_pattern="").values_list("pk", "evse_pattern")
    patterns = {source_id(SourceKind.PROXY, pk): pattern for pk, pattern in routes}
    for station in stations:
        station.pattern = patterns.get(station.newest.source_id or 0, "")
    return stations


@dataclass
class Adopted:
    """The EVSE ids of the charge points that stations became, and by station why it was not adopted."""

    evse_ids: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    senders: list[int] = field(default_factory=list)


def adopt_stations(
    *,
    stations: Sequence[UnknownStation],
    now: datetime,
    pattern: str = "",
    evse_ids: Mapping[int, str] | None = None,
    first_connector: int | None = None,
) -> Adopted:
    """Adopts stations, each as a whole or not at all. `evse_ids` maps senders to EVSE ids that a person chose; without
    a `pattern` each station has its own. `first_connector` is that of a station that named none; None: it is one charge
    point, whatever its connectors say.

    Raises Refused for a pattern that is none, and when somebody else adopts the same at this moment.
    """
    if pattern.strip():
        pattern = check_pattern(pattern)
        stations = [replace(station, pattern=pattern) for station in stations]
    try:
        with transaction.atomic():
            return _adopt(stations, evse_ids or {}, first_connector, now)
    except IntegrityError as error:
        raise Refused(_("There is a charge point of this EVSE id already."), field="evse_id") from error


def _adopt(
    stations: Sequence[UnknownStation], chosen: Mapping[int, str], first_connector: int | None, now: datetime
) -> Adopted:
    wanted = {
        sender.pk: identity(chosen.get(sender.pk, proposed(sender, station.pattern)))
        for station in stations
        for sender in station.points
    }
    # Charge points are locked before senders, as everywhere.
    owners = _owners({identity_key(evse_id) for evse_id in wanted.values()})
    ids = sorted(sender.pk for station in stations for sender in station.senders)
    held = UnknownChargePoint.objects.select_for_update().in_bulk(ids)
    places, taken = _places(stations), set[str]()
    done, new = Adopted(), list[tuple[UnknownChargePoint, ChargePoint]]()
    for station in stations:
        mine = {identity_key(wanted[sender.pk]): sender for sender in station.points}
        problem = _gone(station, held) or next(
            (
                problem
                for sender in station.points
                if (problem := _problem(sender, wanted[sender.pk], owners, taken) or _place_problem(sender, places))
            ),
            "",
        )
        if not problem and len(mine) < len(station.points):
            problem = _("Two connectors would get the same EVSE id; put {connector} into the pattern.")
        if problem:
            done.refused[station.name] = problem
            continue
        taken |= mine.keys()
        done.senders += [sender.pk for sender in station.senders]
        new += [(sender, owners.get(key) or ChargePoint(evse_id=wanted[sender.pk])) for key, sender in mine.items()]
    _make(new, first_connector, now)
    done.evse_ids = [point.evse_id for _sender, point in new]
    return done


def _owners(keys: set[str]) -> dict[str, ChargePoint]:
    """The charge points that have these EVSE ids, in whatever spelling, locked."""
    names = {key: key for key in keys} | spelt_otherwise(keys - ids_by_key(keys).keys(), strictly=True)
    points = ChargePoint.objects.select_for_update(no_key=True).alias(key=Upper("evse_id"))
    found = {identity_key(point.evse_id): point for point in points.filter(key__in=set(names.values())).order_by("pk")}
    return {key: found[name] for key, name in names.items() if name in found}


def _places(stations: Sequence[UnknownStation]) -> dict[tuple[str, int | None], str]:
    """The EVSE ids of charge points by station and connector; with None, one of the station's."""
    names = {identity_key(sender.station) for station in stations for sender in station.senders if sender.station}
    points = ChargePoint.objects.annotate(key=Upper("station")).filter(key__in=names).exclude(station="")
    found: dict[tuple[str, int | None], str] = {}
    for name, connector, evse_id in points.order_by("pk").values_list("key", "connector", "evse_id"):
        found.setdefault((name, None), evse_id)
        found.setdefault((name, connector), evse_id)
    return found


def _gone(station: UnknownStation, held: Mapping[int, UnknownChargePoint]) -> str:
    return "" if all(sender.pk in held for sender in station.senders) else _("It was adopted or removed meanwhile.")


def _problem(
    sender: UnknownChargePoint, evse_id: str, owners: Mapping[str, ChargePoint], taken: Collection[str]
) -> str:
    """Why a text cannot be a sender's EVSE id here; empty when it can."""
    if not evse_id or len(evse_id) > MAX_EVSE_ID:
        return _("Give an EVSE id of at most 48 characters, e.g. DE*ABC*E0001*1.")
    if problem := evse_id_problem(evse_id):
        return problem
    key = identity_key(evse_id)
    owner = owners.get(key)
    waits_for_station = owner is not None and not owner.station and bool(sender.station)
    if key in taken or (owner is not None and not waits_for_station):
        return _("There is a charge point of this EVSE id already.") + f" ({evse_id})"
    return ""


def _place_problem(sender: UnknownChargePoint, places: Mapping[tuple[str, int | None], str]) -> str:
    """Why a sender without an EVSE id of its own is none to be adopted: a charge point got its place meanwhile."""
    owner = places.get((identity_key(sender.station), sender.connector or None))
    if sender.evse_id or not owner:
        return ""
    return _("%(evse)s has this station and connector already.") % {"evse": owner}


def _make(new: Sequence[tuple[UnknownChargePoint, ChargePoint]], first_connector: int | None, now: datetime) -> None:
    # One by one, so that the audit log names who adopted them.
    for sender, point in new:
        point.station, point.connector = identity(sender.station), sender.connector or first_connector
        point.save()
    points = [point for _sender, point in new]
    ChargePointState.objects.bulk_create(
        (ChargePointState(charge_point=point) for point in points), ignore_conflicts=True
    )
    if points:
        named = {sender.pk: point.evse_id for sender, point in new}
        apply_what_they_said(keys=[identity_key(point.evse_id) for point in points], now=now, named=named)
