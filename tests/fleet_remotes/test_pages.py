"""Pages of fleet remotes: lists, an action's whole story, sending step by step, batches, callbacks, the stop switch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from fleet_remotes.choices import Kind, State
from fleet_remotes.models import (
    ActionStep,
    Callback,
    CallbackMessage,
    CommandBatch,
    CommandDraft,
    Fleet,
    FleetVehicle,
    RemoteAction,
    RemoteNotification,
    WakeUpUse,
)
from tests.factories.fleet_remotes import (
    CallbackFactory,
    FleetFactory,
    FleetVehicleFactory,
    RemoteActionFactory,
    with_callback,
)
from tests.fleet_remotes.conftest import Running
from tests.fleet_remotes.helpers import accepted, at, body, event, failed, fresh, notify, receive, sent, success, waking
from tests.infra_notifications.pages import harmless, rows_of, text_of

pytestmark = pytest.mark.django_db
EVIL = "<script>alert('x')</script> & \"co\""


def url(name: str, *args: Any) -> str:
    return reverse(f"fleet_remotes:{name}", args=args)


@pytest.fixture(autouse=True)
def _set_up(settings: Settings) -> None:
    settings.REMOTES_CLIENT_ID = settings.REMOTES_CLIENT_ID or "id"


# ---- vehicles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["A", "B", "C"]),
        ("q=brand:opel", ["B"]),
        ("q=battery:<20", ["A"]),
        ("q=privacy:full", ["C"]),
        ("q=can:stolen", ["A", "B"]),
        ("q=busy:yes", ["B"]),
        ("q=fleet:north", ["A"]),
        ("q=tag:pool", ["C"]),
        ("q=KSB7", ["B"]),
        ("q=-brand:opel -fleet:north", ["C"]),
        ("battery_max=19", ["A"]),
        ("busy=no", ["A", "C"]),
        ("brand=opel&brand=ds", ["B", "C"]),
        ("sort=-vin", ["C", "B", "A"]),
    ],
)
def test_vehicles_are_found(viewer: Client, query: str, found: list[str]) -> None:
    fleet = FleetFactory(key="F-N", name="North")
    FleetVehicleFactory(name="A", vin="VR3AAAAAAA0000001", battery_level=12, fleet=fleet)
    b = FleetVehicleFactory(name="B", vin="VR3AAAAAAA0000002", brand="opel", plate="KSB7")
    FleetVehicleFactory(
        name="C", vin="VR3AAAAAAA0000003", brand="ds", privacy="Full", capabilities=["door"], tags=["pool"]
    )
    RemoteActionFactory(vehicle=b)
    page = viewer.get(f"{url('vehicles')}?{query}").context["page"]
    assert [row.name for row in page.rows] == found


def test_vehicle_page_tells_what_is_known(viewer: Client, settings: Settings) -> None:
    vehicle = FleetVehicleFactory(name=EVIL, wakeup_budget=3, battery_level=41, plate=EVIL[:20])
    WakeUpUse.objects.create(vehicle=vehicle, month=timezone.now().date().replace(day=1), used=3)
    RemoteActionFactory(vehicle=vehicle, state=State.FAILED, cause="DoorsOpen", reason=EVIL)
    response = viewer.get(url("vehicle", vehicle.pk))
    harmless(response)
    shown = text_of(response)
    for said in ("3 / 3 used up", "41 %", "Lock the doors", "A door is open.", "Preconditioning"):
        assert said in shown
    assert "Send a command" not in shown


def test_budget_is_set_by_an_operator(operator: Client, viewer: Client) -> None:
    vehicle = FleetVehicleFactory()
    assert viewer.post(url("vehicle_budget", vehicle.pk), {"wakeup_budget": 5}).status_code == 403
    operator.post(url("vehicle_budget", vehicle.pk), {"wakeup_budget": 5})
    assert FleetVehicle.objects.get().wakeup_budget == 5
    assert "greater than or equal" in text_of(
        operator.post(url("vehicle_budget", vehicle.pk), {"wakeup_budget": -1}, follow=True)
    )
    operator.post(url("vehicle_budget", vehicle.pk), {"wakeup_budget": ""})
    assert FleetVehicle.objects.get().wakeup_budget is None


def test_wake_up_budgets_have_a_forecast(viewer: Client) -> None:
    now = timezone.now()
    thirsty = FleetVehicleFactory(name="Thirsty", wakeup_budget=40)
    WakeUpUse.objects.create(vehicle=thirsty, month=now.date().replace(day=1), used=40)
    FleetVehicleFactory(name="Learnt", wakeup_learnt=31)
    FleetVehicleFactory(name="Unconcerned")
    rows = rows_of(viewer.get(url("wakeups")))
    assert len(rows) == 3
    assert rows[0].startswith("Thirsty")
    assert "none" in rows[0]
    assert any("31 learnt" in row for row in rows)


def test_budgets_of_many_are_set_at_once(operator: Client, viewer: Client) -> None:
    chosen, _other = FleetVehicleFactory(), FleetVehicleFactory(wakeup_budget=7)

    def budgets() -> list[int | None]:
        return list(FleetVehicle.objects.order_by("pk").values_list("wakeup_budget", flat=True))

    data = {"do": "bulk", "action": "wakeups.budget", "row": [chosen.pk], "confirmed": "1", "number": 1}
    assert "1 vehicle has another budget" in text_of(
        operator.post(url("wakeups"), data | {"bulk-wakeup_budget": "12"}, follow=True)
    )
    assert budgets() == [12, 7]
    everything = data | {"all": "1", "number": 2}
    assert operator.post(url("wakeups"), everything | {"bulk-wakeup_budget": "-1"}).status_code == 422
    operator.post(url("wakeups"), everything | {"bulk-wakeup_budget": ""})
    assert budgets() == [None, None]
    assert viewer.post(url("wakeups"), data).status_code == 403


# ---- sending ------------------------------------------------------------------------------------------------------


@pytest.fixture
def vehicles() -> list[FleetVehicle]:
    fleet = FleetFactory(key="F-1")
    CallbackFactory(fleet=fleet)
    return list(FleetVehicleFactory.create_batch(3, fleet=fleet))


def begin(client: Client, vehicles: list[FleetVehicle], **form: Any) -> CommandDraft:
    """Marks vehicles and chooses the command."""
    client.post(url("vehicles_command"), {"what": "marked", "vehicle": [v.pk for v in vehicles]})
    draft = CommandDraft.objects.latest("pk")
    response = client.post(url("draft", draft.pk), {"command": "lights", **form})
    assert response["Location"] == url("draft_check", draft.pk)
    return draft


def test_a_command_to_one_vehicle_leads_to_its_action(operator: Client, vehicles: list[FleetVehicle]) -> None:
    draft = begin(operator, vehicles[:1], reason="dark")
    assert "1 vehicle gets it." in text_of(operator.get(url("draft_check", draft.pk)))
    response = operator.post(url("draft_check", draft.pk))
    action = RemoteAction.objects.get()
    assert response["Location"] == url("action", action.pk)
    assert (action.state, action.reason, action.batch) == (State.QUEUED, "dark", None)
    assert not CommandDraft.objects.exists()


def test_a_command_to_several_leads_to_their_batch(operator: Client, vehicles: list[FleetVehicle]) -> None:
    FleetVehicle.objects.filter(pk=vehicles[0].pk).update(privacy="Full")
    draft = begin(operator, vehicles)
    shown = text_of(operator.get(url("draft_check", draft.pk)))
    assert "2 vehicles get it, 1 does not." in shown
    assert "Full privacy is on in the vehicle." in shown
    response = operator.post(url("draft_check", draft.pk))
    batch = CommandBatch.objects.get()
    assert response["Location"] == url("batch", batch.pk)
    assert sorted(batch.actions.values_list("state", flat=True)) == ["queued", "queued", "refused"]


def test_all_that_match_are_those_of_the_lists_own_search(operator: Client, vehicles: list[FleetVehicle]) -> None:
    FleetVehicleFactory(brand="opel")
    response = operator.post(url("vehicles_command") + "?q=brand:opel", {"what": "all"})
    assert CommandDraft.objects.get().vehicles == [FleetVehicle.objects.get(brand="opel").pk]
    assert response["Location"] == url("draft", CommandDraft.objects.get().pk)


def test_a_search_that_cannot_be_read_marks_nothing(operator: Client, vehicles: list[FleetVehicle]) -> None:
    response = operator.post(url("vehicles_command") + "?q=brnd:opel", {"what": "all"}, follow=True)
    assert "There is no field “brnd”" in text_of(response)
    assert not CommandDraft.objects.exists()


@pytest.mark.parametrize("marked", [[], ["0"], ["x"], ["9" * 30]])
def test_without_a_vehicle_there_is_no_command(operator: Client, marked: list[str]) -> None:
    response = operator.post(url("vehicles_command"), {"what": "marked", "vehicle": marked}, follow=True)
    assert "Mark at least one vehicle." in text_of(response)


def test_the_button_for_all_follows_the_search_that_htmx_swapped(
    operator: Client, vehicles: list[FleetVehicle]
) -> None:
    html = operator.get(f"{url('vehicles')}?q=brand:opel", headers={"HX-Target": "list"}).content.decode()
    assert 'id="command-form"' in html
    assert 'hx-swap-oob="true"' in html
    assert "q=brand%3Aopel" in html
    whole = operator.get(url("vehicles")).content.decode()
    assert "Command to all 3 that match" in whole
    assert "hx-swap-oob" not in whole


def test_a_dangerous_command_asks_for_the_vin(operator: Client, vehicles: list[FleetVehicle]) -> None:
    draft = begin(operator, vehicles[:1], command="unlock", reason="locked out")
    where = url("draft_check", draft.pk)
    assert "This needs a second confirmation." in text_of(operator.get(where))
    for typed in ("", "yes"):
        response = operator.post(where, {"typed": typed})
        assert response.status_code == 422
    assert not RemoteAction.objects.exists()
    operator.post(where, {"typed": f" {vehicles[0].vin.lower()} "})
    assert RemoteAction.objects.get().state == State.QUEUED


def test_a_dangerous_command_needs_a_permission_of_its_own(operator: Client, vehicles: list[FleetVehicle]) -> None:
    from django.contrib.auth.models import Group, Permission

    draft = begin(operator, vehicles[:1], command="immobilise", reason="unpaid")
    Group.objects.get(name="operator").permissions.remove(Permission.objects.get(codename="send_dangerous_command"))
    assert operator.post(url("draft_check", draft.pk), {"typed": vehicles[0].vin}).status_code == 403
    assert not RemoteAction.objects.exists()


def test_a_dangerous_command_to_several_is_refused_with_a_sentence(
    operator: Client, vehicles: list[FleetVehicle]
) -> None:
    draft = begin(operator, vehicles, command="unlock", reason="evacuation")
    response = operator.post(url("draft_check", draft.pk), {"typed": "3"})
    assert response.status_code == 422
    assert "Such a command is sent to one vehicle at a time." in text_of(response)


def test_what_was_typed_stays_when_something_is_wrong_or_one_steps_back(
    operator: Client, vehicles: list[FleetVehicle]
) -> None:
    draft = begin(operator, vehicles, command="charge_later", time="22:05", reason="cheap")
    html = operator.get(url("draft", draft.pk)).content.decode()
    assert 'value="22:05"' in html
    assert 'value="cheap"' in html
    response = operator.post(url("draft", draft.pk), {"command": "navigate", "latitude": "91", "reason": EVIL})
    assert response.status_code == 422
    assert 'value="91"' in harmless(response)


def test_a_draft_is_its_owners_alone(operator: Client, administrator: Client, vehicles: list[FleetVehicle]) -> None:
    draft = begin(operator, vehicles)
    for name in ("draft", "draft_check"):
        assert administrator.get(url(name, draft.pk)).status_code == 404
    assert administrator.post(url("draft_discard", draft.pk)).status_code == 404
    operator.post(url("draft_discard", draft.pk))
    assert not CommandDraft.objects.exists()


def test_without_a_command_the_check_leads_back(operator: Client, vehicles: list[FleetVehicle]) -> None:
    operator.post(url("vehicles_command"), {"vehicle": [vehicles[0].pk]})
    draft = CommandDraft.objects.get()
    assert operator.get(url("draft_check", draft.pk))["Location"] == url("draft", draft.pk)


def test_viewers_send_nothing(viewer: Client, vehicles: list[FleetVehicle]) -> None:
    assert viewer.post(url("vehicles_command"), {"vehicle": [vehicles[0].pk]}).status_code == 403
    html = viewer.get(url("vehicles")).content.decode()
    assert 'name="vehicle"' not in html
    assert "Command to" not in html


# ---- actions ------------------------------------------------------------------------------------------------------


def test_action_page_tells_the_whole_story(viewer: Client) -> None:
    action, callback = with_callback(since=at(0), submitted_at=at(0))
    ActionStep.objects.create(action=action, at=at(0), kind="created", detail="anna")
    notify(
        callback, accepted(action), accepted(action), waking(action), sent(action, 28), failed(action, "DoorsOpen", 34)
    )
    shown = text_of(viewer.get(url("action", action.pk)))
    for said in (
        "Lock the doors",
        "Failed",
        "A door is open.",
        "DoorsOpen",
        "What to do: Someone must close it at the vehicle.",
        "us Ordered anna",
        "vendor Pending / Accepted Applied 1 duplicate",
        "26 s after the step before",
        "vendor Done / Failed Applied DoorsOpen: A door is open.",
        action.remote_action_id,
    ):
        assert said in shown, said
    assert "Expected next" not in shown


def test_action_page_says_what_is_expected_and_that_sent_is_not_confirmed(viewer: Client) -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, sent(action))
    response = viewer.get(url("action", action.pk))
    shown = text_of(response)
    assert "Sent is not confirmed: it counts as done only when the vendor says so." in shown
    assert "Expected next: Succeeded or Already so or Failed" in shown
    assert 'hx-trigger="every 3s"' in response.content.decode()
    part = viewer.get(url("action", action.pk), headers={"HX-Target": "action"}).content.decode()
    assert part.strip().startswith('<div id="action"')


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": State.UNCONFIRMED}, "Sent is not confirmed: nothing more was heard"),
        ({"state": State.REJECTED, "http_status": 403}, "The vendor did not take the command: HTTP 403"),
        ({"state": State.FAILED, "cause": "NewThing"}, "The vendor’s reason is “NewThing”, which we do not know."),
        ({"state": State.FAILED, "cause": "TooManyWakeUpsOverMonth", "inferred": True}, "concluded by us"),
        ({"state": State.SUCCEEDED, "conflict": True}, "the earlier counts until its own record decides"),
        ({"state": State.SUCCEEDED, "conflict": True, "reconciled": True}, "its own record decided"),
        ({"state": State.REFUSED, "cause": "PrivacyOn"}, "Full privacy is on in the vehicle."),
        ({"state": State.QUEUED}, "Waiting to be sent"),
    ],
)
def test_action_page_explains_every_end(viewer: Client, change: dict[str, Any], said: str) -> None:
    assert said in text_of(viewer.get(url("action", RemoteActionFactory(**change).pk)))


def test_action_page_says_how_late_and_what_it_resolves(viewer: Client) -> None:
    then = timezone.now()
    action = RemoteActionFactory(
        state=State.SUCCEEDED, unconfirmed_at=then - timedelta(hours=50), since=then, reason=EVIL
    )
    earlier = RemoteActionFactory(vehicle=action.vehicle, state=State.FAILED, resolved_by=action)
    response = viewer.get(url("action", action.pk))
    assert "later by 2 d" in text_of(response)
    assert f"It ends earlier failures: #{earlier.pk}" in text_of(response)
    assert f"A later success ended this: #{action.pk}" in text_of(viewer.get(url("action", earlier.pk)))
    harmless(response)


def test_what_waits_is_cancelled_and_what_was_sent_is_not(operator: Client) -> None:
    waiting = RemoteActionFactory(state=State.QUEUED, remote_action_id="")
    assert "The command is cancelled." in text_of(operator.post(url("action_cancel", waiting.pk), follow=True))
    assert "It does not wait any more: Cancelled." in text_of(
        operator.post(url("action_cancel", waiting.pk), follow=True)
    )


@pytest.mark.parametrize(
    ("state", "posted", "said"),
    [
        (State.REFUSED, False, "It does not wait any more: "),
        (State.CANCELLED, True, "It does not wait any more: Cancelled."),  # it was found not to have arrived
        (State.SENT, True, "It was sent already"),
        (State.SUCCEEDED, True, "It was sent already"),
    ],
)
def test_why_one_is_not_cancelled_is_said_as_it_is(operator: Client, state: State, posted: bool, said: str) -> None:
    action = RemoteActionFactory(state=state, submitting_at=timezone.now() if posted else None)
    assert said in text_of(operator.post(url("action_cancel", action.pk), follow=True))


def test_the_vendor_is_asked_when_a_person_wants_it(operator: Client) -> None:
    action = RemoteActionFactory()
    assert "The vendor is being asked" in text_of(operator.post(url("action_look", action.pk), follow=True))
    assert fresh(action).look_at is not None
    waiting = RemoteActionFactory(state=State.QUEUED, remote_action_id="")
    assert "nothing to ask about" in text_of(operator.post(url("action_look", waiting.pk), follow=True))


def test_a_command_is_sent_again_with_all_its_checks(operator: Client, vehicles: list[FleetVehicle]) -> None:
    action = RemoteActionFactory(vehicle=vehicles[0], state=State.FAILED, cause="DoorsOpen")
    draft_check = operator.post(url("action_again", action.pk))["Location"]
    assert "1 vehicle gets it." in text_of(operator.get(draft_check))
    operator.post(draft_check)
    assert RemoteAction.objects.latest("pk").retry_of == action


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"open", "failed", "done", "lost"}),
        ("q=state:open", {"open"}),
        ("q=state:trouble", {"failed", "lost"}),
        ("q=state:unconfirmed", {"lost"}),
        ("q=type:lights", {"lost"}),
        ("q=type:RemoteLights", {"lost"}),
        ("q=cause:doors", {"failed"}),
        ("q=ordered:<1h", {"open", "failed", "lost"}),
        ("state=success", {"done"}),
        ("type=lights", {"lost"}),
    ],
)
def test_actions_are_found(viewer: Client, query: str, found: set[str]) -> None:
    old = timezone.now() - timedelta(days=1)
    RemoteActionFactory(reason="open")
    RemoteActionFactory(reason="failed", state=State.FAILED, cause="DoorsOpen")
    RemoteActionFactory(reason="done", state=State.SUCCEEDED, since=old)
    RemoteActionFactory(reason="lost", state=State.UNCONFIRMED, kind=Kind.LIGHTS, parameters={"on": True})
    page = viewer.get(f"{url('actions')}?{query}").context["page"]
    assert {row.reason for row in page.rows} == found


# ---- batches ------------------------------------------------------------------------------------------------------


@pytest.fixture
def batch(operator: Client, vehicles: list[FleetVehicle]) -> CommandBatch:
    draft = begin(operator, vehicles, reason="frost")
    operator.post(url("draft_check", draft.pk))
    found = CommandBatch.objects.get()
    first, second, _third = found.actions.order_by("pk")
    RemoteAction.objects.filter(pk=first.pk).update(state=State.SUCCEEDED)
    RemoteAction.objects.filter(pk=second.pk).update(state=State.FAILED, cause="DoorsOpen")
    return found


def test_batch_page_shows_how_far_it_is(operator: Client, batch: CommandBatch) -> None:
    response = operator.get(url("batch", batch.pk))
    shown = text_of(response)
    for said in ("2 of 3 ended", "frost", "Cancel the 1 not yet sent", "Retry the 1 that failed", "A door is open."):
        assert said in shown
    part = operator.get(url("batch", batch.pk), headers={"HX-Target": "progress"})
    assert (part.status_code, part.content.decode().count("<section")) == (200, 2)
    assert "1 succeeded, 1 not, 0 under way, 1 waiting" in text_of(operator.get(url("batches")))


def test_a_batch_that_is_over_stops_asking(operator: Client, batch: CommandBatch) -> None:
    assert "1 command was not sent" in text_of(operator.post(url("batch_cancel", batch.pk), follow=True))
    assert "Nothing of it waits any more." in text_of(operator.post(url("batch_cancel", batch.pk), follow=True))
    assert operator.get(url("batch", batch.pk), headers={"HX-Target": "progress"}).status_code == 286
    assert "every 3s" not in operator.get(url("batch", batch.pk)).content.decode()


def test_only_what_failed_is_sent_again(operator: Client, batch: CommandBatch) -> None:
    check = operator.post(url("batch_retry", batch.pk))["Location"]
    operator.post(check)
    again = CommandBatch.objects.latest("pk")
    assert (again.retry_of, again.total) == (batch, 1)
    failed_one = batch.actions.get(state=State.FAILED)
    assert again.actions.get().retry_of == failed_one
    RemoteAction.objects.filter(pk=failed_one.pk).update(state=State.SUCCEEDED)
    assert "Nothing of it failed." in text_of(operator.post(url("batch_retry", batch.pk), follow=True))


# ---- the stop switch ----------------------------------------------------------------------------------------------


def test_stop_switch_asks_why_and_everyone_sees_it(operator: Client, viewer: Client) -> None:
    fleet = FleetFactory(name="North")
    FleetVehicleFactory(fleet=fleet)
    assert "This field is required." in text_of(operator.post(url("fleet_stop", fleet.pk), {"reason": ""}))
    assert not Fleet.objects.get().is_stopped
    operator.post(url("fleet_stop", fleet.pk), {"reason": EVIL})
    assert Fleet.objects.get().is_stopped
    for page in ("vehicles", "fleets"):
        assert "alert(" in text_of(viewer.get(url(page)))
        harmless(viewer.get(url(page)))
    assert "Sending to North is stopped" in text_of(viewer.get(reverse("console:dashboard")))
    assert viewer.post(url("fleet_resume", fleet.pk)).status_code == 403
    assert "alert(" in text_of(operator.get(url("fleet_resume", fleet.pk)))
    operator.post(url("fleet_resume", fleet.pk))
    assert not Fleet.objects.get().is_stopped


# ---- callbacks ----------------------------------------------------------------------------------------------------


def test_callback_health_counts_what_arrives_how_late(viewer: Client) -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, accepted(action, 59.5), sent(action, 50), sent(action, 50), now=at(60))
    notify(callback, event(action, "Pending", "Odd", 59.8), now=at(60))
    Callback.objects.update(refused=7, last_refused_at=timezone.now())
    (row,) = rows_of(viewer.get(url("callbacks")))
    assert "Running" in row
    assert "0.5 s, 9.0 s 4 1 1 7" in row
    shown = text_of(viewer.get(url("callback", callback.pk)))
    assert "Delay of half of them 0.5 s" in shown
    assert f"/api/v1/remotes/callbacks/{callback.slug}" in shown


def test_a_callback_is_made_registered_and_its_secret_shown_once(administrator: Client, vendor: Running) -> None:
    fleet = FleetFactory(key="F-7")
    given = {
        "slug": "north",
        "fleet": fleet.pk,
        "header_name": "Authorization",
        "batch_window_s": 0,
        "silent_after_s": 900,
    }
    response = administrator.post(url("callback_new"), given)
    callback = Callback.objects.get()
    value = response.context["header_value"]
    assert value in response.content.decode()
    assert value not in administrator.get(url("callback", callback.pk)).content.decode()
    bad = administrator.post(url("callback_register", callback.pk), {"header_value": "wrong"})
    assert (bad.status_code, "This is not the header’s value." in text_of(bad)) == (422, True)
    administrator.post(url("callback_register", callback.pk), {"header_value": value})
    callback.refresh_from_db()
    assert vendor.vendor.hooks[callback.callback_id].headers == {"Authorization": value}


@pytest.mark.parametrize("change", [{"slug": "Ä"}, {"header_value": "short"}, {"fleet": 0}, {"silent_after_s": 5}])
def test_a_callback_that_cannot_work_is_refused(administrator: Client, change: dict[str, Any]) -> None:
    given = {
        "slug": "north",
        "fleet": FleetFactory().pk,
        "header_name": "Authorization",
        "batch_window_s": 0,
        "silent_after_s": 900,
    }
    assert administrator.post(url("callback_new"), given | change).status_code == 422
    assert not Callback.objects.exists()


def test_raw_messages_are_shown_as_they_came(viewer: Client) -> None:
    callback = CallbackFactory()
    receive(callback, b"<script>alert('x')</script>", b"\xff\xfe", b'{"events":[{"b":1}]}', b"")
    assert len(rows_of(viewer.get(url("messages")))) == 4
    pages = [viewer.get(url("message", row.pk)) for row in CallbackMessage.objects.order_by("id")]
    harmless(pages[0])
    assert "alert(" in text_of(pages[0])
    assert "&quot;b&quot;: 1" in pages[2].content.decode()
    assert "(empty)" in text_of(pages[3])


def test_unmatched_are_listed_with_why_and_read_again(operator: Client) -> None:
    action, callback = with_callback(since=at(0))
    receive(callback, body(success(action) | {"remoteActionId": "x"}, event(action, "Pending", EVIL), 7))
    response = operator.get(url("unmatched"))
    rows = rows_of(response)
    assert len(rows) == 3
    harmless(response)
    assert "No action of ours has this id" in rows[2]
    RemoteNotification.objects.filter(verdict="unknown_value").update(status="SentToVehicle")
    assert "1 notification is understood now." in text_of(operator.post(url("unmatched_read_again"), follow=True))
    assert fresh(action).state == State.SENT


def test_notifications_are_found(viewer: Client) -> None:
    action, callback = with_callback(since=at(0))
    notify(callback, success(action), accepted(action))
    assert len(rows_of(viewer.get(url("notifications") + "?q=verdict:late"))) == 1
    assert len(rows_of(viewer.get(url("notifications") + f"?q=callback:{callback.slug}"))) == 2
    assert len(rows_of(viewer.get(url("notifications") + "?verdict=applied"))) == 1


# ---- all of them --------------------------------------------------------------------------------------------------

LISTS = ("vehicles", "actions", "batches", "wakeups", "callbacks", "notifications", "unmatched", "messages", "fleets")


@pytest.mark.parametrize("page", LISTS)
def test_empty_lists_say_what_would_stand_there(viewer: Client, page: str) -> None:
    response = viewer.get(url(page))
    assert response.status_code == 200
    assert str(response.context["listing"].empty_title) in text_of(response)


@pytest.mark.parametrize("page", LISTS)
def test_statements_of_a_list_do_not_grow_with_its_rows(operator: Client, page: str) -> None:
    counts = []
    for count in (2, 12):
        for _ in range(count):
            action, _callback = with_callback(since=timezone.now(), state=State.FAILED, cause="DoorsOpen")
            WakeUpUse.objects.create(vehicle=action.vehicle, month=timezone.now().date().replace(day=1), used=2)
            CommandBatch.objects.create(kind=Kind.DOOR, parameters={"state": "Locked"}, created_at=timezone.now())
        callback = Callback.objects.order_by("pk")[0]
        receive(callback, body(*[event(action, "Pending", "Odd", n + 100 * count) for n in range(count)]))
        operator.get(url(page))
        with CaptureQueriesContext(connection) as captured:
            assert operator.get(url(page)).context["page"].rows
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 16


def test_dashboard_counts_the_last_day(viewer: Client) -> None:
    RemoteActionFactory()
    RemoteActionFactory(state=State.FAILED)
    RemoteActionFactory(state=State.FAILED, since=timezone.now() - timedelta(days=2))
    Callback.objects.update(silent_since=timezone.now())
    CallbackFactory(slug="north", silent_since=timezone.now())
    shown = text_of(viewer.get(reverse("console:dashboard")))
    assert "1 open 0 succeeded 1 failed 0 unconfirmed" in shown
    assert "Callback north is silent" in shown
