"""The wizard that makes or changes a group: three steps that work as pages too, and lose nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from infra_notifications.models import ChargePoint, GroupDraft, NotificationGroup
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import DAY
from tests.infra_notifications.pages import EVIL, harmless, rows_of, text_of, url
from tests.infra_notifications.wizard import begin, do, mark, marked, start
from tests.pages import laid_out

pytestmark = pytest.mark.django_db


@pytest.fixture
def points(db: None) -> list[ChargePoint]:
    return [ChargePointFactory(evse_id=f"DE*ABC*E{n}*1", city="Köln" if n < 3 else "Bonn") for n in range(1, 5)]


def controls(html: str) -> list[str]:
    """What a browser without JavaScript would send by the button "Continue" of the second step."""
    return re.findall(r'form="mark-form" name="what" value="([a-z]+)"', html)


# ---- the whole way --------------------------------------------------------------------------------------------------


def test_three_steps_make_a_group_without_javascript(operator: Client, points: list[ChargePoint]) -> None:
    draft = start(operator)
    page = operator.get(url("wizard_charge_points", draft.key))
    assert "next" in controls(page.content.decode())
    response = do(operator, draft, "next", points[0], points[2])
    assert response.headers["Location"] == url("wizard_confirm", draft.key)
    shown = text_of(operator.get(url("wizard_confirm", draft.key)))
    assert "Name Köln Description South Charge points 2: DE*ABC*E1*1, DE*ABC*E3*1" in shown
    overview = operator.post(url("wizard_confirm", draft.key), follow=True)
    assert "“Köln” is made. Say now who is to be told." in text_of(overview)
    (row,) = rows_of(overview)
    assert row.startswith("Köln 2 charge points South")
    assert not GroupDraft.objects.exists()


def test_group_remembers_who_added_its_members(operator: Client, points: list[ChargePoint]) -> None:
    draft = start(operator)
    mark(operator, draft, points[0])
    operator.post(url("wizard_confirm", draft.key))
    membership = NotificationGroup.objects.get().memberships.get()
    assert str(membership.added_by_id) == operator.session["_auth_user_id"]


def test_group_can_be_made_without_charge_points(operator: Client) -> None:
    draft = start(operator)
    assert "No charge points yet" in text_of(operator.get(url("wizard_charge_points", draft.key)))
    operator.post(url("wizard_confirm", draft.key))
    assert NotificationGroup.objects.get().charge_points.count() == 0


# ---- the name -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "This field is required."),
        ("   ", "This field is required."),
        ("x" * 101, "at most 100 characters"),
        ("TAKEN", "There is a notification group named “TAKEN” already."),
        ("a\x00b", "Null characters are not allowed."),
    ],
)
def test_name_that_cannot_be_is_said_so_and_stays_typed(operator: Client, name: str, says: str) -> None:
    NotificationGroupFactory(name="Taken")
    response = operator.post(url("wizard_name", begin(operator)), {"name": name, "description": "typed"})
    assert response.status_code == 422
    assert says in text_of(response)
    assert "typed" in text_of(response)


def test_name_taken_meanwhile_is_said_at_the_end(operator: Client) -> None:
    draft = start(operator)
    NotificationGroupFactory(name="KÖLN")
    response = operator.post(url("wizard_confirm", draft.key))
    assert (response.status_code, GroupDraft.objects.count()) == (422, 1)
    assert "There is a notification group named “Köln” already." in text_of(response)


def test_group_without_a_name_is_not_made(operator: Client) -> None:
    key = begin(operator)
    assert operator.post(url("wizard_confirm", key)).headers["Location"] == url("groups"), "nothing was begun"
    operator.post(url("wizard_name", key), {"autosave": "1", "name": "", "description": "x"})
    assert "Give the group a name" in text_of(operator.post(url("wizard_confirm", key)))
    assert not NotificationGroup.objects.exists()


# ---- marking --------------------------------------------------------------------------------------------------------


def test_marked_charge_points_are_boxes_and_chips(operator: Client, points: list[ChargePoint]) -> None:
    draft = start(operator)
    mark(operator, draft, points[1])
    page = operator.get(url("wizard_charge_points", draft.key)).content.decode()
    boxes = re.findall(r'<input[^>]* name="charge_point"[^>]*>', page)
    assert (len(boxes), [f'value="{points[1].pk}"' in box for box in boxes if " checked" in box]) == (4, [True])
    assert f'data-unmark="{points[1].pk}"' in page
    assert "1 charge point marked" in page


@pytest.mark.parametrize(
    ("what", "given", "more", "left"),
    [
        ("set", [], {"mark": [0, 1]}, [3, 0, 1]),
        ("set", [], {"mark": [3]}, [3]),
        ("set", [], {"unmark": [3]}, []),
        ("set", [], {"unmark": [0]}, [3]),
        ("set", [], {"mark": [2], "unmark": [3]}, [2]),
        ("clear", [], {}, []),
        ("clear", [0], {"on_page": [0]}, []),
        ("this_page", [], {"on_page": [1, 2]}, [3, 1, 2]),
        ("page", [1], {"was_marked": [3]}, [1]),
        ("page", [3], {"was_marked": [3]}, [3]),
        ("page", [0, 3], {"was_marked": [3]}, [3, 0]),
        ("page", [], {"was_marked": [2]}, [3]),
        ("next", [1], {"was_marked": [3]}, [1]),
        ("all", [], {"query": "q=city:köln"}, [3, 0, 1]),
        ("all", [], {"query": "city=Bonn"}, [3, 2]),
        ("all", [], {"query": "q=city:köln&page=7", "was_marked": [3]}, [0, 1]),
        ("back", [1], {}, [3, 1]),
        ("all", [], {"query": "q=zzz:1"}, [3]),
        ("dance", [], {}, [3]),
    ],
)
def test_marks_follow_the_buttons(
    operator: Client, points: list[ChargePoint], what: str, given: list[int], more: dict[str, Any], left: list[int]
) -> None:
    draft = start(operator)
    mark(operator, draft, points[3])
    for name in ("mark", "unmark", "on_page", "was_marked"):
        if name in more:
            more = more | {name: [points[n].pk for n in more[name]]}
    do(operator, draft, what, *(points[n] for n in given), **more)
    assert marked(draft) == [points[n].evse_id for n in left]


def test_odd_numbers_mark_nothing(operator: Client) -> None:
    draft = start(operator)
    odd = ["²", "x", "-1", "9" * 40, ""]
    for what in ("set", "page", "this_page", "unmark-x", "unmark-²", "unmark-"):
        sent = {"what": what, "charge_point": odd, "mark": odd, "unmark": odd, "on_page": odd, "was_marked": odd}
        assert operator.post(url("wizard_mark", draft.key), sent).status_code in (200, 302)
    assert marked(draft) == []


def test_button_leads_back_to_the_same_view_of_the_list(operator: Client, points: list[ChargePoint]) -> None:
    draft = start(operator)
    response = do(operator, draft, "page", points[0], query="q=k%C3%B6ln&page=2")
    assert marked(draft) == ["DE*ABC*E1*1"]
    assert response.headers["Location"] == url("wizard_charge_points", draft.key) + "?q=k%C3%B6ln&page=2"


def test_fifty_chips_are_shown_and_the_rest_is_counted(operator: Client) -> None:
    draft = start(operator)
    mark(operator, draft, *[ChargePointFactory() for _ in range(53)])
    shown = text_of(operator.get(url("wizard_charge_points", draft.key)))
    assert "53 charge points marked" in shown
    assert "and 3 more" in shown


def test_search_and_filters_limit_the_list(operator: Client, points: list[ChargePoint]) -> None:
    draft = start(operator)
    NotificationGroupFactory(name="Other", members=points[:1])
    found = {
        query: len(rows_of(operator.get(f"{url('wizard_charge_points', draft.key)}?{query}")))
        for query in ("", "q=köln", "q=group:none", "group=any", "city=Bonn&q=e3*1")
    }
    assert found == {"": 4, "q=köln": 2, "q=group:none": 3, "group=any": 1, "city=Bonn&q=e3*1": 1}
    assert "Other" in rows_of(operator.get(url("wizard_charge_points", draft.key)))[0]


# ---- nothing is lost ------------------------------------------------------------------------------------------------


def test_each_tab_has_its_draft_and_opening_makes_none(operator: Client, points: list[ChargePoint]) -> None:
    group = NotificationGroupFactory(members=points[:1])
    keys = [begin(operator), begin(operator), begin(operator, group), begin(operator, group)]
    for key in keys:
        for step in ("wizard_name", "wizard_charge_points"):
            assert operator.get(url(step, key)).status_code == 200
        operator.post(url("wizard_mark", key), {"what": "set", "unmark": [points[3].pk]})
        assert operator.get(url("wizard_confirm", key)).headers["Location"] == url("groups")
    assert (len(set(keys)), GroupDraft.objects.count()) == (4, 0)
    for key in keys:
        operator.post(url("wizard_name", key), {"autosave": "1", "name": key})
    assert set(GroupDraft.objects.values_list("key", "name")) == {(key, key) for key in keys}


def test_what_is_being_typed_is_kept_before_it_is_finished(operator: Client) -> None:
    NotificationGroupFactory(name="Taken")
    key = begin(operator)
    for name in ("Tak", "Taken", "a\x00b" + "x" * 200, ""):
        sent = {"autosave": "1", "name": name, "description": "South" * 1000}
        assert operator.post(url("wizard_name", key), sent).status_code == 204
        draft = GroupDraft.objects.get()
        assert draft.name == name.replace("\x00", "")[:100]
    assert len(draft.description) == 2000


def test_overview_offers_to_go_on_with_what_is_unfinished(
    operator: Client, administrator: Client, points: list[ChargePoint]
) -> None:
    begin(operator)
    assert "not finished" not in text_of(operator.get(url("groups")))
    mark(operator, start(operator, "Köln"), *points[:2])
    start(operator, "Bonn 2", NotificationGroupFactory(name="Bonn"))
    shown = text_of(operator.get(url("groups")))
    assert "Your group “Köln” is not finished. 2 charge points marked" in shown
    assert "Your change of “Bonn” is not finished. 0 charge points marked" in shown
    assert "not finished" not in text_of(administrator.get(url("groups")))


def test_step_back_and_reload_keep_everything(operator: Client, points: list[ChargePoint]) -> None:
    draft = start(operator)
    mark(operator, draft, points[0])
    back = operator.get(url("wizard_name", draft.key)).content.decode()
    assert 'value="Köln"' in back
    assert "South" in back
    operator.post(url("wizard_name", draft.key), {"name": "Bonn"})
    for _ in range(2):
        assert "Name Bonn Charge points 1: DE*ABC*E1*1" in text_of(operator.get(url("wizard_confirm", draft.key)))


def test_draft_belongs_to_its_owner(operator: Client, administrator: Client, points: list[ChargePoint]) -> None:
    draft = start(operator)
    for name in ("wizard_name", "wizard_charge_points"):
        assert "South" not in text_of(administrator.get(url(name, draft.key)))
    for name in ("wizard_name", "wizard_mark", "wizard_confirm", "wizard_discard"):
        administrator.post(url(name, draft.key), {"name": "Bonn"})
    draft.refresh_from_db()
    assert draft.name == "Köln"


def test_group_that_is_gone_has_no_draft(operator: Client) -> None:
    for key in ("999-abc", "x", "9" * 30, "-1", "²-1"):
        assert operator.get(f"/infrastructure/groups/drafts/{key}/name/").status_code == 404


def test_discarded_draft_is_gone(operator: Client) -> None:
    draft = start(operator)
    assert operator.post(url("wizard_discard", draft.key)).headers["Location"] == url("groups")
    assert not GroupDraft.objects.exists()


def test_charge_point_removed_meanwhile_is_left_out(operator: Client, points: list[ChargePoint]) -> None:
    draft = start(operator)
    mark(operator, draft, *points[:2])
    points[0].delete()
    operator.post(url("wizard_confirm", draft.key))
    assert list(NotificationGroup.objects.get().charge_points.all()) == [points[1]]


# ---- confirmation ---------------------------------------------------------------------------------------------------


def test_confirmation_says_what_it_would_have_sent(operator: Client, points: list[ChargePoint]) -> None:
    now = timezone.now()
    for days, point in ((1, 0), (1, 1), (2, 0), (31, 0), (1, 3)):
        IncidentFactory(charge_point=points[point], opened_at=now - days * DAY, closed_at=now, close_reason="cleared")
    draft = start(operator)
    mark(operator, draft, *points[:2])
    response = operator.get(url("wizard_confirm", draft.key))
    assert [n for _case, _day, n in response.context["history"]] == [1, 2]
    assert "3 alerts: Fuse tripped 3" in text_of(response)
    chart = response.context["chart"]
    assert chart.startswith("<svg")
    assert not re.search("<style|<script|style=", chart)
    do(operator, draft, "clear")
    assert "Nothing: no incident is recorded" in text_of(operator.get(url("wizard_confirm", draft.key)))


def test_confirmation_leaves_out_what_the_hold_off_spares(operator: Client, points: list[ChargePoint]) -> None:
    now = timezone.now()
    for minutes in (1, 14, 16, None):
        opened, closed = now - DAY, None if minutes is None else now - DAY + timedelta(minutes=minutes)
        reason = "cleared" if closed else ""
        IncidentFactory(
            charge_point=points[0], case="UNAVAILABLE", opened_at=opened, closed_at=closed, close_reason=reason
        )
    draft = start(operator)
    mark(operator, draft, points[0])
    shown = text_of(operator.get(url("wizard_confirm", draft.key)))
    assert "2 alerts: Unavailable 2" in shown
    assert "2 more were over before the hold-off had passed" in shown


def test_confirmation_of_a_change_goes_by_the_groups_own_cases(operator: Client, points: list[ChargePoint]) -> None:
    group = NotificationGroupFactory(cases=["FUSE_TRIPPED"], hold_off_s={"FUSE_TRIPPED": 60}, members=points[:1])
    now = timezone.now()
    for case, seconds in (("FUSE_TRIPPED", 61), ("FUSE_TRIPPED", 59), ("SENSORS", 61)):
        closed = now - DAY + timedelta(seconds=seconds)
        IncidentFactory(
            charge_point=points[0], case=case, opened_at=now - DAY, closed_at=closed, close_reason="cleared"
        )
    shown = text_of(operator.get(url("wizard_confirm", start(operator, "Köln", group).key)))
    assert "1 alert: Fuse tripped 1" in shown
    assert "1 more was over" in shown
    assert "Sensors" not in shown


def test_twenty_thousand_marks_take_few_statements_and_show_fifty(operator: Client, points: list[ChargePoint]) -> None:
    draft = start(operator)
    GroupDraft.objects.filter(pk=draft.pk).update(
        marked=[*(point.pk for point in points), *range(10**6, 10**6 + 19_996)]
    )
    for name in ("wizard_charge_points", "wizard_confirm"):
        with CaptureQueriesContext(connection) as queries:
            shown = text_of(operator.get(url(name, draft.key)))
        assert len(queries) <= 17
        assert sum(len(query["sql"]) for query in queries) < 60_000
        assert "20,000" in shown
    page = text_of(operator.get(url("wizard_charge_points", draft.key)))
    assert "20,000 charge points marked" in page
    assert "and 19,950 more" in page


# ---- in the modal ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["modal-dialog", "wizard"])
@pytest.mark.parametrize("name", ["wizard_name", "wizard_charge_points", "wizard_confirm"])
def test_step_in_the_modal_is_the_same_without_the_page_around_it(operator: Client, name: str, target: str) -> None:
    draft = start(operator)
    whole = operator.get(url(name, draft.key)).content.decode()
    part = operator.get(url(name, draft.key), headers={"HX-Request": "true", "HX-Target": target}).content.decode()
    assert part.lstrip().startswith('<div class="modal-content" id="wizard"')
    assert "<html" in whole
    assert "<html" not in part
    assert 'id="wizard"' in whole


def test_mark_in_the_modal_answers_with_the_chips(operator: Client, points: list[ChargePoint]) -> None:
    draft = start(operator)
    data = {"what": "set", "mark": points[0].pk}
    response = operator.post(url("wizard_mark", draft.key), data, headers={"HX-Request": "true", "HX-Target": "marked"})
    assert laid_out(response.content.decode()).startswith('<section id="marked"')
    assert "1 charge point marked" in text_of(response)


def test_end_in_the_modal_closes_it_by_going_to_the_overview(operator: Client) -> None:
    ends = {}
    for name in ("wizard_confirm", "wizard_discard"):
        response = operator.post(url(name, start(operator, name).key), headers={"HX-Request": "true"})
        assert response.status_code == 204
        ends[name] = response.headers["HX-Redirect"]
    group = NotificationGroup.objects.get()
    assert ends == {"wizard_confirm": f"{url('groups')}#list-row-{group.pk}", "wizard_discard": url("groups")}


def test_new_group_is_on_the_page_of_the_overview_that_it_leads_to(operator: Client) -> None:
    for number in range(120):
        NotificationGroupFactory(name=f"G{number:03}", emails=[])
    target = operator.post(url("wizard_confirm", start(operator, "G075b").key)).headers["Location"]
    page, _sep, row = target.partition("#")
    assert page.endswith("?page=2")
    assert f'id="{row}"' in operator.get(page).content.decode()


def test_names_that_hold_html_are_shown_as_they_are(operator: Client) -> None:
    point = ChargePointFactory(evse_id="<i>odd</i>", name=EVIL, city=EVIL, location=EVIL)
    NotificationGroupFactory(name=EVIL, members=[point])
    draft = start(operator, "<i>odd" + EVIL)
    mark(operator, draft, point)
    for name in ("wizard_name", "wizard_charge_points", "wizard_confirm"):
        assert escape(EVIL) in harmless(operator.get(url(name, draft.key)))
