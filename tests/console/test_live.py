"""What changes by itself: lists, parts of pages and the bell are asked for cheaply, and answered by 304 while they are
as they were."""

from __future__ import annotations

import re
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from infra_notifications.models import Acknowledgement, Incident
from tests.clock import NOW
from tests.conftest import client_of
from tests.console.test_every_list import LISTS
from tests.console.walk import path_of
from tests.factories.everything import World
from tests.factories.infra_notifications import IncidentFactory

pytestmark = pytest.mark.django_db
INCIDENTS = "/infrastructure/incidents/"
BY_ITSELF = {"X-By-Itself": "1"}
# Who asks, their session and permissions, and the rows.
FEW = 7


def asked(client: Client, path: str, etag: str = "") -> Any:
    return client.get(path, headers=BY_ITSELF | ({"If-None-Match": etag} if etag else {}))


def stamp(client: Client, path: str) -> str:
    (found,) = re.findall(r'data-live="([^"]*)"', client.get(path).content.decode())
    return str(found).replace("&quot;", '"')


def test_live_lists_are_asked_for_changes_cheaply(world: World, owner: User) -> None:
    client, live = client_of(owner), [(route, page) for route, page in LISTS if page.live_on]
    assert {"incidents", "deliveries", "group_incidents", "group_deliveries"} <= {page.key for _route, page in live}
    for route, page in live:
        path = path_of(route, world)
        etag = stamp(client, path)
        with CaptureQueriesContext(connection) as queries:
            answer = asked(client, f"{path}?as=changes", etag)
        assert (answer.status_code, len(queries) <= FEW) == (304, True), (page.key, len(queries))
    other = next(route for route, page in LISTS if page.key == "groups")
    assert asked(client, f"{path_of(other, world)}?as=changes").status_code == 404


def test_what_changed_is_seen_and_moves_no_address(operator: Client) -> None:
    incident = IncidentFactory()
    etags = [stamp(operator, INCIDENTS)]
    for change in (
        IncidentFactory,
        lambda: Acknowledgement.objects.create(incident=incident, at=timezone.now(), author="x"),
        lambda: Incident.objects.update(closed_at=timezone.now(), close_reason="cleared"),
    ):
        change()
        answer = asked(operator, f"{INCIDENTS}?as=changes", etags[-1])
        assert answer.status_code == 204
        assert answer.headers["ETag"] == stamp(operator, INCIDENTS)
        etags.append(answer.headers["ETag"])
    assert len(set(etags)) == 4
    assert asked(operator, f"{INCIDENTS}?as=changes&q=city:nowhere", etags[-1]).status_code == 204
    part = operator.get(INCIDENTS, headers=BY_ITSELF | {"HX-Request": "true", "HX-Target": "list"})
    assert "HX-Push-Url" not in part.headers


def test_bell_counts_what_waits_and_is_silent_while_nothing_changes(operator: Client, nobody: Client) -> None:
    incident = IncidentFactory()
    first = asked(operator, "/bell/")
    (bell,) = first.json()["bells"]
    assert (bell["count"], bell["newest"][0]["id"]) == (1, incident.pk)
    assert incident.charge_point.evse_id in bell["newest"][0]["text"]
    assert operator.get(bell["newest"][0]["url"]).status_code == 200
    assert "1 result" in operator.get(bell["url"]).content.decode()
    assert asked(operator, "/bell/", first.headers["ETag"]).status_code == 304
    Acknowledgement.objects.create(incident=incident, at=timezone.now(), author="x")
    again = asked(operator, "/bell/", first.headers["ETag"])
    assert (again.status_code, again.json()["bells"][0]["count"]) == (200, 0)
    assert asked(nobody, "/bell/").json() == {"bells": []}


@time_machine.travel(NOW, tick=False)
def test_parts_that_ask_by_themselves_come_when_they_changed(operator: Client) -> None:
    part = {"HX-Request": "true", "HX-Target": "tiles"}
    IncidentFactory()  # at a time that stands still: how long ago it was is part of the page
    first = operator.get("/", headers=part | BY_ITSELF)
    known = {"If-None-Match": first.headers["ETag"]}
    assert operator.get("/", headers=part | BY_ITSELF | known).status_code == 304
    assert operator.get("/", headers=part | known).status_code == 200, "who clicks gets an answer"
    IncidentFactory()
    assert operator.get("/", headers=part | BY_ITSELF | known).status_code == 200
