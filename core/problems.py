"""Errors for machines: `application/problem+json` (RFC 9457), with a sentence that says what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from django.http import HttpResponse


class Problem(Exception):
    """An error for a machine: its status, a sentence, and a pointer to each wrong field."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.headers = status, detail, list(errors), headers or {}


def problem_response(problem: Problem) -> HttpResponse:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = problem.errors
    return HttpResponse(
        json.dumps(body),
        status=problem.status,
        content_type="application/problem+json",
        headers=problem.headers,
    )


_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_EXPECTED = re.compile(r"Expected `([^`]*)`(.*?)(?:, got `([^`]*)`)?", re.DOTALL)
_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "object": "an object",
    "array": "a list",
}


def readable(error: msgspec.ValidationError) -> str:
    """msgspec's message in words of people, behind the field that it is about: "inner.size: must be a whole number"."""
    message, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    if missing := _MISSING.fullmatch(message):
        return f"`{path}{'.' * bool(path)}{missing[1]}` is missing."
    if expected := _EXPECTED.fullmatch(message):
        message = f"must be {_kinds(expected[1])}{expected[2]}"
        message += f", not {_kinds(expected[3])}" if expected[3] else ""
        return f"{path}: {message}" if path else f"It {message}."
    return f"{path}: {message}" if path else message


def _kinds(said: str) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in said.split(" | "))
