"""What people keep of lists: saved searches, chosen columns, and the list itself as CSV."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection
from django.template import Context
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.lists import Column
from console.lists.columns import file_text, plain
from core.models import ColumnChoice, SavedSearch
from core.services import create_api_key
from infra_notifications.choices import Case
from tests.factories.infra_notifications import ChargePointFactory, IncidentFactory, NotificationGroupFactory

pytestmark = pytest.mark.django_db
GROUPS, POINTS, INCIDENTS = "/infrastructure/groups/", "/infrastructure/charge-points/", "/infrastructure/incidents/"


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def save(client: Client, name: str, query: str = "q=k%C3%B6ln&page=3&was=x", url: str = POINTS, **more: str) -> Any:
    return client.post(f"{url}?{query}", {"do": "save_search", "name": name} | more)


def menu(client: Client, url: str = POINTS) -> dict[str, str]:
    """The saved searches of a list, by name."""
    page = client.get(url).content.decode()
    return {name: link for link, name in re.findall(r'<li><a href="([^"]*)">([^<]*)</a>', page) if "?" in link}


# ---- saved searches -------------------------------------------------------------------------------------------------


def test_a_search_is_saved_and_found_again(operator: Client, viewer: Client) -> None:
    response = save(operator, "  My   search ")
    assert (response.headers["Location"], said(response)) == (
        f"{POINTS}?q=k%C3%B6ln",
        ["The search “My search” is saved."],
    )
    assert menu(operator) == {"My search": f"{POINTS}?q=k%C3%B6ln"}
    assert menu(operator, INCIDENTS) == {}
    assert menu(viewer) == {}


def test_a_shared_search_is_everyones(operator: Client, viewer: Client) -> None:
    save(operator, "Ours", shared="1")
    assert menu(viewer) == {"Ours": f"{POINTS}?q=k%C3%B6ln"}
    assert save(viewer, "Mine", shared="1").status_code == 403
    assert 'name="shared"' not in viewer.get(POINTS).content.decode()


def test_the_same_name_again_changes_the_search(operator: Client) -> None:
    save(operator, "A")
    assert said(save(operator, "a", query="city=Bonn"))[-1] == "The search “a” is changed."
    assert menu(operator) == {"a": f"{POINTS}?city=Bonn"}


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "\x00"])
def test_a_search_needs_a_name(operator: Client, name: str) -> None:
    assert said(save(operator, name)) == ["Give the search a name of at most 80 characters."]
    assert not SavedSearch.objects.exists()


def test_a_hundred_searches_are_enough(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.lists.personal.MOST_SEARCHES", 1)
    save(operator, "A")
    assert "delete one first" in said(save(operator, "B"))[-1]


def test_ones_own_search_can_be_deleted_and_a_shared_one_by_administrators(
    operator: Client, viewer: Client, administrator: Client
) -> None:
    for name in ("A", "B"):
        save(operator, name, shared="1")
    first, second = SavedSearch.objects.order_by("name")
    forget = {"do": "delete_search", "search": first.pk}
    assert "gone already" in said(viewer.post(POINTS, forget))[0]
    assert said(operator.post(POINTS, forget))[-1] == "The search is deleted."
    administrator.post(POINTS, forget | {"search": second.pk})
    assert not SavedSearch.objects.exists()
    for odd in ("", "x", "²", "9" * 30):
        assert "gone already" in said(operator.post(POINTS, forget | {"search": odd}))[-1]


def test_what_others_keep_for_themselves_is_not_deleted_nor_seen(operator: Client, administrator: Client) -> None:
    save(operator, "Mine alone")
    private = SavedSearch.objects.get()
    answer = administrator.post(POINTS, {"do": "delete_search", "search": private.pk})
    assert "gone already" in said(answer)[0]
    admin_page = f"/admin/console/savedsearch/{private.pk}"
    assert "Mine alone" not in administrator.get("/admin/console/savedsearch/").text
    assert administrator.post(f"{admin_page}/delete/", {"post": "yes"}).status_code == 302
    assert administrator.get(f"{admin_page}/change/").status_code == 302
    assert SavedSearch.objects.filter(pk=private.pk).exists()


def test_names_and_queries_that_hold_html_stay_text(operator: Client) -> None:
    save(operator, "<script>alert(1)</script>", query="q=%22%3E%3Cscript%3Ealert(1)")
    assert "<script>alert" not in operator.get(POINTS).content.decode()


# ---- columns --------------------------------------------------------------------------------------------------------


def heads(client: Client, url: str = GROUPS) -> list[str]:
    return [str(head["column"].label) for head in client.get(url).context["heads"]]


def choose(client: Client, *columns: str, url: str = GROUPS, **more: str) -> Any:
    return client.post(f"{url}?q=x", {"do": "columns", "column": columns} | more)


def test_columns_are_chosen_by_person_and_list(operator: Client, viewer: Client) -> None:
    everything = heads(operator)
    assert choose(operator, "name", "cases", "nonsense").headers["Location"] == f"{GROUPS}?q=x&columns=name%2Ccases"
    assert heads(operator) == ["Group", "Cases", ""]
    assert heads(viewer) == everything
    assert len(heads(operator, POINTS)) > 5
    assert choose(operator, "cases", reset="1").headers["Location"] == f"{GROUPS}?q=x"
    assert heads(operator) == everything


def test_columns_in_the_address_are_shown_to_whoever_opens_it(operator: Client, viewer: Client) -> None:
    """Before those that the person chose, by links of the list too, and in the files."""
    choose(operator, "cases")
    url = f"{GROUPS}?columns=open_count,name,nonsense"
    NotificationGroupFactory(name="A")
    for client in (operator, viewer):
        assert heads(client, url)[:2] == ["Group", "Open incidents"]
    page = viewer.get(url)
    assert all("columns=open_count" in link for link in (page.context["heads"][0]["url"], page.context["clear_url"]))
    assert '<input type="hidden" name="columns" value="open_count,name,nonsense"' in " ".join(
        page.content.decode().split()
    )
    assert download(viewer, f"{url}&as=csv")[0] == ["Group", "Open incidents"]
    assert heads(viewer, f"{GROUPS}?columns=nonsense") == heads(viewer)


@pytest.mark.parametrize(
    "chosen", [[], ["nonsense"], ["name", "cases", "address_count", "open_count", "last_notified_at"]]
)
def test_no_choice_and_every_column_are_the_usual_ones(operator: Client, chosen: list[str]) -> None:
    choose(operator, "name")
    choose(operator, *chosen)
    assert not ColumnChoice.objects.exists()


def test_a_choice_of_columns_that_are_gone_is_none(operator: Client) -> None:
    owner = User.objects.get(pk=operator.session["_auth_user_id"])
    ColumnChoice.objects.create(owner=owner, list_key="groups", columns=["was_here_once"])
    assert len(heads(operator)) > 3


# ---- CSV ------------------------------------------------------------------------------------------------------------


def download(client: Client, url: str) -> list[list[str]]:
    response = client.get(url)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text)))


def test_the_file_holds_what_the_list_shows_on_all_its_pages(operator: Client) -> None:
    for number in range(60):
        NotificationGroupFactory(
            name=f"G{number:02}", members=[ChargePointFactory()] if number == 59 else [], emails=[]
        )
    rows = download(operator, f"{GROUPS}?q=g&sort=-name&as=csv")
    assert rows[0] == ["Group", "Cases", "Addresses", "Open incidents", "Last notification"]
    assert [row[0][:3] for row in rows[1:]] == [f"G{n:02}" for n in range(59, -1, -1)]
    assert rows[1] == ["G59, 1 charge point, no address", ", ".join(map(str, Case.labels)), "0", "0", ""]


def test_the_file_has_the_chosen_columns(operator: Client) -> None:
    NotificationGroupFactory(name="A")
    choose(operator, "name", "open_count")
    assert download(operator, f"{GROUPS}?as=csv") == [
        ["Group", "Open incidents"],
        ["A, 0 charge points, no charge point", "0"],
    ]


def test_a_search_that_cannot_be_read_gives_no_file(operator: Client) -> None:
    response = operator.get(f"{GROUPS}?q=nmae:x&as=csv")
    assert response.status_code == 400
    assert "Did you mean “name”?" in response.content.decode()


def test_cells_are_exact_and_no_spreadsheet_computes_them(administrator: Client) -> None:
    create_api_key(name="=1+1", scopes=["outbox:read", "charging:read"])
    create_api_key(name="-x", scopes=["outbox:read"])
    rows = download(administrator, "/api-keys/?as=csv&sort=name")
    names = {row[0]: row for row in rows[1:]}
    assert {"'=1+1", "'-x"} <= set(names)
    assert names["'=1+1"][2] == "charging:read, outbox:read"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", names["'-x"][3])


def test_statements_of_a_file_do_not_grow_with_its_rows(operator: Client) -> None:
    counts = []
    for number in (2, 40):
        for _ in range(number):
            IncidentFactory()
        with CaptureQueriesContext(connection) as queries:
            download(operator, f"{INCIDENTS}?as=csv")
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (Decimal("22.00"), "22"),
        (datetime(2026, 11, 29, 12, 30, tzinfo=UTC), "2026-11-29T12:30:00+00:00"),
        (["Ada", None, "Bob"], "Ada, Bob"),
        (["=1", "@x"], "'=1, @x"),
        ("＝cmd", "'＝cmd"),
        ("＋1", "'＋1"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("-1", "'-1"),
        ("a;=1+1;b", "a;'=1+1;b"),  # where the semicolon parts cells
        ("a\n@x", "a\n'@x"),
        ("it's; '=1", "it's; '=1"),
        (-1, "-1"),
    ],
)
def test_a_cell_of_a_file_is_plain_and_exact(value: Any, text: str) -> None:
    assert file_text(plain(value)) == text


def test_what_has_no_plain_form_must_be_declared() -> None:
    with pytest.raises(TypeError):
        Column("pk", "", export=lambda row: row).exported(object(), Context())
    with pytest.raises(AttributeError):
        Column("nothing", "Nothing", "console/cells/ago.html").exported(object(), Context())
    with pytest.raises(TypeError, match="not both"):
        Column("both", "Both", "x.html", value=str)


def test_an_export_value_is_a_path_several_or_a_function() -> None:
    row = SimpleNamespace(vehicle=SimpleNamespace(vin="VR3"), health={"p50": 1, "p95": 2}, nobody=None)
    assert Column("a", "A", export="vehicle.vin").exported(row, Context()) == "VR3"
    assert Column("a", "A", export=("health.p50", "nobody.name", "health.p95")).exported(row, Context()) == [1, None, 2]
    assert Column("a", "A", export=lambda row: row.vehicle.vin[:2]).exported(row, Context()) == "VR"
