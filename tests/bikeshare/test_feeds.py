"""Feeds by a schedule: by API and page, read when they are due, with what came of it and whether all is well."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bikeshare.models import FeedSource, Program, Station
from bikeshare.services.feeds import check_feeds, read_due
from tests.bikeshare.kit import DAY, HOUR, MINUTE, NOW, told
from tests.bikeshare.test_feed_values import Feeds, feeds  # noqa: F401 - a fixture
from tests.bikeshare.test_gbfs import near  # noqa: F401 - a fixture
from tests.conftest import ApiClient
from tests.factories.bikeshare import ProgramFactory

pytestmark = pytest.mark.django_db
PAGE = reverse("bikeshare:feeds")


def feed(url: str, **more: Any) -> FeedSource:
    made: FeedSource = FeedSource.objects.create(program=ProgramFactory(), url=url, next_at=NOW, **more)
    return made


def test_a_feed_is_read_when_it_is_due_and_again_after_its_time(feeds: str) -> None:  # noqa: F811
    row = feed(f"{feeds}/gbfs", every_min=10)
    assert read_due(now=NOW) == 1
    assert read_due(now=NOW + 9 * MINUTE) == 0
    row.refresh_from_db()
    assert (row.last_ok_at, row.problem, row.next_at) == (NOW, "", NOW + 10 * MINUTE)
    assert row.result["stations"]["created"] == row.result["statuses"] == 1
    assert Station.objects.get().reported_vehicules == 3
    before = len(told())
    Feeds.asked.clear()
    assert read_due(now=NOW + 10 * MINUTE) == 1
    row.refresh_from_db()
    assert (row.last_ok_at, len(told())) == (NOW + 10 * MINUTE, before)
    assert [status for _path, _encoding, status in Feeds.asked].count(304) == 2


def test_a_feed_that_cannot_be_read_says_why_and_the_next_is_read(feeds: str) -> None:  # noqa: F811
    bad, good = feed(f"{feeds}/vehicle_types"), feed(f"{feeds}/gbfs", every_min=0)
    assert read_due(now=NOW) == 2
    for row in (bad, good):
        row.refresh_from_db()
    assert "is it a gbfs.json?" in bad.problem
    assert (bad.last_ok_at, bad.next_at) == (None, NOW + 5 * MINUTE)
    assert (good.last_ok_at, good.next_at) == (NOW, None)


def test_health_says_which_feed_is_not_read() -> None:
    assert check_feeds(NOW).text == "0 feeds are read"
    row = feed("https://feeds.example/gbfs.json", last_ok_at=NOW - 14 * MINUTE)
    assert check_feeds(NOW).ok
    FeedSource.objects.filter(pk=row.pk).update(last_ok_at=NOW - HOUR, problem="HTTP 500")
    finding = check_feeds(NOW)
    assert (finding.ok, finding.text) == (
        False,
        "1 feeds are not read, first https://feeds.example/*** (HTTP 500)",
    )
    FeedSource.objects.update(every_min=0, last_ok_at=NOW - DAY)
    assert check_feeds(NOW).ok


def test_the_api_makes_changes_reads_and_ends_feeds(api: ApiClient) -> None:
    ProgramFactory()
    body = {"program": "lutece", "url": "https://feeds.example/gbfs.json", "types": {"ebike": "vae"}}
    made = api.post("/bikeshare/feeds", body)
    assert (made.status_code, made.json()["every_min"]) == (201, 5)
    path = f"/bikeshare/feeds/{made.json()['id']}"
    assert api.get("/bikeshare/feeds").json()["items"] == [api.get(path).json()]
    FeedSource.objects.update(next_at=None, tags={"a": {}}, last_ok_at=NOW)
    assert api.post(f"{path}/read").status_code == 202
    assert FeedSource.objects.get().next_at is not None
    changed = api.patch(path, {"url": "https://feeds.example/2.json", "every_min": 0}).json()
    assert (changed["every_min"], changed["last_ok_at"]) == (0, None)
    assert api.delete(path).status_code == 204
    assert not FeedSource.objects.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": ""}, "url"),
        ({"url": "ftp://feeds.example/x"}, "url"),
        ({"program": "nobody"}, "There is no program nobody"),
        ({"types": {"ebike": "tank"}}, "tank is none of"),
        ({"every_min": -1}, "every_min"),
    ],
)
def test_what_cannot_be_taken_is_said(api: ApiClient, given: dict[str, Any], said: str) -> None:
    ProgramFactory()
    answer = api.post("/bikeshare/feeds", {"program": "lutece", "url": "https://feeds.example/x"} | given)
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_the_page_makes_reads_and_ends_feeds(administrator: Client, viewer: Client) -> None:
    ProgramFactory()
    given = {"program": "lutece", "url": "https://feeds.example/gbfs.json", "every_min": 5, "types": "{}"}
    assert administrator.post(PAGE, given).status_code == 302
    again = administrator.post(PAGE, given).content.decode()
    assert "such a one already" in again
    row = FeedSource.objects.get()
    FeedSource.objects.update(problem="HTTP 500", next_at=None, result={"left_out": 2, "said": ["stations[1]: <odd>"]})
    shown = viewer.get(PAGE).content.decode()
    assert "HTTP 500" in shown
    assert "&lt;odd&gt;" in shown
    assert "<form method=" not in shown.partition("<main")[2]
    assert administrator.post(reverse("bikeshare:feed_read", args=[row.pk])).status_code == 302
    assert FeedSource.objects.get().next_at is not None
    assert viewer.post(reverse("bikeshare:feed_delete", args=[row.pk])).status_code == 403
    assert administrator.post(reverse("bikeshare:feed_delete", args=[row.pk])).status_code == 302
    assert Program.objects.exists()
    assert not FeedSource.objects.exists()


def test_the_page_of_a_feed_changes_it_but_not_its_program(administrator: Client, viewer: Client) -> None:
    ProgramFactory(pk="other")
    row = feed("https://feeds.example/gbfs.json", last_ok_at=NOW, types={"ebike": "vae"})
    page = reverse("bikeshare:feed_change", args=[row.pk])
    assert page in administrator.get(PAGE).content.decode()
    assert row.url in administrator.get(page).content.decode()
    assert viewer.get(page).status_code == 403
    given = {"program": "other", "url": "https://feeds.example/2.json", "every_min": 60, "types": ""}
    for wrong in ({"url": "http://10.0.0.1/"}, {"types": "[1]"}, {"types": '{"a": {}}'}, {"types": '{"a": "tank"}'}):
        assert administrator.post(page, given | wrong).status_code == 422
    assert administrator.post(page, given).status_code == 302
    row.refresh_from_db()
    said = (row.program_id, row.url, row.every_min, row.types, row.last_ok_at)
    assert said == ("lutece", given["url"], 60, {}, None)
    feed_of_another = FeedSource.objects.create(program=row.program, url="https://feeds.example/3.json")
    again = administrator.post(reverse("bikeshare:feed_change", args=[feed_of_another.pk]), given)
    assert (again.status_code, "such a one already" in again.content.decode()) == (422, True)


@pytest.mark.parametrize(
    "url", ["feeds.example/gbfs.json", "ftp://feeds.example/g", "http://169.254.169.254/gbfs.json"]
)
def test_an_address_that_may_not_be_asked_is_refused_at_once(api: ApiClient, url: str) -> None:
    ProgramFactory(pk="p")
    answer = api.post("/bikeshare/feeds", {"program": "p", "url": url})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/url")
