"""What each role may do with vehicles."""

from django.db import migrations

from core.roles import ADMINISTRATOR, OPERATOR, VIEWER, grant

READ = (
    "driver", "oemaccount", "vehicle", "oemservice", "charginglocation", "utilitycontract", "pdlagreement",
    "chargingsession", "telemetrysample", "payout", "reimbursement", "coststatement", "referral", "campaign",
    "campaignrecipient", "fact", "drivernotification", "notificationstep", "typesetting", "notificationtext",
)


def roles(apps, schema_editor):
    grant(
        apps,
        "vehicles",
        {
            VIEWER: [f"view_{model}" for model in READ],
            OPERATOR: [
                "add_fact", "send_sample", "add_campaign", "change_campaign", "delete_campaign", "run_campaign",
                *(f"{action}_{model}" for action in ("add", "change", "delete") for model in
                  ("typesetting", "notificationtext")),
            ],
            ADMINISTRATOR: [],
        },
    )


class Migration(migrations.Migration):
    dependencies = [("vehicles", "0001_initial"), ("console", "0003_roles")]
    operations = [migrations.RunPython(roles, migrations.RunPython.noop)]
