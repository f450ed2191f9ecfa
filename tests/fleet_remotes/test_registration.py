"""Callbacks at the vendor, their whole life against the simulator: service, pages and API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from core.refusal import Refused
from fleet_remotes.choices import CallbackStatus
from fleet_remotes.models import Callback
from fleet_remotes.selectors import callbacks_to_send_by
from fleet_remotes.services import registration
from fleet_remotes.services.callbacks import header_matches
from fleet_remotes.services.polling import callbacks_checked
from tests.conftest import ApiClient
from tests.factories.fleet_remotes import HEADER_VALUE, CallbackFactory, FleetFactory
from tests.fleet_remotes.conftest import Running
from tests.fleet_remotes.helpers import at
from tests.infra_notifications.pages import text_of

pytestmark = pytest.mark.django_db
NEW = "Bearer another-0123456789-value"


@pytest.fixture
def callback(vendor: Running) -> Callback:
    made: Callback = CallbackFactory(slug="north", fleet=FleetFactory(key="F"), callback_id="", status="")
    registration.register_callback(callback=made, header_value=HEADER_VALUE)
    return made


def at_vendor(vendor: Running, callback: Callback) -> dict[str, Any]:
    return vendor.vendor.hooks[callback.callback_id].subscribe


def test_what_an_answer_that_was_lost_left_at_the_vendor_is_taken_over(vendor: Running, callback: Callback) -> None:
    known = callback.callback_id
    Callback.objects.update(callback_id="", status="")
    callback.refresh_from_db()
    registration.register_callback(callback=callback, header_value=HEADER_VALUE)
    assert (callback.callback_id, len(vendor.vendor.hooks)) == (known, 1)
    with pytest.raises(Refused, match="registered already"):
        registration.register_callback(callback=callback, header_value=HEADER_VALUE)


def test_an_update_tells_the_vendor_all_that_is_set_and_keeps_the_header(vendor: Running, callback: Callback) -> None:
    before = at_vendor(vendor, callback)
    vendor.vendor.hooks[callback.callback_id].subscribe = before | {
        "retryPolicy": {"policy": "None"},
        "remoteTypes": ["Horn"],
    }
    registration.update_callback(callback=callback, batch_window_s=60)
    after = at_vendor(vendor, callback)
    assert after == before | {"batchNotify": {"size": 500, "timeWindow": 60}}
    assert vendor.vendor.hooks[callback.callback_id].headers == {"Authorization": HEADER_VALUE}
    assert Callback.objects.get().batch_window_s == 60


def test_a_new_header_is_right_at_once_and_the_one_before_for_three_days(
    vendor: Running, callback: Callback, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registration.rotate_header(callback=callback, now=at(0), header_value=NEW) == NEW
    assert vendor.vendor.hooks[callback.callback_id].headers == {"Authorization": NEW}
    for moment, is_right in ((at(1), True), (at(0) + timedelta(days=3), False)):
        monkeypatch.setattr("fleet_remotes.services.callbacks.timezone.now", lambda moment=moment: moment)
        assert header_matches(callback, NEW)
        assert header_matches(callback, HEADER_VALUE) == is_right
        assert not header_matches(callback, "Bearer wrong")


def test_whichever_of_several_new_values_was_given_within_three_days_is_taken(
    vendor: Running, callback: Callback, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [f"Bearer value-of-day-{day}-0123456789" for day in range(4)]
    for day, value in enumerate(values):
        registration.rotate_header(callback=callback, now=at(0) + timedelta(days=day), header_value=value)
    moment = at(0) + timedelta(days=3, hours=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
    # The first of all was replaced three days and an hour ago.
    assert [header_matches(callback, value) for value in (HEADER_VALUE, *values)] == [False, True, True, True, True]
    assert callback.earlier_until == at(0) + timedelta(days=6)
    registration.rotate_header(callback=callback, now=moment, header_value=values[1])  # back to an earlier one
    assert header_matches(callback, values[1])
    assert header_matches(callback, values[3])


@pytest.mark.parametrize("said", ["paused", " PAUSE ", "suspended"])
def test_the_status_is_taken_in_any_case(api: ApiClient, vendor: Running, callback: Callback, said: str) -> None:
    path = "/remotes/callbacks/north/registration"
    assert api.put(path, {"status": said}).json()["status"] == "Paused"
    assert api.put(path, {"status": "resume"}).json()["status"] == "Running"
    assert api.put(path, {"status": "asleep"}).status_code == 422


def test_a_header_that_the_vendor_refuses_stays_as_it_was(settings: Settings, callback: Callback) -> None:
    settings.REMOTES_PASSWORD = "wrong"
    with pytest.raises(Refused, match="HTTP 401"):
        registration.rotate_header(callback=callback, now=at(0), header_value=NEW)
    callback.refresh_from_db()
    assert (header_matches(callback, HEADER_VALUE), header_matches(callback, NEW)) == (True, False)


def test_a_paused_callback_sends_no_commands_and_goes_on(vendor: Running, callback: Callback) -> None:
    for status, sends in ((CallbackStatus.PAUSED, False), (CallbackStatus.RUNNING, True)):
        registration.set_status(callback=callback, status=status)
        assert vendor.vendor.hooks[callback.callback_id].status == status
        assert bool(callbacks_to_send_by([callback.fleet_id])) == sends


def test_what_is_deleted_at_the_vendor_can_be_registered_anew(vendor: Running, callback: Callback) -> None:
    first = callback.callback_id
    registration.delete_at_vendor(callback=callback)
    assert (vendor.vendor.hooks, Callback.objects.get().callback_id) == ({}, "")
    with pytest.raises(Refused, match="not registered"):
        registration.delete_at_vendor(callback=callback)
    with pytest.raises(Refused, match="not registered"):
        registration.set_status(callback=callback, status=CallbackStatus.PAUSED)
    registration.register_callback(callback=callback, header_value=HEADER_VALUE)
    assert callback.callback_id != first
    vendor.vendor.hooks.clear()  # deleted by somebody else
    registration.delete_at_vendor(callback=callback)
    assert callback.callback_id == ""


def test_one_that_the_vendor_does_not_know_any_more_counts_as_failed_until_it_does(
    vendor: Running, callback: Callback
) -> None:
    hooks = dict(vendor.vendor.hooks)
    vendor.vendor.hooks.clear()
    for known, status in (({}, CallbackStatus.FAILED), (hooks, CallbackStatus.RUNNING)):
        vendor.vendor.hooks.update(known)
        callbacks_checked(now=at(0))
        assert Callback.objects.get().status == status
        assert bool(callbacks_to_send_by([callback.fleet_id])) == (status == CallbackStatus.RUNNING)


def test_one_with_a_pending_command_is_not_deleted(vendor: Running, callback: Callback) -> None:
    vendor.has_carried_out(1, where=("F", "v1", callback.callback_id))
    vendor.vendor.remotes["past-0"].is_over = False
    with pytest.raises(Refused, match="pending remote"):
        registration.delete_at_vendor(callback=callback)
    assert Callback.objects.get().callback_id


def test_without_access_nothing_is_asked(settings: Settings, callback: Callback) -> None:
    settings.REMOTES_CLIENT_ID = ""
    with pytest.raises(Refused, match="not set up"):
        registration.list_at_vendor(fleet=callback.fleet)


def test_the_pages_lead_through_its_life(
    administrator: Client, viewer: Client, vendor: Running, callback: Callback
) -> None:
    def url(name: str) -> str:
        return reverse(f"fleet_remotes:{name}", args=[callback.pk])

    shown = text_of(administrator.get(url("callback")))
    assert all(word in shown for word in ("Update", "New header value", "Pause", "Delete at the vendor"))
    assert "Pause" not in text_of(viewer.get(url("callback")))
    assert administrator.get(url("callback_update")).status_code == 200
    administrator.post(url("callback_update"), {"batch_window_s": 30, "silent_after_s": 600})
    assert at_vendor(vendor, callback)["batchNotify"]["timeWindow"] == 30
    assert "The vendor says: Paused." in text_of(administrator.post(url("callback_pause"), follow=True))
    assert "The vendor says: Running." in text_of(administrator.post(url("callback_resume"), follow=True))
    assert administrator.post(url("callback_rotate"), {"header_value": "short"}).status_code == 422
    assert NEW in administrator.post(url("callback_rotate"), {"header_value": NEW}).content.decode()
    listed = text_of(viewer.get(reverse("fleet_remotes:callbacks_at_vendor", args=[callback.fleet_id])))
    assert "north" in listed
    assert "4320 × 60 s" in listed
    assert "what it brought stays" in text_of(administrator.post(url("callback_delete"), follow=True))


def test_the_api_leads_through_its_life(api: ApiClient, vendor: Running) -> None:
    header = {"name": "Authorization", "value": HEADER_VALUE}
    api.post("/remotes/callbacks", {"slug": "south", "fleet": "F", "new_fleet": True, "header": header})
    path = "/remotes/callbacks/south/registration"
    assert api.post(path, {"header_value": "wrong"}).status_code == 422
    made = api.post(path, {"header_value": HEADER_VALUE}).json()
    assert (made["status"], bool(made["callback_id"])) == ("Running", True)
    assert api.put(path, {"status": "Paused"}).json()["status"] == "Paused"
    assert api.put(path, {"status": "Running", "batch_window_s": 60}).json()["batch_window_s"] == 60
    assert len(api.put(path, {"rotate": True}).json()["header"]["value"]) >= 32
    assert "value" not in api.put(path, {}).json()["header"]
    (listed,) = api.get("/remotes/fleets/F/callbacks").json()["items"]
    assert (listed["slug"], listed["retries"]) == ("south", "4320 × 60 s")
    assert api.delete(path).json()["callback_id"] == ""
    assert api.delete(path).status_code == 409
