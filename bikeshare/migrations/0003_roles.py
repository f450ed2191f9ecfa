"""What each role may do with bike-share. Resources are changed by the API and by operators' actions."""

from django.db import migrations

from core.roles import ADMINISTRATOR, OPERATOR, VIEWER, grant

MODELS = (
    "program", "cyclist", "registration", "pass", "abonnement", "stationfavorite", "station", "boitier", "boitierstate",
    "vehicule", "dock", "trip", "terminationrequest", "zone", "telemetrymessage",
)  # fmt: skip


def roles(apps, schema_editor):
    grant(
        apps,
        "bikeshare",
        {
            VIEWER: [f"view_{model}" for model in MODELS],
            OPERATOR: ["close_trip", "validate_abonnement", "block_cyclist", "service_vehicule", "send_sample"],
            ADMINISTRATOR: ["add_program", "change_program", "delete_program"],
        },
    )


class Migration(migrations.Migration):
    dependencies = [("bikeshare", "0002_hot_tables"), ("outbox", "0002_roles")]
    operations = [migrations.RunPython(roles, migrations.RunPython.noop)]
