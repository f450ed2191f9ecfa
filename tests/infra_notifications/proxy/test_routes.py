from __future__ import annotations

from infra_notifications.proxy.routes import FixedRoutes, Route


def test_routes_are_found_by_their_slug_and_replaced_at_once() -> None:
    old, new = Route("site", "ws://one.example/ocpp"), Route("site", "ws://two.example/ocpp")
    table = FixedRoutes([old])
    assert table.find("site", "CP-1") == old
    assert table.find("other", "CP-1") is None
    table.replace([new])
    assert table.find("site", "CP-1") == new
