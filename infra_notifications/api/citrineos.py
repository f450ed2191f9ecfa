"""The door for CitrineOS, which can send no header: its key stands in the address."""

from __future__ import annotations

import msgspec
import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core.api import Problem, problem_response, raw_body
from core.batches import MAX_ITEMS, batch_answer
from core.choices import Scope
from core.keys import admit
from core.permissions import public
from core.pieces import MALFORMED, why_malformed
from core.text import as_utf8
from infra_notifications.rules.frame_text import decoded
from infra_notifications.services.citrineos import take_events

log = structlog.get_logger("signalbox.citrineos")


@csrf_exempt
@public
@require_POST
def receive_events(request: HttpRequest, token: str) -> HttpResponse:
    """Takes what a subscription of CitrineOS sends, one event or an array of them: 202 after the commit.

    `token` is an API key with the scope charging:write, of which only a digest is stored and which can be revoked.
    """
    try:
        return _receive(request, token)
    except Problem as problem:
        return problem_response(problem)
    except DatabaseError as error:
        log.error("an event of CitrineOS was not stored", error=str(error).strip())
        return problem_response(Problem(503, "It was not stored; send it again.", headers={"Retry-After": "5"}))


def _receive(request: HttpRequest, token: str) -> HttpResponse:
    sentence = "The address must end with a valid API key; an administrator makes one in the console."
    key = admit(request, token, Scope.CHARGING_WRITE.value, sentence)
    try:
        value, note = decoded(as_utf8(raw_body(request)))
    except MALFORMED as error:
        raise Problem(400, f"The body is not valid JSON: {why_malformed(error)}.") from error
    bodies = value if isinstance(value, list) else [value]
    if len(bodies) > MAX_ITEMS:
        raise Problem(413, f"A batch holds at most {MAX_ITEMS} events; this one has {len(bodies)}.")
    intake = take_events(key=key, bodies=bodies)
    if note and not intake.rejected:
        intake.warnings.append((0, note))
    answer = batch_answer(intake.accepted, intake.duplicates, intake.rejected, intake.warnings)
    return HttpResponse(msgspec.json.encode(answer), status=202, content_type="application/json")
