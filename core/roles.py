"""The three roles, as Django groups. Each app grants its permissions in a migration of its own.

viewer reads everything; operator also does the daily work; administrator also sets things up.
A role includes the ones before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

VIEWER, OPERATOR, ADMINISTRATOR = "viewer", "operator", "administrator"
ROLES = (VIEWER, OPERATOR, ADMINISTRATOR)


def grant(apps: Any, app_label: str, grants: Mapping[str, Sequence[str]]) -> None:
    """Gives each role its permissions of one app, for use in that app's migrations.

    `grants` maps a role to codenames such as `view_chargepoint`; a role also gets what lesser roles get. The
    permissions are made here, because Django makes them only after all migrations have run.
    """
    from django.apps import apps as real_apps
    from django.contrib.auth.management import create_permissions

    config = real_apps.get_app_config(app_label)
    create_permissions(config, apps=apps, verbosity=0)

    group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    codenames: set[str] = set()
    for role in ROLES:
        codenames |= set(grants.get(role, ()))
        group, _ = group_model.objects.get_or_create(name=role)
        permissions = permission_model.objects.filter(content_type__app_label=app_label, codename__in=codenames)
        missing = codenames - set(permissions.values_list("codename", flat=True))
        if missing:
            raise LookupError(f"{app_label} has no permission {', '.join(sorted(missing))}")
        group.permissions.add(*permissions)
