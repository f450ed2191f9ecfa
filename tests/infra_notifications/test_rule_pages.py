"""Pages of mapping rules: the list, the try-it box, what no rule knows and the one click that makes a rule."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from console.lists import PAGE_SIZE
from infra_notifications.models import ChargePoint, ChargePointMessage, EventRule, UnmappedReport
from infra_notifications.services.mapping import forget_rule_book
from infra_notifications.templatetags.infra import rule_conditions
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import event, events, fault, fine, open_cases, say
from tests.infra_notifications.pages import EVIL, harmless, rows_of, text_of, url

pytestmark = pytest.mark.django_db


# ---- the list -------------------------------------------------------------------------------------------------------


def test_list_shows_conditions_effect_and_source_in_order(viewer: Client) -> None:
    rows = rows_of(viewer.get(url("rules")))
    assert len(rows) == min(PAGE_SIZE, EventRule.objects.count())
    precedences = [int(row.split()[0]) for row in rows]
    assert precedences == sorted(precedences)
    tripped = next(row for row in rows if "RCD tripped" in row)
    assert "action NotifyEvent, NotifyReport component RCD variable " in tripped
    assert "Breaker opened (manual reset required)" in tripped


@pytest.mark.parametrize(
    ("query", "matching"),
    [
        ("q=effect:clear", {"effect": "clear"}),
        ("q=enabled:no", {"enabled": False}),
        ("q=case:unavailable", {"case": "UNAVAILABLE"}),
        ("q=name:shock", {"name__icontains": "shock"}),
    ],
)
def test_list_is_searched(viewer: Client, query: str, matching: dict[str, Any]) -> None:
    """Of the rules that are delivered, which may become more."""
    total = viewer.get(f"{url('rules')}?{query}").context["page"].total
    assert 0 < total == EventRule.objects.filter(**matching).count() < EventRule.objects.count()


def test_only_administrators_are_led_to_the_editor(operator: Client, administrator: Client) -> None:
    shown = [
        "/admin/infra_notifications/eventrule/" in c.get(url("rules")).content.decode()
        for c in (operator, administrator)
    ]
    assert shown == [False, True]


# ---- the try-it box -------------------------------------------------------------------------------------------------

SIGNAL = {"protocol": "ocpp1.6", "action": "StatusNotification", "payload": fault()}


def tried(client: Client, message: Any) -> str:
    pasted = message if isinstance(message, str) else json.dumps(message)
    return text_of(client.post(url("rule_try"), {"message": pasted}))


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (SIGNAL, "Fuse tripped by the rule Over-current protection tripped"),
        ([2, "uid-1", "StatusNotification", fault()], "Fuse tripped by the rule Over-current protection tripped"),
        ([SIGNAL, SIGNAL], "Fuse tripped by the rule Over-current protection tripped"),
        (fault("groundFailure"), "Fuse tripped by the rule Ground fault interrupter activated"),
        (events(event("ShockSensor", "Active")), "Sensors by the rule Shock sensor"),
        (
            [2, "1", "NotifyEvent", events(event("RCD", "Tripped", "false"))],
            "Closes the incident Fuse tripped by the rule RCD",
        ),
        (
            SIGNAL | {"protocol": "OCPP2.0.1", "payload": {"connectorStatus": "Faulted"}},
            "by the rule Faulted without a cause",
        ),
        (fine(), "Closes the incident by the rule No error"),
        (fault("OddFailure"), "No rule knows it: it would be listed as unmapped too."),
        (events(event("Odd", "Active")), "nothing is broken: it would be listed as unmapped, never mailed."),
        (events(event("TiltSensor", "Angle", "3")), "A plain report: a sign of life."),
        ({"action": "Heartbeat"}, "Nothing beyond a sign of life."),
        ({"action": None, "payload": 5, "protocol": []}, "Nothing beyond a sign of life."),
        ("{", "This is no JSON"),
        ("[" * 40_000, "This is no JSON"),
        ('{"action": "\\ud800"}', "This is no JSON"),
        ("NaN", "This is no JSON"),
        ("17", "Paste one message, an object with action and payload."),
        ("[]", "Paste one message, an object with action and payload."),
        ("[3, 4]", "Paste one message, an object with action and payload."),
        ("", "This field is required."),
        ("x" * 100_001, "at most 100000 characters"),
    ],
)
def test_pasted_message_meets_its_rule(viewer: Client, message: Any, says: str) -> None:
    assert says in tried(viewer, message)


def test_try_it_box_names_the_source_of_the_rule(viewer: Client) -> None:
    assert "“Over current protection device has tripped”" in tried(viewer, SIGNAL)


def test_nothing_that_is_tried_is_stored(viewer: Client) -> None:
    tried(viewer, fault("OddFailure"))
    assert not UnmappedReport.objects.exists()
    assert not ChargePointMessage.objects.exists()


def test_pasted_html_is_shown_as_it_is(viewer: Client) -> None:
    pasted = json.dumps(fault("OtherError", info=EVIL, status="<i>odd"))
    assert escape(EVIL) in harmless(viewer.post(url("rule_try"), {"message": pasted}))
    harmless(viewer.post(url("rule_try"), {"message": "{<i>odd"}))


# ---- what no rule knows ---------------------------------------------------------------------------------------------


def test_unmapped_is_listed_with_a_sample_and_its_number(viewer: Client) -> None:
    assert "Every message is understood" in text_of(viewer.get(url("unmapped")))
    point = ChargePointFactory()
    for _ in range(3):
        say(point, fault("OtherError", vendorErrorCode="E-77", info=EVIL))
    response = viewer.get(url("unmapped"))
    assert "Faulted · OtherError, E-77" in rows_of(response)[0]
    assert " ocpp1.6 3 " in rows_of(response)[0]
    assert escape(EVIL) in harmless(response)
    assert "unmapped_decide" not in response.content.decode()


@pytest.mark.parametrize(
    ("meaning", "case"),
    [("raise:FUSE_TRIPPED", "FUSE_TRIPPED"), ("raise:SENSORS", "SENSORS"), ("raise:UNAVAILABLE", "UNAVAILABLE")],
)
def test_one_click_makes_a_rule_that_then_applies(administrator: Client, meaning: str, case: str) -> None:
    point = ChargePointFactory()
    say(point, fault("OddFailure"))
    report = UnmappedReport.objects.get()
    assert f'value="{meaning}"' in administrator.get(url("unmapped")).content.decode()
    response = administrator.post(url("unmapped_decide", report.pk), {"meaning": meaning}, follow=True)
    assert "From now on the rule “Faulted · OddFailure →" in text_of(response)
    forget_rule_book()
    say(point, fault("OddFailure"))
    assert open_cases(point) == [case]


def test_one_click_can_say_no_alarm(administrator: Client) -> None:
    point = ChargePointFactory()
    say(point, fault("OddFailure"))
    administrator.post(url("unmapped_decide", UnmappedReport.objects.get().pk), {"meaning": "info:"})
    forget_rule_book()
    say(point, fault("OddFailure"))
    assert UnmappedReport.objects.count() == 0, "it is known, although it opens OTHER_FAULT while Faulted"
    say(ChargePointFactory(), fault("OddFailure", status="Charging"))
    assert open_cases(ChargePoint.objects.latest("pk")) == []


@pytest.mark.parametrize("meaning", ["", "explode:", "raise:FIRE", "raise:", "info:FIRE"])
def test_meaning_that_is_not_offered_makes_no_rule(administrator: Client, meaning: str) -> None:
    say(ChargePointFactory(), fault("OddFailure"))
    before = EventRule.objects.count()
    where = url("unmapped_decide", UnmappedReport.objects.get().pk)
    assert "alert-error" in administrator.post(where, {"meaning": meaning}, follow=True).content.decode()
    assert (EventRule.objects.count(), UnmappedReport.objects.count()) == (before, 1)


def test_only_administrators_decide(viewer: Client, operator: Client) -> None:
    say(ChargePointFactory(), fault("OddFailure"))
    where = url("unmapped_decide", UnmappedReport.objects.get().pk)
    for client in (viewer, operator):
        assert client.post(where, {"meaning": "info:"}).status_code == 403
        assert where not in client.get(url("unmapped")).content.decode()


def test_conditions_of_a_click_are_shown_in_words() -> None:
    rule = EventRule(actions=["NotifyEvent"], codes=["!*"], components=["EVSE"], words=["=Grumble"])
    assert rule_conditions(rule) == [
        ("action", "NotifyEvent"),
        ("code", "none at all"),
        ("component", "EVSE"),
        ("says", "exactly “Grumble”"),
    ]
