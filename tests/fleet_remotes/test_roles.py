"""What each role may do with fleet remotes, exactly; tests/core/test_permissions.py walks the pages with it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from core.roles import ADMINISTRATOR, OPERATOR, ROLES, VIEWER

pytestmark = pytest.mark.django_db
SEEN = (
    "fleet",
    "fleetvehicle",
    "wakeupuse",
    "callback",
    "callbackmessage",
    "remotenotification",
    "commandbatch",
    "commandschedule",
    "remoteaction",
    "actionstep",
)
# What a role may do beyond the role before it.
GRANTS: dict[str, set[str]] = {
    VIEWER: {f"view_{model}" for model in SEEN},
    OPERATOR: {"send_command", "send_dangerous_command", "stop_fleet", "set_wakeup_budget"},
    ADMINISTRATOR: {
        f"{action}_{model}" for action in ("add", "change", "delete") for model in ("fleet", "fleetvehicle", "callback")
    }
    | {"register_callback", "view_commanddraft", "delete_commanddraft"},
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_exactly_this(role: str) -> None:
    found = Permission.objects.filter(group__name=role, content_type__app_label="fleet_remotes")
    wanted = set().union(*(GRANTS[one] for one in ROLES[: ROLES.index(role) + 1]))
    assert set(found.values_list("codename", flat=True)) == wanted
