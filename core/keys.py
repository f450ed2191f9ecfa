"""At the door for machines: whose key it is, whether it may ask so often, and what is noted of who is refused."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.http import HttpRequest
from django.utils import timezone
from prometheus_client import Counter

from core import rates
from core.addresses import client_address
from core.models import ApiKey
from core.problems import Problem
from core.rates import Verdict
from core.selectors import find_api_key, key_prefix
from core.services import touch_api_key

log = structlog.get_logger("signalbox.security")
REFUSED = Counter("signalbox_refused", "Credentials that were refused, and those that came too often", ["what", "why"])
TOO_OFTEN = "Too many requests; wait as long as Retry-After says."


def admit(request: HttpRequest, plain: str, scope: str, sentence: str, headers: dict[str, str] | None = None) -> ApiKey:
    """The key that this text is. Raises Problem: 401 with the sentence for no key of ours, 403 for one without the
    scope, 429 for one that asks too often."""
    now = timezone.now()
    key = find_api_key(plain, now)
    if key is None:
        raise refuse(request, "key", sentence, headers, key_prefix=key_prefix(plain), why=_why(plain, now))
    structlog.contextvars.bind_contextvars(key_id=key.pk, key_prefix=key.prefix)
    slow_down(request, rates.of_key(key.pk), "key")
    touch_api_key(key=key, now=now)
    if scope not in key.scopes:
        REFUSED.labels("key", "scope").inc()
        log.warning("key refused", address=client_address(request), path=request.path, why="scope", scope=scope)
        raise Problem(403, f"This key lacks the scope {scope}.")
    return key


def slow_down(request: HttpRequest, verdict: Verdict | None, what: str) -> None:
    """Has the answer tell what is left of a limit. Raises Problem 429 where nothing is."""
    request.rate = verdict  # type: ignore[attr-defined]
    if verdict is not None and verdict.is_refused:
        REFUSED.labels(what, "too often").inc()
        raise Problem(429, TOO_OFTEN, headers=verdict.headers)


def refuse(
    request: HttpRequest, what: str, sentence: str, headers: dict[str, str] | None = None, **facts: str
) -> Problem:
    """Notes a credential that is wrong or lacking, and returns what is answered: 401, or 429 where its address has sent
    too many that are wrong."""
    facts.setdefault("why", "wrong")
    REFUSED.labels(what, facts["why"]).inc()
    verdict = rates.of_stranger(request) if facts["why"] != "none" else None
    is_limited = verdict is not None and verdict.is_refused
    log.warning(f"{what} refused", address=client_address(request), path=request.path, limited=is_limited, **facts)
    if verdict is not None and is_limited:
        return Problem(429, TOO_OFTEN, headers=verdict.headers)
    return Problem(401, sentence, headers=headers)


def _why(plain: str, now: datetime) -> str:
    if not plain:
        return "none"
    key = ApiKey.objects.filter(prefix=prefix).first() if (prefix := key_prefix(plain)) else None
    if key is None:
        return "unknown"
    return "wrong" if key.is_usable(now) else "revoked" if key.revoked_at else "expired"
