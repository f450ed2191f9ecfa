"""Takes what a party says of its locations: stores it as it was sent, and makes charge points and statuses of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from core.ingest import Intake, Submission, try_again
from core.text import identity_key
from infra_notifications.choices import OcpiPartyState
from infra_notifications.evse_ids import ids_by_evse
from infra_notifications.models import OcpiEvse, OcpiLocation, OcpiParty
from infra_notifications.rules.evse_ids import letters_of
from infra_notifications.rules.ocpi.facts import connectors_of, evse_id_of, facts_of
from infra_notifications.rules.ocpi.merging import (
    BadObject,
    EvseState,
    LocationState,
    Merged,
    Push,
    location_key,
    merge,
    remove,
)
from infra_notifications.rules.ocpi.statuses import REMOVED
from infra_notifications.rules.vocabulary import text
from infra_notifications.services.charge_points import ChargePointInput, evse_id_problem, upsert_charge_points
from infra_notifications.services.ocpi.statuses import StatusNews, apply_statuses, leave_points
from infra_notifications.services.sources import Heard, count_sources

MAX_EVSE_ID = 48


class NotYours(Exception):
    """A location of somebody else: it is answered as if it did not exist."""


@dataclass
class Taken:
    """What became of some pushes, in their order; `errors` holds the place and reason of each that was refused."""

    merged: list[Merged | None] = field(default_factory=list)
    errors: list[tuple[int, BadObject]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def rejections(self) -> list[str]:
        parts = [sentence for merged in self.merged if merged is not None for sentence in merged.rejected]
        return [*(str(error) for _place, error in self.errors), *parts]

    @property
    def cautions(self) -> list[str]:
        return [*self.warnings, *(each for merged in self.merged if merged is not None for each in merged.warnings)]

    @property
    def accepted(self) -> int:
        return sum(merged.accepted for merged in self.merged if merged is not None)

    @property
    def stale(self) -> int:
        return sum(merged.is_stale for merged in self.merged if merged is not None)

    @property
    def is_created(self) -> bool:
        return any(merged is not None and merged.is_created for merged in self.merged)

    @property
    def changed(self) -> int:
        """How many locations and EVSEs are other than they were."""
        states = [merged.state for merged in self.merged if merged is not None]
        return sum(s.is_changed + sum(evse.is_changed for evse in s.evses.values()) for s in states)


def take_pushes(*, party: OcpiParty, pushes: Sequence[Push], now: datetime) -> Taken:
    """Takes objects of one party in one transaction; a bad one is named and spoils no other.

    Raises NotYours for an owner that is none of the party's.
    """
    for push in pushes:
        check_owner(party, push.country, push.party)
    taken = try_again(lambda: _take(party, pushes, now))
    count(party=party, accepted=taken.accepted, stale=taken.stale, taken=taken, now=now)
    return taken


def check_owner(party: OcpiParty, country: str, code: str) -> None:
    """Raises NotYours unless the party may speak of what belongs to this country code and party id.

    A hub may speak for whoever is not connected here by itself.
    """
    owner = (identity_key(country), identity_key(code))
    if not party.is_hub:
        if owner not in party.owners:
            raise NotYours
        return
    others = OcpiParty.objects.exclude(pk=party.pk).filter(state=OcpiPartyState.REGISTERED)
    if any(owner in other.owners and not other.is_hub for other in others):
        raise NotYours


def stored_object(
    party: OcpiParty, country: str, code: str, location: str, evse: str = "", connector: str = ""
) -> dict[str, Any] | None:
    """A location with its EVSEs, an EVSE or a connector of the party as it is stored; None where there is none."""
    row = OcpiLocation.objects.filter(party=party, key=location_key(country, code, location)).first()
    if row is None:
        return None
    rows: dict[str, dict[str, Any]] = {each.key: each.document for each in row.evses.order_by("pk")}
    if not evse:
        return {**row.document, "evses": list(rows.values())} if rows else dict(row.document)
    found = rows.get(identity_key(evse))
    if found is None or not connector:
        return found
    key = identity_key(connector)
    return next((one for one in connectors_of(found) if identity_key(text(one.get("id"))) == key), None)


def count(*, party: OcpiParty, accepted: int, stale: int, taken: Taken, now: datetime) -> None:
    """Counts what a party's source brought."""
    submission: Submission[Any] = Submission(party.source_id, ())
    intake = Intake(
        accepted,
        stale,
        [(0, sentence) for sentence in taken.rejections],
        [(0, sentence) for sentence in taken.cautions],
    )
    count_sources(submissions=[submission], intakes=[intake], heard=Heard(), now=now)


def _take(party: OcpiParty, pushes: Sequence[Push], now: datetime) -> Taken:
    with transaction.atomic():
        shelf, taken = _Shelf(party, {push.key for push in pushes}, now), Taken()
        for place, push in enumerate(pushes):
            try:
                taken.merged.append(shelf.take(push))
            except BadObject as error:
                taken.merged.append(None)
                taken.errors.append((place, error))
        shelf.write()
        taken.warnings = shelf.warnings
    return taken


def remove_absent(*, party: OcpiParty, listed: set[tuple[str, str]], before: datetime, now: datetime) -> int:
    """Removes the EVSEs that the party's whole list (keys of location and EVSE) does not name, but for those that
    were pushed since `before`, when the list was asked for. Returns how many there were."""
    with transaction.atomic():
        rows = OcpiEvse.objects.filter(location__party=party, received_at__lt=before).exclude(document__status=REMOVED)
        absent = [key for key, evse in rows.values_list("location__key", "key") if (key, evse) not in listed]
        shelf = _Shelf(party, set(absent), now)
        removed = 0
        for location in shelf.rows.values():
            state = shelf.states[location.key]
            for key, evse in state.evses.items():
                is_old = shelf.evses[location.key, key].received_at < before
                removed += is_old and (location.key, key) not in listed and remove(evse)
        shelf.write()
    return removed


class _Shelf:
    """Some locations of a party with their EVSEs, locked; what changes of them is written once.

    Locked before charge points, whose states are locked after them.
    """

    def __init__(self, party: OcpiParty, keys: set[str], now: datetime) -> None:
        self.party, self.now, self.warnings = party, now, list[str]()
        found = (
            OcpiLocation.objects.select_for_update(of=("self",))
            .select_related("party")
            .filter(key__in=keys)
            .order_by("pk")
        )
        self.rows = {row.key: row for row in found}
        for row in self.rows.values():
            if row.party_id != party.pk and not row.party.gives_way_to(party):
                raise NotYours
        self.states = {key: _location_state(row) for key, row in self.rows.items()}
        self.evses: dict[tuple[str, str], OcpiEvse] = {}
        by_pk = {row.pk: row for row in self.rows.values()}
        evses = OcpiEvse.objects.filter(location__in=list(by_pk)).select_related("maintenance")
        for evse in evses.order_by("pk"):
            evse.location = row = by_pk[evse.location_id]
            self.evses[row.key, evse.key] = evse
            self.states[row.key].evses[evse.key] = EvseState(evse.uid, evse.document, evse.last_updated)
        # The EVSE ids that they bore, and what their charge points were filled with.
        self.named = {place: _id_key(row) for place, row in self.evses.items()}
        self.filled = {place: self._filling(row) for place, row in self.evses.items() if row.charge_point_id}

    def take(self, push: Push) -> Merged:
        merged = merge(push, self.states.get(push.key), self.now)
        self.states[push.key] = merged.state
        if push.key not in self.rows:
            self.rows[push.key] = OcpiLocation(
                party=self.party,
                key=push.key,
                country_code=identity_key(push.country),
                party_code=identity_key(push.party),
                location_id=push.location,
            )
        return merged

    # ---- writing ----------------------------------------------------------------------------------------------

    def write(self) -> None:
        changed = [key for key, state in self.states.items() if state.is_changed]
        for key in changed:
            row, state = self.rows[key], self.states[key]
            row.document, row.last_updated, row.received_at = state.document, state.order, self.now
            row.party = self.party
        names = ["document", "last_updated", "received_at", "party"]
        _save(OcpiLocation, (self.rows[key] for key in changed), names)
        self._write_evses()
        self._project()

    def _write_evses(self) -> None:
        touched = []
        for (location, key), evse in self._changed():
            row = self.evses.get((location, key))
            if row is None:
                row = self.evses[location, key] = OcpiEvse(location=self.rows[location], uid=evse.uid, key=key)
            row.document, row.last_updated, row.received_at = evse.document, evse.order, self.now
            touched.append(row)
        _save(OcpiEvse, touched, ["document", "last_updated", "received_at"])

    def _changed(self) -> Iterable[tuple[tuple[str, str], EvseState]]:
        for location, state in self.states.items():
            for key, evse in state.evses.items():
                if evse.is_changed:
                    yield (location, key), evse

    # ---- charge points ----------------------------------------------------------------------------------------

    def _project(self) -> None:
        """Makes charge points of EVSEs that are news, fills those of which another thing is said, and applies
        statuses: most messages hold nothing else."""
        changed = dict(self._changed())
        refilled = [place for place, filling in self.filled.items() if self._filling(self.evses[place]) != filling]
        places = [*refilled, *(place for place in changed if place not in self.filled)]
        heirs = self._heirs(changed)
        moved = self._link(self._claims([*(self.evses[place] for place in places), *heirs]))
        said = [self.evses[place] for place, evse in changed.items() if evse.says_status]
        said += [row for row in (*(self.evses[place] for place in changed), *heirs) if row.charge_point_id in moved]
        news = []
        for row in dict.fromkeys(said):
            if row.charge_point_id is not None:
                sent = {name: row.document.get(name) for name in ("uid", "evse_id", "status", "last_updated")}
                news.append(StatusNews(row, row.charge_point_id, {"location": row.location.location_id, **sent}))
        apply_statuses(news=news, party=self.party, now=self.now)

    def _heirs(self, changed: Iterable[tuple[str, str]]) -> list[OcpiEvse]:
        """EVSEs that bear an EVSE id which another one just gave up, because it was removed or bears a new one."""
        freed = set()
        for place in changed:
            row = self.evses[place]
            if row.charge_point_id and (row.status == REMOVED or _id_key(row) != self.named[place]):
                freed.add(self.named[place])
        if not freed:
            return []
        others = OcpiEvse.objects.filter(location__party=self.party, charge_point=None)
        others = others.exclude(location__in=[row.pk for row in self.rows.values()]).order_by("pk")
        rows = [*self.evses.values(), *others.select_related("location__party", "maintenance")]
        return [row for row in rows if row.charge_point_id is None and _id_key(row) in freed]

    def _claims(self, rows: Iterable[OcpiEvse]) -> dict[str, OcpiEvse]:
        """EVSEs that are to be charge points, by the key of their EVSE id. What was removed makes none, and of two with
        one id the one that was changed last counts."""
        claims: dict[str, OcpiEvse] = {}
        for row in sorted(dict.fromkeys(rows), key=lambda each: each.last_updated):
            evse_id = evse_id_of(row.document, *_owner(row))
            problem = evse_id_problem(evse_id)
            if not problem and len(evse_id) > MAX_EVSE_ID:
                problem = f"The EVSE id is longer than {MAX_EVSE_ID} characters."
            if row.status == REMOVED:
                continue
            if problem:
                self.warnings.append(f"EVSE {row.uid} is kept but is no charge point: {problem}")
                continue
            claims[identity_key(evse_id)] = row
        return claims

    def _link(self, claims: dict[str, OcpiEvse]) -> set[int]:
        """Writes the charge points of these EVSEs, but for those that the party may not change; returns those that
        became an EVSE's."""
        known = ids_by_evse(claims)
        linked = OcpiEvse.objects.filter(charge_point__in=known.values()).select_related("location__party")
        holders = {evse.charge_point_id: evse for evse in linked}
        mine: dict[str, OcpiEvse] = {}
        for key, row in claims.items():
            if problem := self._claim_problem(key, row, known.get(key), holders):
                self.warnings.append(f"EVSE {row.uid} is kept but not applied: {problem}")
            else:
                mine[key] = row
        if not mine:
            return set()
        upsert_charge_points(rows=[ChargePointInput(**self._filling(row)) for row in mine.values()], now=self.now)
        ids = ids_by_evse(mine)
        moved = {ids[key]: row for key, row in mine.items() if row.charge_point_id != ids[key]}
        if moved:
            self._move(moved, holders)
        return set(moved)

    def _claim_problem(
        self, key: str, row: OcpiEvse, point_id: int | None, holders: Mapping[int | None, OcpiEvse]
    ) -> str:
        """Why an EVSE may not be the charge point of its EVSE id."""
        holder = holders.get(point_id)
        if holder is None:
            if point_id is None or _is_named_as_own(key, self.party):
                return ""
            return "its EVSE id is that of a charge point that is no EVSE of the party."
        if holder.location.party != self.party:
            return "" if holder.location.party.gives_way_to(self.party) else "its EVSE id is another party's."
        bears = _id_key(row)
        if holder.pk == row.pk or holder.status == REMOVED or _id_key(holder) != bears:
            return ""
        # Of two that are alive the one counts that came last to bear the id; what the other says is of the past.
        is_new = self.named.get((row.location.key, row.key), bears) != bears or row.pk > holder.pk
        if is_new and row.last_updated >= holder.last_updated:
            return ""
        return f"its EVSE id is that of the newer EVSE {holder.uid} of location {holder.location.location_id}."

    def _move(self, moved: dict[int, OcpiEvse], holders: Mapping[int | None, OcpiEvse]) -> None:
        """An EVSE id that moved to another EVSE of the same party takes its charge point and its maintenance along."""
        left = {row.charge_point_id for row in moved.values() if row.charge_point_id is not None} - moved.keys()
        OcpiEvse.objects.filter(charge_point__in=moved).update(charge_point=None, maintenance=None)
        for row in self.evses.values():
            if row.charge_point_id in moved and moved[row.charge_point_id] is not row:
                row.charge_point = row.maintenance = None
        over = [row.maintenance_id for row in moved.values() if row.charge_point_id in left and row.maintenance_id]
        for point_id, row in moved.items():
            holder = holders.get(point_id)
            row.charge_point_id, row.maintenance_id = point_id, holder.maintenance_id if holder is not None else None
        OcpiEvse.objects.bulk_update(moved.values(), ["charge_point", "maintenance"])
        leave_points(point_ids=left, windows=over, now=self.now)

    def _filling(self, row: OcpiEvse) -> dict[str, Any]:
        """All that a charge point takes of its EVSE, its id among it."""
        facts = facts_of(row.location.document, row.document, self._operator(row))
        return facts | {"evse_id": evse_id_of(row.document, *_owner(row))}

    def _operator(self, row: OcpiEvse) -> str:
        owner = _owner(row)
        names = (role.get("name", "") for role in self.party.roles if (role["country_code"], role["party_id"]) == owner)
        return next((name for name in names if name), self.party.name)


def _is_named_as_own(key: str, party: OcpiParty) -> bool:
    """Whether an EVSE id (its `identity_key`) begins with the country code and party id of one of the party's roles, as
    eMI3 and OCPI ask of an operator's ids; other ids may be anybody's."""
    letters = letters_of(key)
    return bool(letters) and (letters[:2], letters[2:5]) in party.owners


def _id_key(row: OcpiEvse) -> str:
    """By what the EVSE ids of two are the same, in whatever spelling."""
    key = identity_key(evse_id_of(row.document, *_owner(row)))
    return letters_of(key) or key


def _owner(row: OcpiEvse) -> tuple[str, str]:
    return row.location.country_code, row.location.party_code


def _location_state(row: OcpiLocation) -> LocationState:
    return LocationState(row.location_id, row.document, row.last_updated)


def _save(model: Any, rows: Iterable[Any], names: Sequence[str]) -> None:
    """Writes new rows and changed ones, each kind in one statement."""
    every = list(rows)
    model.objects.bulk_create([row for row in every if row.pk is None])
    model.objects.bulk_update([row for row in every if row.pk is not None], names)
