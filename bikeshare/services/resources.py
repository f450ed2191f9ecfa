"""Creates, changes and deletes resources as their specs say, one by one or many at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from bikeshare.choices import Refusal
from bikeshare.ingest.resources import ResourceBody, values_of
from bikeshare.models import (
    Bike,
    BikeState,
    Cyclist,
    Dock,
    LockBox,
    LockBoxState,
    Program,
    Resource,
    Subscription,
    new_id,
)
from bikeshare.selectors import rows_of, running_trips
from bikeshare.services import people, subscriptions
from bikeshare.services.refusals import invalid, refusal
from bikeshare.services.specs import Spec
from bikeshare.services.unit_of_work import ResourceUnitOfWork, load, load_by_id
from core.identities import identity
from core.refusal import Refused, refusing_invalid_models
from core.words import name_among

Rejected = list[tuple[int, str]]


def create(*, spec: Spec, body: ResourceBody, now: datetime) -> Resource:
    """Makes one resource. Raises Refused for what cannot be taken, and when there is such a one."""
    try:
        with ResourceUnitOfWork.begin(now, audited=True) as work:
            values = values_of(body)
            return _create(work, spec, values, _References(spec, [values]))
    except IntegrityError as error:
        raise _as_refusal(error) from error


def create_many(*, spec: Spec, items: Sequence[tuple[int, ResourceBody]], now: datetime) -> tuple[int, Rejected]:
    """Makes the good items of a batch, in one transaction; returns how many, and what is wrong with the others.

    Where two of them cannot stand together, they are made one by one, so that only the later one is rejected.
    """
    rejected: Rejected = []
    references = _References(spec, (values_of(body) for _index, body in items))
    try:
        with ResourceUnitOfWork.begin(now) as work:
            for index, body in items:
                try:
                    _create(work, spec, values_of(body), references)
                except Refused as error:
                    rejected.append((index, error.line))
        return len(items) - len(rejected), rejected
    except IntegrityError:
        return _create_singly(spec, items, now)


def _create_singly(spec: Spec, items: Sequence[tuple[int, ResourceBody]], now: datetime) -> tuple[int, Rejected]:
    rejected: Rejected = []
    with transaction.atomic():
        for index, body in items:
            try:
                create(spec=spec, body=body, now=now)
            except Refused as error:
                rejected.append((index, error.line))
    return len(items) - len(rejected), rejected


def _create(work: ResourceUnitOfWork, spec: Spec, values: dict[str, Any], references: _References) -> Resource:
    for name in spec.required:
        if values.get(name) in (None, ""):
            raise invalid(name, _("It is needed."))
    values = _columns(spec, values, None, references, work.now)
    row = spec.model(id=new_id(spec.model.PREFIX), created=work.now, **values)
    with refusing_invalid_models():
        row.clean_fields(exclude=_unchecked(spec, values))
    is_due = False
    if isinstance(row, Subscription):
        row.trial_notice_at, is_due = subscriptions.trial_plan(row, row.trial_end, work.now)
    work.create(row)
    if is_due:
        subscriptions.notify_trial_end(work, row)  # type: ignore[arg-type]
    if isinstance(row, LockBox):
        work.attach(LockBoxState(boitier=row))
    if isinstance(row, Bike):
        work.attach(BikeState(vehicule=row))
    if isinstance(row, Dock) and row.vehicule_id is not None:
        _moved_into(work, row)
    return row


class _References:
    """The programs and rows that some given values name, read at once."""

    def __init__(self, spec: Spec, submitted: Iterable[dict[str, Any]]) -> None:
        submitted = list(submitted)
        self.programs = Program.objects.in_bulk(_named(submitted, "program"))
        self.rows = {
            name: _rows_named(model, names)
            for name, model in spec.references.items()
            if (names := _named(submitted, name))
        }


def _rows_named(model: type[Resource], names: set[str]) -> dict[str, Resource]:
    """The rows of these ids; of what is unique everywhere by a number of its own, also of these numbers."""
    keys = {name: identity(name) for name in names if model is LockBox}
    known = Q(pk__in=names) | Q(number__identity__in=keys.values()) if keys else Q(pk__in=names)
    rows = {row.pk: row for row in rows_of(model).filter(known)}
    by_key = {identity(row.number): row for row in rows.values()} if keys else {}
    return {name: by_key[key] for name, key in keys.items() if key in by_key} | rows


def _named(submitted: Iterable[dict[str, Any]], name: str) -> set[str]:
    return {values[name] for values in submitted if values.get(name) is not None}


def _columns(spec: Spec, values: dict[str, Any], row: Any, references: _References, now: datetime) -> dict[str, Any]:
    """Submitted values as columns: references resolved and checked, the program too."""
    values = spec.convert(_in_our_words(spec.model, values), row, now)
    program_id = row.program_id if row is not None else values.pop("program", None)
    if row is None and program_id is not None and program_id not in references.programs:
        raise invalid("program", _("There is no program %(id)s.") % {"id": program_id})
    for name in spec.references:
        if values.get(name) is None:
            continue
        referenced = references.rows[name].get(values[name])
        if referenced is None:
            raise invalid(name, _("There is no %(what)s %(id)s.") % {"what": name, "id": values[name]})
        program_id = program_id or referenced.program_id
        if name not in spec.anywhere and referenced.program_id != program_id:
            raise invalid(name, _("It belongs to another program."))
        values[name] = referenced
    if row is not None:
        return values
    program = references.programs.get(program_id)
    return values | ({"program": program} if program is not None else {"program_id": program_id})


def _in_our_words(model: type[Resource], values: dict[str, Any]) -> dict[str, Any]:
    """The values, with the words of closed lists in our spelling. Raises Refused with the list for none of them."""
    said = dict(values)
    for column in model._meta.concrete_fields:
        ours = [str(word) for word, _label in getattr(column, "base_field", column).flatchoices]
        given = said.get(column.name)
        words: list[Any] = given if isinstance(given, list) else [given]
        if not ours or not given or not all(isinstance(word, str) for word in words):
            continue
        meant = [name_among(ours, word) for word in words]
        for word in (word for word, ours_word in zip(words, meant, strict=True) if ours_word not in ours):
            refused = {"type": word[:40], "ours": ", ".join(filter(None, ours))}
            raise invalid(column.name, _("%(type)s is none of %(ours)s.") % refused)
        said[column.name] = meant if isinstance(given, list) else meant[0]
    return said


def _unchecked(spec: Spec, values: dict[str, Any]) -> set[str]:
    """The fields that `clean_fields` leaves alone: relations, and what was not given."""
    names = {f.name for f in spec.model._meta.fields}
    columns = {name for name in values if name not in (*spec.references, "program") and values[name] is not None}
    return names - columns


def patch(*, spec: Spec, pk: str, body: ResourceBody, now: datetime) -> Resource:
    """Changes what is given; raises Refused for what cannot be changed or taken."""
    try:
        with ResourceUnitOfWork.begin(now, audited=True) as work:
            return _patch(work, spec, pk, body)
    except IntegrityError as error:
        raise _as_refusal(error) from error


def _patch(work: ResourceUnitOfWork, spec: Spec, pk: str, body: ResourceBody) -> Resource:
    values = values_of(body)
    if spec.model is Dock and "vehicule" in values:
        # Vehicles are locked before docks, as a trip's end does.
        load(Bike.objects.filter(Q(pk=values["vehicule"]) | Q(dock=pk)))
    row: Any = load_by_id(spec.model, pk)
    for name in spec.fixed:
        if name in values:
            raise invalid(name, _("It cannot be changed."))
    values = _columns(spec, values, row, _References(spec, [values]), work.now)
    _check_values(spec, values)
    if isinstance(row, Bike) and "station" in values and Dock.objects.filter(vehicule=row).exists():
        raise invalid("station", _("The vehicle stands in a dock, which says where it is."))
    is_due = False
    if isinstance(row, Subscription) and "trial_end" in values and values["trial_end"] != row.trial_end:
        due, is_due = subscriptions.trial_plan(row, values["trial_end"], work.now)
        values["trial_notice_at"] = due
    if isinstance(row, Cyclist):
        values = people.with_number(row, values, work.now)
    left = row.vehicule if isinstance(row, Dock) and row.vehicule_id else None
    work.change(row, **values)
    if is_due:
        subscriptions.notify_trial_end(work, row)
    if isinstance(row, Dock) and "vehicule" in values:
        _moved(work, row, left)
    changed: Resource = row
    return changed


def _check_values(spec: Spec, values: dict[str, Any]) -> None:
    """The validators of the fields that are to change."""
    probe = spec.model(**{name: value for name, value in values.items() if name not in spec.references})
    with refusing_invalid_models():
        probe.clean_fields(exclude=_unchecked(spec, values))


def _moved(work: ResourceUnitOfWork, dock: Dock, left: Bike | None) -> None:
    """A person put a vehicle into a dock or took it out: the vehicle's station follows."""
    if left is not None and left.pk != dock.vehicule_id:
        for vehicule in load(rows_of(Bike).filter(pk=left.pk)):
            work.change(vehicule, station_id=None)
    if dock.vehicule_id is not None:
        _moved_into(work, dock)


def _moved_into(work: ResourceUnitOfWork, dock: Dock) -> None:
    if running_trips().filter(vehicule_id=dock.vehicule_id).exists():
        raise invalid("vehicule", _("The vehicle is on a trip."))
    for vehicule in load(rows_of(Bike).filter(pk=dock.vehicule_id)):
        work.change(vehicule, station_id=dock.station_id)


def delete(*, spec: Spec, pk: str, now: datetime, final: bool = False) -> Resource | None:
    """Deletes a resource; None when it is gone.

    Of cyclists and abonnements the deletion is first requested, and they are returned; `final` deletes them.
    """
    if spec.model is Cyclist and not final:
        return people.request_deletion(cyclist_id=pk, now=now)
    if spec.model is Cyclist:
        people.erase_cyclist(cyclist_id=pk, now=now)
    elif spec.model is Subscription and not final:
        return subscriptions.request_deletion(abonnement_id=pk, now=now)
    elif spec.model is Subscription:
        subscriptions.delete(abonnement_id=pk, now=now)
    else:
        with ResourceUnitOfWork.begin(now, audited=True) as work:
            row: Any = load_by_id(spec.model, pk)
            spec.before_delete(work, row)
            work.delete(row)
    return None


def _as_refusal(error: IntegrityError) -> Refused:
    """A constraint of the database as a sentence: it is the last to know what came at the same time."""
    named = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
    sentences = {
        "station_external_once": _("There is a station of this external_id already."),
        "boitier_number_once": _("There is a boitier of this number already."),
        "vehicule_number_once": _("There is a vehicule of this number in the program already."),
        "dock_rfid_once": _("There is a dock with this tag in the program already."),
        "dock_end_code_once": _("There is a dock with this end code in the program already."),
        "pass_uid_once": _("There is a pass of this number in the program already."),
        "registration_once": _("The cyclist is registered in this program already."),
        "zone_external_once": _("There is a zone of this external_id already."),
    }
    return refusal(Refusal.DUPLICATE, sentences.get(named, ""))
