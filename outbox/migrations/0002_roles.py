"""What each role may do with events and deliveries."""

from django.db import migrations

from core.roles import ADMINISTRATOR, OPERATOR, VIEWER, grant


def roles(apps, schema_editor):
    grant(
        apps,
        "outbox",
        {
            VIEWER: ["view_event", "view_delivery", "view_attempt", "view_address"],
            OPERATOR: ["retry_delivery"],
            ADMINISTRATOR: ["change_address", "delete_address"],
        },
    )


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_initial"), ("console", "0003_roles")]
    operations = [migrations.RunPython(roles, migrations.RunPython.noop)]
