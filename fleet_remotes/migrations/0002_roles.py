"""What each role may do with fleet remotes."""

from django.db import migrations

from core.roles import ADMINISTRATOR, OPERATOR, VIEWER, grant

READ = (
    "fleet", "fleetvehicle", "wakeupuse", "callback", "callbackmessage", "remotenotification", "commandbatch",
    "remoteaction", "actionstep",
)  # fmt: skip
SET_UP = ("fleet", "fleetvehicle", "callback")


def roles(apps, schema_editor):
    grant(
        apps,
        "fleet_remotes",
        {
            VIEWER: [f"view_{model}" for model in READ],
            OPERATOR: ["send_command", "send_dangerous_command", "stop_fleet"],
            ADMINISTRATOR: [
                *(f"{action}_{model}" for action in ("add", "change", "delete") for model in SET_UP),
                "register_callback",
                "view_commanddraft",
                "delete_commanddraft",
            ],
        },
    )


class Migration(migrations.Migration):
    dependencies = [("fleet_remotes", "0001_initial"), ("outbox", "0002_roles")]
    operations = [migrations.RunPython(roles, migrations.RunPython.noop)]
