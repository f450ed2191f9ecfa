"""NUL, which no database takes, costs a character of a text and nothing else, at every door."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.pieces import REPLACED
from infra_notifications.models import ChargePoint, Source
from tests.conftest import ApiClient
from tests.infra_notifications.doors import DOORS, Door
from tests.infra_notifications.helpers import fault, open_cases, station

pytestmark = pytest.mark.django_db
BOOT = {"chargePointVendor": "AB\0B", "chargePointModel": "Terra\0", "firmwareVersion": "\0 1.8"}


@pytest.mark.parametrize("door", DOORS)
def test_nul_in_a_text_is_left_out_with_a_warning(door: Door, api: ApiClient, tmp_path: Path) -> None:
    first, second = station()
    door(api, tmp_path, "ocpp1.6", [2, "1", "BootNotification", BOOT])
    point = ChargePoint.objects.get(pk=first.pk)
    assert (point.vendor, point.model, point.firmware) == ("ABB", "Terra", "1.8")
    door(api, tmp_path, "ocpp1.6", [2, "2", "StatusNotification", fault(connectorId="2\0", info="RCD\0 triggered")])
    assert (open_cases(first), open_cases(second)) == ([], ["FUSE_TRIPPED"])
    meter = [{"timestamp": "2026-11-29T09:00:00Z", "sampledValue": [{"value": "1\0"}]}]
    door(api, tmp_path, "ocpp1.6", [2, "3", "MeterValues", {"connectorId": "1\0", "meterValue": meter}])
    sources = Source.objects.all()
    assert sum(source.rejected for source in sources) == 0
    assert sum(each["n"] for source in sources for each in source.cautions if each["text"] == REPLACED) == 3
    assert not [each for source in sources for each in source.cautions if "whole station" in each["text"]]
