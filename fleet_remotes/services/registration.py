"""Callbacks at the vendor: registered, listed, updated, given a new header, paused, resumed, deleted.

What the vendor answers is what counts here. Where no answer came the state is asked for, never guessed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from core.refusal import Refused
from core.services import digest_of
from fleet_remotes.catalogue.advice import Refusal, advice_of
from fleet_remotes.choices import REMOTE_TYPES, CallbackStatus
from fleet_remotes.client import ApiAway, ApiError, Remotes, is_set_up
from fleet_remotes.models import Callback, Fleet
from fleet_remotes.services.callbacks import check_header, header_matches

# A try a minute for the three days for which the vendor keeps what it could not deliver; it stops after 3 in half a
# minute by itself, and an update of ours takes longer.
RETRY_POLICY = {"policy": "Bounded", "retryNumber": 3 * 24 * 60, "retryDelay": 60}
# So long may the vendor still repeat what it sent with the header's earlier value.
KEPT_FOR = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class AtVendor:
    """A callback as the vendor lists it; `ours` is the one here that has its id."""

    id: str
    status: str
    label: str
    target: str
    retries: str
    ours: Callback | None


def address_of(callback: Callback) -> str:
    """Where the vendor sends this callback's notifications."""
    return settings.PUBLIC_URL + reverse("remote_callback", args=[callback.slug])


@contextmanager
def _asking(sentence: str) -> Iterator[Remotes]:
    """The vendor's API, whose refusals and silences are refusals with this sentence."""
    if not is_set_up():
        raise Refused(str(advice_of(Refusal.NOT_SET_UP).meaning))
    try:
        yield Remotes()
    except (ApiAway, ApiError) as error:
        raise Refused(sentence % {"why": error}) from error


def _body(callback: Callback, header_value: str) -> dict[str, Any]:
    """The whole subscription, with tries for all of the vendor's three days."""
    webhook = {
        "target": address_of(callback),
        "name": callback.slug,
        "attributes": [{"type": "Header", "key": callback.header_name, "value": header_value}],
    }
    return _current(callback, {"callback": {"webhook": webhook}})


def _current(callback: Callback, subscription: Mapping[str, Any]) -> dict[str, Any]:
    """A subscription with what is set here; its attributes, among them the header's value, stay as they are."""
    webhook = (subscription.get("callback") or {}).get("webhook") or {}
    attributes = webhook.get("attributes") or []
    if not any(one.get("key") == callback.header_name for one in attributes if isinstance(one, dict)):
        raise Refused(_("The vendor does not show the header of this callback; give it a new value."))
    body: dict[str, Any] = {
        "label": _label(callback),
        "callback": {"webhook": {"target": address_of(callback), "name": callback.slug, "attributes": attributes}},
        "remoteTypes": list(REMOTE_TYPES.values()),
        "retryPolicy": RETRY_POLICY,
    }
    if callback.batch_window_s:
        body["batchNotify"] = {"size": 500, "timeWindow": max(5, callback.batch_window_s)}
    return body


def _label(callback: Callback) -> str:
    return f"signalbox-{callback.slug}"


def _keep(callback: Callback, said: tuple[str, str], *more: str) -> None:
    callback.callback_id, callback.status = said
    callback.save(update_fields=["callback_id", "status", *more])


def register_callback(*, callback: Callback, header_value: str) -> None:
    """Registers a callback with the vendor and stores its id; one of its label that the vendor has already, because an
    answer was lost, is taken over instead. Raises Refused with the vendor's message."""
    if callback.callback_id:
        raise Refused(_("It is registered already; update it instead."), code="conflict")
    if not header_matches(callback, header_value):
        raise Refused(_("This is not the header’s value."), field="header_value")
    body, fleet = _body(callback, header_value), callback.fleet.key
    with _asking(_("The vendor did not register it: %(why)s")) as vendor:
        known = next((one for one in vendor.callbacks(fleet) if _label_in(one) == _label(callback)), None)
        if known is not None and isinstance(known.get("id"), str):
            _keep(callback, vendor.update_callback(fleet, known["id"], body))
        else:
            _keep(callback, vendor.create_callback(fleet, body))


def _label_in(record: Mapping[str, Any]) -> Any:
    return (record.get("subscribe") or {}).get("label")


def list_at_vendor(*, fleet: Fleet) -> list[AtVendor]:
    """Every callback of a fleet that the vendor knows, ours and those of others. Raises Refused."""
    with _asking(_("The vendor’s list cannot be read: %(why)s")) as vendor:
        records = vendor.callbacks(fleet.key)
    ours = {callback.callback_id: callback for callback in Callback.objects.filter(fleet=fleet).exclude(callback_id="")}
    found = []
    for record in records:
        subscription = record.get("subscribe") or {}
        webhook = (subscription.get("callback") or {}).get("webhook") or {}
        policy = subscription.get("retryPolicy") or {}
        tries = f"{policy.get('retryNumber', '–')} × {policy.get('retryDelay', '–')} s"
        known_id = str(record.get("id") or record.get("callbackId") or "")
        found.append(
            AtVendor(
                id=known_id,
                status=str(record.get("status") or ""),
                label=str(subscription.get("label") or ""),
                target=str(webhook.get("target") or ""),
                retries=tries if policy.get("policy") == "Bounded" else str(policy.get("policy") or "–"),
                ours=ours.get(known_id),
            )
        )
    return found


def update_callback(
    *, callback: Callback, batch_window_s: int | None = None, silent_after_s: int | None = None
) -> None:
    """Changes what is set, and brings the vendor's registration up to date: address, commands, tries, batches."""
    if batch_window_s is not None:
        callback.batch_window_s = batch_window_s
    if silent_after_s is not None:
        callback.silent_after_s = silent_after_s
    if callback.callback_id:
        with _asking(_("The vendor did not change it: %(why)s")) as vendor:
            subscription = vendor.subscription(callback.fleet.key, callback.callback_id)
            body = _current(callback, subscription)
            _keep(callback, vendor.update_callback(callback.fleet.key, callback.callback_id, body))
    callback.save(update_fields=["batch_window_s", "silent_after_s"])


def rotate_header(*, callback: Callback, now: datetime, header_value: str = "") -> str:
    """Gives the header a new value, here and at the vendor, and returns it; it is stored nowhere. Each earlier one
    stays right for three days, for what the vendor repeats. Raises Refused, and then nothing has changed, unless no
    answer came: then both values are right."""
    value = header_value.strip() or secrets.token_urlsafe(32)
    check_header(callback.header_name, value)
    before = (callback.header_digest, callback.earlier_digests)
    fields = ["header_digest", "earlier_digests"]
    untils = callback.earlier_at(now) | {callback.header_digest: now + KEPT_FOR}
    callback.earlier_digests = {digest: until.isoformat() for digest, until in untils.items()}
    callback.header_digest = digest_of(value)
    # Before the vendor is told, so that what comes with the new value is taken from the first moment on.
    callback.save(update_fields=fields)
    if callback.callback_id and is_set_up():
        try:
            said = Remotes().update_callback(callback.fleet.key, callback.callback_id, _body(callback, value))
        except (ApiAway, ApiError) as error:
            if not (error.may_have_arrived if isinstance(error, ApiAway) else error.leaves_fate_open):
                callback.header_digest, callback.earlier_digests = before
                callback.save(update_fields=fields)
            raise Refused(_("The vendor did not take the new value: %(why)s") % {"why": error}) from error
        _keep(callback, said)
    return value


def set_status(*, callback: Callback, status: CallbackStatus) -> None:
    """Pauses or resumes a callback at the vendor: what is paused posts nothing, and no command is sent through it."""
    _check_registered(callback)
    with _asking(_("The vendor did not change it: %(why)s")) as vendor:
        _id, said = vendor.set_callback_status(callback.fleet.key, callback.callback_id, status.value)
    callback.status = said
    callback.save(update_fields=["status"])


def delete_at_vendor(*, callback: Callback) -> None:
    """Deletes the registration; what the callback brought stays here, and it can be registered anew."""
    _check_registered(callback)
    with _asking(_("The vendor did not delete it: %(why)s")) as vendor:
        vendor.delete_callback(callback.fleet.key, callback.callback_id)
    _keep(callback, ("", CallbackStatus.UNREGISTERED))


def _check_registered(callback: Callback) -> None:
    if not callback.callback_id:
        raise Refused(_("It is not registered with the vendor."), code="conflict")
