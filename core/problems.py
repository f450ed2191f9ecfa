"""Errors for machines: `application/problem+json` (RFC 9457), with a sentence that says what to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

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
