"""The values that columns of long lists hold, each once; administrators may look at them."""

from django.db import migrations, models

from core.roles import ADMINISTRATOR, grant


def roles(apps, schema_editor):
    grant(apps, "console", {ADMINISTRATOR: ["view_knownvalue"]})


class Migration(migrations.Migration):
    dependencies = [("console", "0005_list_roles")]
    operations = [
        migrations.CreateModel(
            name="KnownValue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "column",
                    models.CharField(
                        help_text="Table and column, joined by a dot.", max_length=100, verbose_name="column"
                    ),
                ),
                ("value", models.CharField(max_length=300, verbose_name="value")),
            ],
            options={
                "verbose_name": "known value",
                "verbose_name_plural": "known values",
                "constraints": [models.UniqueConstraint(fields=("column", "value"), name="knownvalue_unique")],
            },
        ),
        migrations.RunPython(roles, migrations.RunPython.noop),
    ]
