"""Writes of webhook endpoints: made, changed, paused, resumed, given a new secret, tested, deleted."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.email_addresses import clean_address
from core.refusal import Refused
from core.search import SearchError
from outbox.choices import Channel, DeliveryState, EndpointState, Reason
from outbox.contract import NewEvent, Recipient
from outbox.event_kinds import clean_topics, kinds_of
from outbox.models import Delivery, WebhookEndpoint, WebhookSecret
from outbox.services.deliveries import end_waiting
from outbox.services.endpoint_health import SOURCE, contacts_of, hold_back_waiting, tell_of_move
from outbox.services.publishing import publish
from outbox.subscriptions.conditions import check_condition, compile_condition
from outbox.subscriptions.kinds import WEBHOOK_TEST, WebhookTest
from outbox.subscriptions.matching import Listener
from outbox.subscriptions.stamps import listeners_changed
from outbox.transports.webhook.signing import new_secret
from outbox.transports.webhook.targets import Forbidden, Policy, parse_target

log = structlog.get_logger("signalbox.webhooks")

# After a rotation the old secret signs as well for this long.
OVERLAP = timedelta(hours=24)
# Stands for the value of a header where it is not shown; given back, the value stays.
KEPT = "***"
MAX_DESCRIPTION, MAX_HEADERS, MAX_HEADER_BYTES = 200, 20, 4_096
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # a token of RFC 9110
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")
# What the client, the signature or the connection itself sets.
_RESERVED = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "content-encoding",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "proxy-authorization",
        "proxy-connection",
        "cookie",
    }
)


def policy_from_settings() -> Policy:
    """Where webhooks may go, by the administrator's settings."""
    return Policy(
        tuple(settings.OUTBOX_ALLOWED_NETWORKS),
        tuple(settings.OUTBOX_WEBHOOK_SCHEMES),
        tuple(settings.OUTBOX_WEBHOOK_PORTS),
    )


# ---- what an endpoint may be --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EndpointInput:
    """What a person or a machine says of an endpoint; `cleaned` makes it storable."""

    url: str
    topics: Sequence[str]
    description: str = ""
    condition: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    contact: str = ""
    personal_data: bool = False

    def cleaned(self) -> EndpointInput:
        """Raises Refused with a sentence for each field that cannot be taken."""
        checks = {"url": _url, "topics": clean_topics, "description": _line, "headers": _headers, "contact": _contact}
        values, errors = asdict(self), {}
        for name, check in checks.items():
            try:
                values[name] = check(values[name])  # type: ignore[operator]
            except Refused as error:
                errors[name] = error.sentences
        try:
            values["condition"] = " ".join(self.condition.split())
            # Which fields there are follows from the topics; where those are wrong, only the form is judged.
            if "topics" in errors:
                compile_condition(values["condition"])
            else:
                check_condition(values["condition"], kinds_of(values["topics"]))
        except SearchError as error:
            errors["condition"] = [str(error)]
        if errors:
            raise Refused.by_field(errors)
        return EndpointInput(**values)


def _url(url: str) -> str:
    try:
        return parse_target(url.strip(), policy_from_settings()).url
    except Forbidden as error:
        raise Refused(str(error)) from error


def _line(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > MAX_DESCRIPTION:
        raise Refused(_("At most %(n)d characters.") % {"n": MAX_DESCRIPTION})
    return line


def _contact(address: str) -> str:
    return clean_address(address) if address.strip() else ""


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    if len(headers) > MAX_HEADERS or sum(len(n) + len(v) for n, v in headers.items()) > MAX_HEADER_BYTES:
        raise Refused(
            _("At most %(n)d headers of %(bytes)d bytes in all.") % {"n": MAX_HEADERS, "bytes": MAX_HEADER_BYTES}
        )
    for name, value in headers.items():
        lowered = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            raise Refused(_("“%(name)s” is not the name of a header.") % {"name": name[:100]})
        if lowered in _RESERVED or lowered.startswith("webhook-"):
            raise Refused(_("The header %(name)s is set by Signalbox.") % {"name": name})
        if value == KEPT:
            raise Refused(_("Type the value of %(name)s; *** only stands for one that is kept.") % {"name": name})
        if not _HEADER_VALUE.fullmatch(value):
            raise Refused(
                _("The value of %(name)s is not plain text: visible ASCII characters, no line breaks.") % {"name": name}
            )
    if len({name.lower() for name in headers}) < len(headers):
        raise Refused(_("Two headers have the same name."))
    return dict(headers)


# ---- its life -----------------------------------------------------------------------------------------------------


def create_endpoint(
    *, details: EndpointInput, now: datetime, owner: User | None = None, enabled: bool = True
) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret, which is shown this once. Raises Refused."""
    values = asdict(details.cleaned())
    secret = new_secret()
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.create(
            **values,
            owner=owner,
            created_at=now,
            state=EndpointState.ENABLED if enabled else EndpointState.PAUSED,
            held_since=None if enabled else now,
        )
        WebhookSecret.objects.create(endpoint=endpoint, secret=secret, created_at=now)
        listeners_changed(SOURCE)
    return endpoint, secret


def change_endpoint(*, endpoint: WebhookEndpoint, changes: Mapping[str, Any], now: datetime) -> WebhookEndpoint:
    """Changes some fields of an EndpointInput. Raises Refused.

    What is shown of the URL, and KEPT as the value of a header, leave them as they are. Headers that were meant for one
    host go to no other: they are dropped, and the contact that there was until now is told.
    """
    names = EndpointInput.__dataclass_fields__
    before, shown, contacts = getattr(endpoint, "url", ""), endpoint.shown_url, contacts_of(endpoint)
    asked = dict(changes)
    if asked.get("url", "").strip() == shown:
        del asked["url"]
    known: dict[str, Any] = {name: getattr(endpoint, name, "") for name in names if name not in asked}
    old, new = _origin(before), _origin(asked.get("url", before))
    present = getattr(endpoint, "headers", {})
    given = asked.get("headers", dict.fromkeys(present, KEPT))
    kept = {name for name, value in given.items() if value == KEPT and name in present}
    going = kept if old != new else set()
    asked["headers"] = {
        name: present[name] if name in kept else value for name, value in given.items() if name not in going
    }
    clean = EndpointInput(**known | asked).cleaned()
    with transaction.atomic():
        for name, value in asdict(clean).items():
            setattr(endpoint, name, value)
        endpoint.save(update_fields=list(names))
        listeners_changed(SOURCE)
        if old != new and (going or old[:2] != new[:2]):
            tell_of_move(endpoint=endpoint, before=shown, dropped=sorted(going), contacts=contacts, now=now)
    return endpoint


def _origin(url: str) -> tuple[str, ...]:
    """Who answers there: scheme, host and port, as they are stored."""
    try:
        target = parse_target(url.strip(), policy_from_settings())
    except Forbidden:  # it is refused when it is cleaned, or was allowed once
        return (url,)
    return target.scheme, target.host, str(target.port)


def update_endpoint(
    *, endpoint: WebhookEndpoint, changes: Mapping[str, Any], enabled: bool | None, now: datetime
) -> None:
    """Changes fields, and pauses or resumes where `enabled` says so, all or nothing. Raises Refused."""
    with transaction.atomic():
        if changes:
            change_endpoint(endpoint=endpoint, changes=changes, now=now)
        if enabled is not None:
            (resume_endpoint if enabled else pause_endpoint)(endpoint=endpoint, now=now)


def pause_endpoint(*, endpoint: WebhookEndpoint, now: datetime) -> bool:
    """From now on its events are kept as not sent. Says whether it was enabled until now."""
    return _switch(endpoint, (EndpointState.ENABLED,), EndpointState.PAUSED, now)


def resume_endpoint(*, endpoint: WebhookEndpoint, now: datetime) -> bool:
    """Sends what happens from now on; what was kept can be replayed. Says whether it was paused or disabled."""
    return _switch(endpoint, (EndpointState.PAUSED, EndpointState.DISABLED), EndpointState.ENABLED, now)


def _switch(endpoint: WebhookEndpoint, before: Sequence[EndpointState], after: EndpointState, now: datetime) -> bool:
    with transaction.atomic():
        locked = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk, state__in=before).first()
        if locked is None:
            return False
        locked.state, locked.reason = after, Reason.NONE
        locked.failing_since = locked.warned_at = None  # its clock begins anew
        locked.held_since = None if after == EndpointState.ENABLED else now
        locked.save(update_fields=["state", "reason", "failing_since", "warned_at", "held_since"])
        listeners_changed(SOURCE)
        if after != EndpointState.ENABLED:
            hold_back_waiting(locked, Reason.PAUSED, now)
    endpoint.refresh_from_db()
    return True


def delete_endpoint(*, endpoint: WebhookEndpoint, now: datetime) -> None:
    """Takes an endpoint away; what waits for it is cancelled, what was sent to it stays in the log."""
    with transaction.atomic():
        rows = Delivery.objects.filter(destination=endpoint.key, channel=Channel.WEBHOOK)
        end_waiting(rows, state=DeliveryState.CANCELLED, reason=Reason.DELETED, now=now)
        endpoint.delete()
        listeners_changed(SOURCE)


def rotate_secret(*, endpoint: WebhookEndpoint, now: datetime) -> str:
    """A new secret, shown this once; the old one signs as well for 24 hours."""
    secret = new_secret()
    with transaction.atomic():
        WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        WebhookSecret.objects.filter(endpoint=endpoint, expires_at__lte=now).delete()
        WebhookSecret.objects.filter(endpoint=endpoint, expires_at=None).update(expires_at=now + OVERLAP)
        WebhookSecret.objects.create(endpoint=endpoint, secret=secret, created_at=now)
    return secret


def send_test(*, endpoint: WebhookEndpoint, sent_by: str, now: datetime) -> Delivery:
    """An event for this endpoint alone, on the way of all others, also while it is paused or disabled."""
    unique = uuid.uuid4()
    payload = WebhookTest(endpoint_id=endpoint.pk, sent_by=sent_by)
    event = NewEvent(
        WEBHOOK_TEST, endpoint.key, payload, f"{WEBHOOK_TEST}:{unique.hex}", now, (recipient_of(endpoint),), uuid=unique
    )
    with transaction.atomic():
        ids = publish(events=[event], now=now)
    return Delivery.objects.select_related("event").get(event_id__in=ids.values(), list_key=endpoint.key)


# ---- listening ----------------------------------------------------------------------------------------------------


def recipient_of(endpoint: WebhookEndpoint, held_back: Reason = Reason.NONE) -> Recipient:
    key = endpoint.key
    return Recipient(endpoint.shown_url[:320], Channel.WEBHOOK, key, destination=key, held_back=held_back)


def read_listeners() -> Iterator[Listener]:
    """All endpoints as listeners. Never raises for one of them: that would end the publisher's own transaction."""
    held_back = {EndpointState.PAUSED: Reason.PAUSED, EndpointState.DISABLED: Reason.DISABLED}
    for endpoint in WebhookEndpoint.objects.order_by("pk").defer("url", "headers"):
        reason = held_back.get(EndpointState(endpoint.state), Reason.NONE)
        condition = None
        try:
            condition = compile_condition(endpoint.condition) if endpoint.condition else None
        except SearchError as error:
            log.error("endpoint condition cannot be read", endpoint=endpoint.pk, error=str(error))
            reason = Reason.CONDITION
        yield Listener(tuple(endpoint.topics), (recipient_of(endpoint, reason),), condition)


def current_secrets(endpoints: Sequence[int], now: datetime) -> dict[int, list[str]]:
    """The secrets that sign for these endpoints now, the newest first."""
    rows = WebhookSecret.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), endpoint_id__in=endpoints)
    secrets: dict[int, list[str]] = {}
    for row in rows.order_by("-id"):
        if secret := getattr(row, "secret", ""):  # none where it cannot be read
            secrets.setdefault(row.endpoint_id, []).append(secret)
    return secrets
