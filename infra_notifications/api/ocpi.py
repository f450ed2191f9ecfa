"""The door for parties of OCPI 2.2.1 and 2.3.0: versions, credentials, and the receiver's side of Locations.

Answers and errors have OCPI's own envelope (`data`, `status_code`, `status_message`, `timestamp`) and codes; HTTP codes
are those of its chapters "Transport and format" and "Status codes".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import structlog
from django.conf import settings
from django.db import DatabaseError, DataError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from core import rates
from core.api import Problem, limited_body, rfc3339
from core.keys import refuse, slow_down
from core.permissions import public
from core.pieces import MALFORMED, decode_any, why_malformed
from core.text import one_line
from infra_notifications.choices import OcpiPartyState
from infra_notifications.models import OcpiParty
from infra_notifications.rules.ocpi import VERSIONS
from infra_notifications.rules.ocpi.merging import INVALID, UNKNOWN_LOCATION, BadObject, Push
from infra_notifications.services.ocpi.locations import NotYours, Taken, check_owner, stored_object, take_pushes
from infra_notifications.services.ocpi.parties import (
    UNSUPPORTED_VERSION,
    confirm_token,
    is_old_token,
    our_credentials,
    party_of,
    register,
    unregister,
)
from infra_notifications.services.ocpi.pulls import fetch_soon

log = structlog.get_logger("signalbox.ocpi")
SUCCESS, SERVER_ERROR = 1000, 3000
_READS = ("GET", "HEAD")


@dataclass
class _Answer(Exception):
    """What is answered, also where it is an error."""

    status: int = 200
    code: int = SUCCESS
    message: str = ""
    data: Any = msgspec.UNSET
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Call:
    """A request of a party that is known, and the token by which it is."""

    request: HttpRequest
    party: OcpiParty
    token: str
    now: datetime

    @property
    def method(self) -> str:
        return "GET" if self.request.method == "HEAD" else self.request.method or ""

    @property
    def is_registered(self) -> bool:
        return self.party.state == OcpiPartyState.REGISTERED

    @property
    def is_repeated(self) -> bool:
        return is_old_token(self.party, self.token)

    def body(self) -> Any:
        """The JSON body. Raises _Answer 400 for what is none."""
        try:
            return decode_any(limited_body(self.request))[0]
        except Problem as problem:
            raise _Answer(problem.status, INVALID, problem.detail) from problem
        except MALFORMED as error:
            raise _Answer(400, INVALID, f"The body is not valid JSON: {why_malformed(error)}.") from error


@csrf_exempt
@public
def ocpi(request: HttpRequest, path: str) -> HttpResponse:
    """Everything below /ocpi/."""
    is_routed = False
    try:
        call = _authenticated(request)
        structlog.contextvars.bind_contextvars(ocpi_party=call.party.pk)
        parts = [part for part in path.split("/") if part]
        if {"credentials", "locations"} & set(parts):
            confirm_token(party=call.party, token=call.token)
        is_routed = "locations" in parts
        answer = _dispatch(call, parts)
    except _Answer as error:
        answer = error
    except BadObject as error:
        status = 404 if error.code == UNKNOWN_LOCATION else 200
        answer = _Answer(status, error.code, str(error))
    except NotYours:
        answer = _Answer(404, UNKNOWN_LOCATION, "This location is not one of yours.")
    except DataError as error:
        answer = _Answer(200, INVALID, f"It cannot be stored: {str(error).strip().splitlines()[0]}.")
    except DatabaseError as error:
        log.error("a message of OCPI was not stored", error=str(error).strip())
        answer = _Answer(503, SERVER_ERROR, "It was not stored; send it again.", headers={"Retry-After": "30"})
    return _response(request, answer, is_routed=is_routed)


def _authenticated(request: HttpRequest) -> _Call:
    found = party_of(request.headers.get("Authorization", ""))
    try:
        if found is None:
            asked = {"WWW-Authenticate": "Token"}
            raise refuse(request, "token of OCPI", "Send `Authorization: Token <your token in Base64>`.", asked)
        slow_down(request, rates.of_key(f"ocpi:{found[0].pk}"), "token of OCPI")
    except Problem as problem:
        raise _Answer(problem.status, INVALID, problem.detail, headers=problem.headers) from problem
    return _Call(request, *found, timezone.now())


def _dispatch(call: _Call, parts: list[str]) -> _Answer:
    handlers: dict[str, Callable[[], _Answer]] = {}
    match parts:
        case ["versions"] | ["emsp", "versions"]:
            handlers = {"GET": lambda: _Answer(data=_versions())}
        case [version] | ["emsp", version]:
            _check_version(version)
            handlers = {"GET": lambda: _Answer(data=_details(version))}
        case [version, "credentials"] | ["emsp", version, "credentials"]:
            _check_version(version)
            handlers = {
                "GET": lambda: _Answer(data=our_credentials(call.token)),
                "POST": lambda: _register(call, version, is_first=True),
                "PUT": lambda: _register(call, version, is_first=False),
                "DELETE": lambda: _unregister(call),
            }
        case ["emsp", version, "locations", *place] | [version, "locations", *place] if 3 <= len(place) <= 5:
            _check_version(version)
            if not call.is_registered:
                raise _Answer(401, INVALID, "Register first: this token is for `versions` and `credentials` alone.")
            handlers = {
                "GET": lambda: _get_object(call, place),
                "PUT": lambda: _push(call, place, is_patch=False),
                "PATCH": lambda: _push(call, place, is_patch=True),
            }
        case _:
            raise _Answer(404, INVALID, "There is no such endpoint; `/ocpi/versions` leads to those that there are.")
    handler = handlers.get(call.method)
    if handler is None:
        allowed = ", ".join(handlers)
        raise _Answer(405, INVALID, f"This endpoint takes {allowed} alone.", headers={"Allow": allowed})
    return handler()


def _check_version(version: str) -> None:
    if version not in VERSIONS:
        raise _Answer(404, UNSUPPORTED_VERSION, f"Versions {' and '.join(VERSIONS)} are supported.")


def _response(request: HttpRequest, answer: _Answer, *, is_routed: bool) -> HttpResponse:
    envelope: dict[str, Any] = {} if answer.data is msgspec.UNSET else {"data": answer.data}
    envelope["status_code"] = answer.code
    envelope["status_message"] = answer.message or "Success"
    envelope["timestamp"] = rfc3339(timezone.now())
    response = HttpResponse(msgspec.json.encode(envelope), status=answer.status, content_type="application/json")
    for name, value in answer.headers.items():
        response[name] = value
    for name in ("X-Request-ID", "X-Correlation-ID"):
        if value := one_line(request.headers.get(name, ""))[:200]:
            response[name] = value
    if is_routed:
        _route_back(request, response)
    return response


def _route_back(request: HttpRequest, response: HttpResponse) -> None:
    """An answer goes from whom the request went to, back to whom it came from."""
    country, code = settings.OCPI_PARTY
    headers = {
        "OCPI-to-country-code": request.headers.get("OCPI-from-country-code", ""),
        "OCPI-to-party-id": request.headers.get("OCPI-from-party-id", ""),
        "OCPI-from-country-code": request.headers.get("OCPI-to-country-code", country),
        "OCPI-from-party-id": request.headers.get("OCPI-to-party-id", code),
    }
    for name, value in headers.items():
        if value := one_line(value)[:10]:
            response[name] = value


# ---- versions and credentials ---------------------------------------------------------------------------------------


def _url(path: str) -> str:
    return f"{settings.PUBLIC_URL}/ocpi/{path}"


def _versions() -> list[dict[str, str]]:
    return [{"version": version, "url": _url(version)} for version in VERSIONS]


def _details(version: str) -> dict[str, Any]:
    endpoints = (
        ("credentials", "SENDER", f"{version}/credentials"),
        ("locations", "RECEIVER", f"emsp/{version}/locations"),
    )
    return {
        "version": version,
        "endpoints": [{"identifier": name, "role": role, "url": _url(path)} for name, role, path in endpoints],
    }


def _register(call: _Call, version: str, *, is_first: bool) -> _Answer:
    # By its old token it says once more what it had said: the answer did not arrive.
    if call.is_registered is is_first and not call.is_repeated:
        allowed = "GET, PUT, DELETE" if call.is_registered else "GET, POST"
        said = "You are registered; change it by PUT." if is_first else "You are not registered yet; POST first."
        raise _Answer(405, INVALID, said, headers={"Allow": allowed})
    _party, token = register(party=call.party, body=call.body(), version=version, used=call.token, now=call.now)
    # Its locations are due now.
    fetch_soon()
    return _Answer(data=our_credentials(token))


def _unregister(call: _Call) -> _Answer:
    if not call.is_registered:
        raise _Answer(405, INVALID, "You are not registered.", headers={"Allow": "GET, POST"})
    unregister(party=call.party, now=call.now)
    return _Answer()


# ---- locations ------------------------------------------------------------------------------------------------------


def _get_object(call: _Call, place: list[str]) -> _Answer:
    check_owner(call.party, place[0], place[1])
    found = stored_object(call.party, *place)
    if found is None:
        raise _Answer(404, UNKNOWN_LOCATION, "Unknown location, EVSE or connector; PUT it first.")
    return _Answer(data=found)


def _push(call: _Call, place: list[str], *, is_patch: bool) -> _Answer:
    push = Push(*place, body=call.body(), is_patch=is_patch)
    taken = take_pushes(party=call.party, pushes=[push], now=call.now)
    if taken.errors:
        raise taken.errors[0][1]
    return _Answer(201 if taken.is_created and not is_patch else 200, message=_message(taken))


def _message(taken: Taken) -> str:
    """What was not taken of an object, or looked odd; OCPI has no code for a part of one."""
    sentences = [*taken.rejections, *taken.cautions]
    if taken.stale and not taken.accepted:
        sentences.append("It is older than what is known; nothing was changed.")
    return " ".join(sentences)[:1000]
