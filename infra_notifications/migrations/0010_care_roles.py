"""What each role may do with acknowledgements and maintenance."""

from django.db import migrations

from core.roles import OPERATOR, VIEWER, grant

MODELS = ("acknowledgement", "incidententry", "flapping", "maintenancewindow", "maintenancetarget")


def roles(apps, schema_editor):
    plans = [
        f"{action}_{model}"
        for action in ("add", "change", "delete")
        for model in ("maintenancewindow", "maintenancetarget")
    ]
    grant(
        apps,
        "infra_notifications",
        {VIEWER: [f"view_{model}" for model in MODELS], OPERATOR: [*plans, "acknowledge_incident"]},
    )


class Migration(migrations.Migration):
    dependencies = [("infra_notifications", "0009_digest")]
    operations = [migrations.RunPython(roles, migrations.RunPython.noop)]
