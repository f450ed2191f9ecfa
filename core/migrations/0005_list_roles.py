"""Who may share searches, and what administrators see of what people keep of lists."""

from django.db import migrations

from core.roles import ADMINISTRATOR, OPERATOR, grant


def roles(apps, schema_editor):
    seen = ("columnchoice", "facetcensus", "facetcount", "undo", "savedsearch")
    grant(
        apps,
        "console",
        {
            OPERATOR: ["share_savedsearch"],
            ADMINISTRATOR: [
                *(f"view_{model}" for model in seen), "change_savedsearch", "delete_savedsearch", "delete_columnchoice",
            ],
        },
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("console", "0004_lists")]
    operations = [migrations.RunPython(roles, migrations.RunPython.noop)]
