"""What all endpoints for machines share: keys and scopes, problem details, cursors, limits.

Errors are `application/problem+json` (RFC 9457): `{"type", "title", "status", "detail", "errors"?: [{"pointer",
"detail"}]}`, where `detail` is a sentence that says what to do.
"""

from __future__ import annotations

import base64
import difflib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ClassVar, TypeVar, get_args

import msgspec
import structlog
from auditlog.context import set_extra_data
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja import Router as NinjaRouter
from ninja.errors import HttpError
from ninja.errors import ValidationError as InputError
from ninja.operation import Operation
from ninja.parser import Parser
from ninja.security import HttpBearer
from ninja.utils import contribute_operation_callback
from pydantic import BaseModel, ConfigDict

from core.addresses import asked_from
from core.bodies import GZIP, CompressionError, decompress
from core.keys import admit
from core.memory import is_short_of_memory, let_go
from core.models import ApiKey
from core.pieces import repeated_keys, why_malformed
from core.problems import Problem as Problem
from core.problems import problem_response as problem_response
from core.refusal import INVALID, Refused
from core.schema_words import sentence_of
from core.search import SearchError
from core.text import clean_json

log = structlog.get_logger("signalbox.api")
MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_LIMIT = 500

ModelT = TypeVar("ModelT", bound=Model)


class ScopedKey(HttpBearer):
    """`Authorization: Bearer <key>` with a scope; `request.auth` is then the ApiKey. 401 without, 403 short of it."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> ApiKey:
        scheme, _blank, plain = request.headers.get("Authorization", "").partition(" ")
        plain = plain.strip() if scheme.lower() == "bearer" else ""
        return admit(request, plain, self.scope, _SEND_A_KEY, {"WWW-Authenticate": 'Bearer realm="Signalbox"'})

    def authenticate(self, request: HttpRequest, token: str) -> None:
        """Not asked: `__call__` does it all."""


_SEND_A_KEY = "Send a valid API key as `Authorization: Bearer <key>`; an administrator makes one in the console."


def key_of(request: HttpRequest) -> ApiKey:
    """The key that authenticated this request."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    return key


def audited_by(key: ApiKey) -> Any:
    """A context in which the audit log names this key as the author of each change, and whence it asked."""
    return set_extra_data({"additional_data": {"api_key": key.name}, "remote_addr": asked_from.get() or None})


def limited_body(request: HttpRequest) -> bytes:
    """The JSON body without what cannot be stored; 413 above 5 MiB before it is read, 422 where it repeats a key."""
    body = clean_json(raw_body(request))
    if names := repeated_keys(body):
        raise Problem(422, f"The body holds `{names[0][:60]}` twice in one object; send it once.")
    return body


def raw_body(request: HttpRequest) -> bytes:
    """The body as it came, refused with 413 above 5 MiB before it is read; what was compressed is so no more."""
    length = request.headers.get("Content-Length") or "0"
    if (length.isdigit() and int(length) > MAX_BODY_BYTES) or len(request.body) > MAX_BODY_BYTES:
        raise _too_large()
    encoding = request.META.get("HTTP_CONTENT_ENCODING")
    if not encoding and request.body[:2] != GZIP:
        return request.body
    try:
        return decompress(request.body, encoding or "gzip", MAX_BODY_BYTES)
    except CompressionError as error:
        raise Problem(error.status, str(error)) from error


def needs_too_much(error: BaseException) -> Problem:
    """Not 503: sent again as it is, it would need as much."""
    let_go(error)
    return Problem(413, "This request needs more memory than one may take; nothing was kept. Send less at once.")


def _too_large() -> Problem:
    return Problem(413, "The body is larger than 5 MiB; send smaller batches.")


class BodyParser(Parser):
    """Reads the bodies of endpoints that declare a schema: strict JSON, and no more of it than anywhere else."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        try:
            parsed: dict[str, Any] = msgspec.json.decode(limited_body(request))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(400, f"The body is not valid JSON: {why_malformed(error)}.") from error
        return parsed


# ---- unknown fields and parameters ----------------------------------------------------------------------------------


class ConfigurationIn(Schema):
    """The body of what configures Signalbox: a field that nobody knows is refused, for it would be without effect."""

    model_config = ConfigDict(extra="forbid")


class PartialIn(ConfigurationIn):
    """Put behind a configuration's own schema, it makes the body of a PATCH: everything may be left out."""

    # The fields that have no value where they are null.
    solid: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **_options: Any) -> None:
        fields = cls.model_fields.items()
        cls.solid |= {name for name, field in fields if type(None) not in get_args(field.annotation)}
        for field in cls.model_fields.values():
            field.annotation, field.default, field.default_factory = field.annotation | None, None, None  # type: ignore[operator,assignment]
        cls.model_rebuild(force=True)

    def changes(self) -> dict[str, Any]:
        """What was sent; null is the same as nothing where a field may be that. Raises Problem 422 where not."""
        sent = self.model_dump(exclude_unset=True)
        if errors := [
            {"pointer": f"/{name}", "detail": "It cannot be null; leave it out to keep what it is."}
            for name, value in sent.items()
            if value is None and name in self.solid
        ]:
            raise Problem(422, "Some fields are not valid; `errors` names each.", errors)
        return {name: value for name, value in sent.items() if value is not None}


class Router(NinjaRouter):
    """A router whose operations with parameters refuse others: a filter with a slip of the pen in its name would find
    everything."""

    def add_api_operation(self, path: str, methods: list[str], view_func: Callable[..., Any], **options: Any) -> None:
        contribute_operation_callback(view_func, _refuse_unknown_parameters)
        super().add_api_operation(path, methods, view_func, **options)


def _query_parameters(operation: Operation) -> list[str]:
    """The query parameters that an operation knows."""
    sources = [model for model in operation.models if model.__ninja_param_source__ == "query"]
    return [name for model in sources for name in model.model_fields]


def _refuse_unknown_parameters(operation: Operation) -> None:
    known, view = _query_parameters(operation), operation.view_func
    if not known:
        return

    @wraps(view)
    def checked(request: HttpRequest, **values: Any) -> Any:
        errors = [
            {"pointer": f"/{name}", "detail": _unknown("parameter", name, known)}
            for name in request.GET
            if name not in known
        ] + [
            {"pointer": f"/{name}", "detail": f"The parameter `{name}` stands there twice; send it once."}
            for name in known
            if len(request.GET.getlist(name)) > 1
        ]
        if errors:
            raise Problem(422, "Some parameters are unknown or stand there twice; `errors` names each.", errors)
        return view(request, **values)

    operation.view_func = checked


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"did you mean `{nearest[0]}`?" if nearest else f"known are {', '.join(f'`{k}`' for k in known)}."
    return f"There is no {what} `{name}`; {hint}"


class MachineAPI(NinjaAPI):
    """Errors are problem documents, and an unknown field is answered with the nearest that is known."""

    def __init__(self, **options: Any) -> None:
        super().__init__(parser=BodyParser(), **options)
        install_error_handlers(self)

    def validation_error_from_error_contexts(self, error_contexts: list[Any]) -> InputError:
        problem = super().validation_error_from_error_contexts(error_contexts)
        errors = [(e, context.model) for context in error_contexts for e in context.pydantic_validation_error.errors()]
        for named, (error, model) in zip(problem.errors, errors, strict=True):
            *path, name = error["loc"] or ("",)
            is_unknown = error["type"] == "extra_forbidden"
            named["msg"] = _unknown("field", str(name), _fields_at(model, path)) if is_unknown else sentence_of(error)
        return problem


def _fields_at(model: Any, path: Sequence[int | str]) -> list[str]:
    """The fields of the model that lies at a path within another."""
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation)
    return list(model.model_fields)


def _model_in(annotation: Any) -> Any:
    """The model in an annotation such as `list[Model] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner)) is not None), None)


def encode_cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Any:
    """What a cursor holds. Raises Problem 400 for a foreign one, also for a text that no column can hold."""
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise foreign_cursor() from error
    if isinstance(value, str) and "\0" in value:
        raise foreign_cursor()
    return value


def foreign_cursor() -> Problem:
    return Problem(400, "The cursor is not one that this API gave; start again without it.")


def page_of(
    queryset: QuerySet[ModelT],
    *,
    limit: int,
    cursor: str | None,
    shape: Callable[[ModelT], dict[str, Any]],
    prepare: Callable[[Sequence[ModelT]], None] = lambda rows: None,
    descending: bool = True,
) -> dict[str, Any]:
    """One page in the order of the primary key: `{"items": […], "next": cursor | null}`.

    `prepare` gets the rows of the page before they are shaped, to read for all of them what each needs.

    Raises Problem 400 for a foreign cursor, 422 for a limit outside 1…500.
    """
    check_limit(limit)
    if cursor:
        last = pk_of_cursor(cursor)
        queryset = queryset.filter(Q(pk__lt=last) if descending else Q(pk__gt=last))
    rows = list(queryset.order_by("-pk" if descending else "pk")[: limit + 1])
    more = len(rows) > limit
    prepare(rows[:limit])
    return {
        "items": [shape(row) for row in rows[:limit]],
        "next": encode_cursor(rows[limit - 1].pk) if more else None,
    }


def pk_of_cursor(cursor: str) -> int:
    """The last row's key in a cursor of a list. Raises Problem 400 for a foreign one."""
    last = decode_cursor(cursor)
    if not isinstance(last, int) or isinstance(last, bool):
        raise foreign_cursor()
    return last


def check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        raise Problem(
            422,
            f"`limit` must be between 1 and {MAX_LIMIT}.",
            [{"pointer": "/limit", "detail": f"between 1 and {MAX_LIMIT}"}],
        )


def rfc3339(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds, e.g. 2026-11-21T05:40:00.123Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def serialize(row: object, *names: str) -> dict[str, Any]:
    """These attributes of a row under their own names, moments by RFC 3339."""
    values = {name: getattr(row, name) for name in names}
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _pointer(location: Sequence[Any]) -> str:
    # ninja's locations begin with where it looked ("body", the parameter's name); the rest is the JSON path.
    parts = [str(p) for p in location]
    if parts and parts[0] == "body":
        parts = parts[2:]
    elif parts and parts[0] in ("query", "path", "header"):
        parts = parts[1:]
    return "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)  # RFC 6901


def _on_input_error(_request: HttpRequest, error: InputError) -> HttpResponse:
    errors = [{"pointer": _pointer(e["loc"]), "detail": str(e["msg"])} for e in error.errors]
    return problem_response(Problem(422, "Some fields are not valid; `errors` names each.", errors))


def refused_problem(refused: Refused) -> Problem:
    """422 for what the sender can correct, else 409; where no field says what stands in the way, the code does."""
    is_conflict = refused.code != INVALID
    errors = [{"pointer": f"/{reason.field}", "detail": reason.sentence} for reason in refused.reasons]
    if is_conflict:
        errors = [error if error["pointer"] != "/" else error | {"code": refused.code} for error in errors]
    return Problem(409 if is_conflict else 422, refused.sentence, errors)


def _on_http_error(_request: HttpRequest, error: HttpError) -> HttpResponse:
    cause = error.__cause__
    if isinstance(cause, Problem):  # ninja wraps what its parser raised
        return problem_response(cause)
    return problem_response(Problem(error.status_code, str(error)))


def _on_search_error(_request: HttpRequest, error: SearchError) -> HttpResponse:
    return problem_response(Problem(422, str(error), [{"pointer": "/q", "detail": str(error)}]))


def _on_data_error(_request: HttpRequest, error: DataError) -> HttpResponse:
    """PostgreSQL refused a value as such: a character that it cannot store, a number beyond its column."""
    said = str(error).strip().split("\n")[0]
    return problem_response(Problem(422, f"A value cannot be stored or searched for: {said}."))


def _on_database_away(_request: HttpRequest, error: Exception) -> HttpResponse:
    if is_short_of_memory(error):
        return problem_response(needs_too_much(error))
    log.error("the database did not do its part", error=str(error).strip())
    sentence = "Signalbox cannot reach its database at the moment; nothing of this request was kept. Send it again."
    return problem_response(Problem(503, sentence, headers={"Retry-After": "5"}))


def install_error_handlers(api: NinjaAPI) -> None:
    """Makes every error of this API a problem document."""
    handlers: dict[type[Exception], Any] = {
        Problem: lambda _request, problem: problem_response(problem),
        RequestDataTooBig: lambda _request, _error: problem_response(_too_large()),
        DataError: _on_data_error,
        MemoryError: lambda _request, error: problem_response(needs_too_much(error)),
        OperationalError: _on_database_away,
        InterfaceError: _on_database_away,
        InputError: _on_input_error,
        Refused: lambda _request, refused: problem_response(refused_problem(refused)),
        HttpError: _on_http_error,
        SearchError: _on_search_error,
        Http404: lambda _request, _error: problem_response(Problem(404, "There is no such thing, or it is gone.")),
    }
    if not settings.DEBUG:
        handlers[Exception] = _on_crash
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _on_crash(request: HttpRequest, error: Exception) -> HttpResponse:
    if is_short_of_memory(error):
        return problem_response(needs_too_much(error))
    log.error("unexpected error", path=request.path, exc_info=error)
    response = problem_response(
        Problem(
            500,
            "Signalbox met an unexpected error; nothing of this request was kept. Its id is in X-Request-ID.",
        )
    )
    response._has_been_logged = True  # type: ignore[attr-defined] # Django would write a second line
    return response
