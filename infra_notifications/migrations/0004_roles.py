"""What each role may do with charging infrastructure."""

from django.db import migrations

from core.roles import ADMINISTRATOR, OPERATOR, VIEWER, grant

MODELS = (
    "chargepoint", "chargepointstate", "chargepointmessage", "unknownchargepoint", "notificationgroup", "groupaddress",
    "groupmembership", "incident", "notice", "eventrule", "unmappedreport",
)  # fmt: skip


def roles(apps, schema_editor):
    groups = [
        f"{action}_{model}"
        for action in ("add", "change", "delete")
        for model in ("notificationgroup", "groupaddress", "groupmembership")
    ]
    setup = [
        f"{action}_{model}"
        for action in ("add", "change", "delete")
        for model in ("chargepoint", "eventrule", "unknownchargepoint", "unmappedreport")
    ]
    grant(
        apps,
        "infra_notifications",
        {
            VIEWER: [f"view_{model}" for model in MODELS],
            OPERATOR: [*groups, "close_incident"],
            ADMINISTRATOR: [*setup, "view_groupdraft", "delete_groupdraft"],
        },
    )


class Migration(migrations.Migration):
    dependencies = [("infra_notifications", "0003_rules"), ("outbox", "0002_roles")]
    operations = [migrations.RunPython(roles, migrations.RunPython.noop)]
