"""Mails that came back, from whatever receives them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec
from django.http import HttpRequest
from django.utils import timezone

from core.api import Problem, raw_body
from core.pieces import why_malformed
from core.schema_words import readable
from outbox.api.base import WRITE, router
from outbox.services.bounces.taking import take_report

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "message/rfc822": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "raw": {"type": "string", "description": "the mail as it came, headers first"},
                        "recipient": {"type": "string", "description": "the address that it came to"},
                    },
                    "required": ["raw"],
                }
            },
        },
    }
}


_HINT = "Send the mail as message/rfc822, or as JSON with the field raw"


class BounceIn(msgspec.Struct):
    """A mail in JSON; unknown fields are left out."""

    raw: str
    recipient: str = ""


@router.post(
    "/outbox/bounces",
    auth=WRITE,
    summary="Take a mail that came back (RFC 3464) or a complaint (RFC 5965)",
    openapi_extra=_BODY,
)
def take_bounce(request: HttpRequest, recipient: str = "") -> dict[str, Any]:
    """The mail as it is (`Content-Type: message/rfc822`), or as `{"raw", "recipient"?}`.

    `matched` says how many deliveries it is about: 0 for what is no report, or about no mail of ours. `bounced`,
    `delayed` and `complained` count what is new.
    """
    body = raw_body(request)
    raw, envelope_to = body, recipient
    if (request.content_type or "").lower() in ("application/json", ""):
        try:
            given = msgspec.convert(msgspec.json.decode(body), BounceIn)
        except msgspec.ValidationError as error:
            raise Problem(422, f"{_HINT}: {readable(error)}.", [{"pointer": "/raw", "detail": "the mail"}]) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(400, f"The body is not valid JSON: {why_malformed(error)}. {_HINT}.") from error
        raw, envelope_to = given.raw.encode("utf-8", "replace"), given.recipient or recipient
    if not raw.strip():
        raise Problem(400, "The body is empty; it must be the mail that came back.")
    return asdict(take_report(raw=raw, envelope_to=envelope_to, now=timezone.now()))
