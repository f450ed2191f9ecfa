"""A search that finds nothing says why, where it holds a star."""

from __future__ import annotations

import pytest

from config.api import api as project_api
from tests.conftest import ApiClient
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory

pytestmark = pytest.mark.django_db


def test_every_list_that_is_searched_for_a_name_with_a_star_gives_a_hint(api: ApiClient) -> None:
    """And none where no star was typed."""
    operations = project_api.get_openapi_schema()["paths"].items()
    searched = [
        path.removeprefix("/api/v1")
        for path, methods in operations
        if not ("{" in path or path.endswith(".geojson"))
        and any(one["name"] == "q" for one in methods.get("get", {}).get("parameters", ()))
    ]
    assert len(searched) > 20
    for path in searched:
        answer = api.get(f"{path}?q=nobody-has-this-name*").json()
        assert "'nobody-has-this-name'" in answer["hint"], path
        assert "hint" not in api.get(f"{path}?q=nobody-has-this-name").json()


def test_a_star_in_an_evse_id_is_found(api: ApiClient) -> None:
    ChargePointFactory(evse_id="DE*ABC*E1*1")
    answer = api.get("/charging/charge-points?q=DE*ABC*").json()
    assert (len(answer["items"]), "hint" in answer) == (1, False)


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_members_are_chosen_by_a_part_of_a_name(api: ApiClient, method: str) -> None:
    other = ChargePointFactory(evse_id="DE*ABC*E1*1", station="CP-0001")
    ChargePointFactory(evse_id="DE*ABC*E3*1", station="XCP-0003")
    member = ChargePointFactory(evse_id="DE*ABC*E2*1", station="CP-0002")
    group = NotificationGroupFactory(members=[member])
    answer = getattr(api, method)(f"/charging/groups/{group.pk}/members", {"q": "station:CP-00*"})
    assert answer.status_code == 200
    assert set(group.charge_points.all()) == (set() if method == "delete" else {member, other})
