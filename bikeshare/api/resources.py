"""The resources and their programs: list, create (one or a batch), read, change, delete."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from bikeshare import selectors
from bikeshare.api.helpers import (
    READ,
    WRITE,
    answer,
    corrections_of,
    page_of_ids,
    read_and_said,
    refuse_misspelt,
    serialize,
    serialize_all,
    serialize_program,
    serialize_trip,
    with_warnings,
    wrong_field,
)
from bikeshare.ingest.resources import ProgramBody, ResourceBody, TripBody, values_of
from bikeshare.models import Program, Trip
from bikeshare.search import PROGRAM_SEARCH, SEARCHES
from bikeshare.services import programs, resources
from bikeshare.services.refusals import invalid
from bikeshare.services.renting import start_trip
from bikeshare.services.specs import SPECS, Spec
from core.api import Router, audited_by, key_of, raw_body
from core.batches import BatchDecoder, batch_answer, batch_openapi, inline
from core.refusal import Refused

router = Router()


def body_openapi(kind: type[msgspec.Struct], *, needed: bool = True) -> dict[str, Any]:
    """`openapi_extra` for an endpoint that reads one object of this type."""
    schemas, components = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    media = {"schema": inline(schemas[0], components)}
    return {"requestBody": {"required": needed, "content": {"application/json": media}}}


def add_resource(spec: Spec) -> None:
    """The five operations of a resource."""
    name, plural, search = spec.name, spec.plural, SEARCHES[spec.plural]
    batch, single = BatchDecoder(spec.body, corrections_of(spec.body)), msgspec.json.Decoder(spec.body)

    def list_rows(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
        rows = selectors.rows_of(spec.model).filter(search.condition(q))
        return page_of_ids(rows, limit=limit, cursor=cursor, convert=serialize_all)

    def make(request: HttpRequest) -> HttpResponse:
        body = raw_body(request)
        decoded = batch.decode(body)
        if decoded.is_single and decoded.warnings:
            refuse_misspelt(body, spec.body)
        with audited_by(key_of(request)):
            if decoded.is_single:
                for _index, sentence in decoded.rejected:
                    raise wrong_field(sentence)
                said = [sentence for _index, sentence in decoded.warnings]
                return answer(with_warnings(_make_one(spec, decoded.items[0][1]), said), 201)
            made, rejected = _make_many(spec, decoded.items)
        return answer(batch_answer(made, 0, decoded.rejected + rejected, decoded.warnings), 202)

    def read(request: HttpRequest, uid: str) -> dict[str, Any]:
        row = _row(spec, uid)
        return serialize_trip(row) if isinstance(row, Trip) else serialize(row)

    def change(request: HttpRequest, uid: str) -> HttpResponse:
        _row(spec, uid)
        body, said = read_and_said(request, single)
        with audited_by(key_of(request)):
            changed = resources.patch(spec=spec, pk=uid, body=body, now=timezone.now())
            return answer(with_warnings(serialize(changed), said))

    def delete(request: HttpRequest, uid: str, final: bool = False) -> HttpResponse:
        _row(spec, uid)
        with audited_by(key_of(request)):
            left = resources.delete(spec=spec, pk=uid, now=timezone.now(), final=final)
        return answer(serialize(left)) if left is not None else HttpResponse(status=204)

    two_steps = " At first its deletion is only requested; `final=true` deletes it." if name in TWO_STEPS else ""
    made_of = batch_openapi(spec.body)["requestBody"]
    _add(f"/{plural}", "GET", list_rows, f"{plural}, by Magic Search")
    _add(
        f"/{plural}", "POST", make, f"Make a {name}, or a batch of up to 1,000", openapi_extra={"requestBody": made_of}
    )
    _add(f"/{plural}/{{uid}}", "GET", read, f"One {name}")
    _add(f"/{plural}/{{uid}}", "PATCH", change, f"Change a {name}", openapi_extra=body_openapi(spec.body))
    _add(f"/{plural}/{{uid}}", "DELETE", delete, f"Delete a {name}.{two_steps}")


TWO_STEPS = ("cyclist", "abonnement")


def _add(path: str, method: str, view: Any, summary: str, **more: Any) -> None:
    name = f"bikeshare_{view.__name__}_{path.split('/')[1]}" + ("" if "{" in path or method != "GET" else "_all")
    auth = READ if method == "GET" else WRITE
    router.add_api_operation(path, [method], view, auth=auth, summary=summary, operation_id=name, url_name=name, **more)


def _row(spec: Spec, uid: str) -> Any:
    return get_object_or_404(selectors.rows_of(spec.model), pk=uid)


def _make_one(spec: Spec, body: ResourceBody) -> dict[str, Any]:
    if isinstance(body, TripBody):
        return _rent(body)
    return serialize(resources.create(spec=spec, body=body, now=timezone.now()))


def _make_many(spec: Spec, items: list[tuple[int, Any]]) -> tuple[int, list[tuple[int, str]]]:
    if spec.model is not Trip:
        return resources.create_many(spec=spec, items=items, now=timezone.now())
    rejected = []
    for index, body in items:
        try:
            _rent(body)
        except Refused as error:
            rejected.append((index, error.line))
    return len(items) - len(rejected), rejected


def _rent(body: TripBody) -> dict[str, Any]:
    """Begins a trip; the answer holds its PIN, this once."""
    values = values_of(body)
    for name in ("cyclist", "vehicule"):
        if not values.get(name):
            raise invalid(name, "It is needed.")
    cyclist, vehicule = values.pop("cyclist"), values.pop("vehicule")
    trip, pin = start_trip(cyclist_id=cyclist, vehicule_id=vehicule, now=timezone.now(), details=values)
    return serialize(trip) | {"pin": pin}


for _spec in SPECS.values():
    add_resource(_spec)


# ---- programs ---------------------------------------------------------------------------------------------------

_program = msgspec.json.Decoder(ProgramBody)


@router.get("/programs", auth=READ, summary="programs, by Magic Search")
def list_programs(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    rows = Program.objects.filter(PROGRAM_SEARCH.condition(q))
    return page_of_ids(
        rows, limit=limit, cursor=cursor, convert=lambda found: [serialize_program(row) for row in found]
    )


@router.post("/programs", auth=WRITE, summary="Make a program", openapi_extra=body_openapi(ProgramBody))
def create_program(request: HttpRequest) -> HttpResponse:
    body, said = read_and_said(request, _program)
    with audited_by(key_of(request)):
        return answer(with_warnings(serialize_program(programs.create_program(body=body)), said), 201)


@router.get("/programs/{uid}", auth=READ, summary="One program")
def get_program(request: HttpRequest, uid: str) -> dict[str, Any]:
    return serialize_program(_program_row(uid))


@router.patch("/programs/{uid}", auth=WRITE, summary="Change a program", openapi_extra=body_openapi(ProgramBody))
def patch_program(request: HttpRequest, uid: str) -> HttpResponse:
    program, (body, said) = _program_row(uid), read_and_said(request, _program)
    with audited_by(key_of(request)):
        return answer(with_warnings(serialize_program(programs.patch_program(program=program, body=body)), said))


@router.delete("/programs/{uid}", auth=WRITE, summary="Delete a program in which nothing ever was")
def delete_program(request: HttpRequest, uid: str) -> HttpResponse:
    program = _program_row(uid)
    with audited_by(key_of(request)):
        programs.delete_program(program=program)
    return HttpResponse(status=204)


def _program_row(uid: str) -> Program:
    return get_object_or_404(Program, pk=uid)
