"""A list that is fetched while its operator goes on pushing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from infra_notifications.models import ChargePoint, OcpiEvse, OcpiParty
from tests.infra_notifications.ocpi.cpo import Cpo, Sender, evse, location, said
from tests.infra_notifications.ocpi.helpers import places, pull
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("committed")
LATER = "2026-11-02T10:00:00Z"


def _meanwhile(push: Callable[[], Any]) -> Callable[[int], None]:
    """Pushes while the first page is fetched, from the operator's own thread."""

    def on_page(offset: int) -> None:
        if not offset:
            assert push().status_code < 300
            connections.close_all()

    return on_page


def test_what_the_list_does_not_name_is_removed_but_for_what_came_meanwhile(
    cpo: Cpo, sender: Sender, party: OcpiParty
) -> None:
    sender.locations = places(4)
    pull(party)
    sender.locations = places(2)
    sender.on_page = _meanwhile(lambda: cpo.put("NEW", location("NEW", evse("new"))))
    assert pull(party).pull_result["removed"] == 2
    statuses = {found.uid: found.status for found in OcpiEvse.objects.all()}
    assert statuses == {"0": "AVAILABLE", "1": "AVAILABLE", "2": "REMOVED", "3": "REMOVED", "new": "AVAILABLE"}
    assert ChargePoint.objects.get(evse_id="BE*BEC*E041502").state.status == "Removed"


def test_news_that_was_pushed_while_pages_were_fetched_wins(cpo: Cpo, sender: Sender, party: OcpiParty) -> None:
    sender.locations = [location("LOC1", evse("1"))]
    pull(party)
    sender.on_page = _meanwhile(lambda: cpo.patch("LOC1/1", {"status": "OUTOFORDER", "last_updated": LATER}))
    pull(party)
    assert OcpiEvse.objects.get().status == "OUTOFORDER"


def test_many_pushes_of_one_location_at_once_are_all_taken(cpo: Cpo) -> None:
    """Its first EVSEs come before it is there, as those of an operator with several workers do."""
    both = [lambda n=n: said(Cpo(cpo.token).put("LOC1", location("LOC1", evse(f"{n}")))) for n in range(2)]
    assert {code for _http, code in at_once(both)} == {1000}
    each = [lambda n=n: said(Cpo(cpo.token).put(f"LOC1/{n}", evse(f"{n}"))) for n in range(10, 14)]
    assert at_once(each) == [(201, 1000)] * 4
    assert OcpiEvse.objects.filter(key__in=("10", "11", "12", "13"), charge_point__isnull=False).count() == 4
