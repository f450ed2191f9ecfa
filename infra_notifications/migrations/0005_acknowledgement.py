"""What people do about incidents: acknowledge them, note something, close them by hand."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("infra_notifications", "0004_roles")]
    operations = [
        migrations.AlterModelOptions(
            name="incident",
            options={
                "ordering": ("-id",),
                "permissions": (
                    ("close_incident", "Can close incidents by hand"),
                    ("acknowledge_incident", "Can acknowledge incidents and write notes on them"),
                ),
                "verbose_name": "incident",
                "verbose_name_plural": "incidents",
            },
        ),
        migrations.CreateModel(
            name="Acknowledgement",
            fields=[
                (
                    "incident",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="infra_notifications.incident",
                        verbose_name="incident",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                ("author", models.CharField(max_length=150, verbose_name="by")),
            ],
            options={"verbose_name": "acknowledgement", "verbose_name_plural": "acknowledgements"},
        ),
        migrations.CreateModel(
            name="IncidentEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="infra_notifications.incident",
                        verbose_name="incident",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("acknowledged", "Acknowledged"),
                            ("withdrawn", "Acknowledgement withdrawn"),
                            ("note", "Note"),
                            ("closed", "Closed by hand"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                ("author", models.CharField(max_length=150, verbose_name="by")),
                ("text", models.TextField(blank=True, default="", verbose_name="note")),
            ],
            options={
                "verbose_name": "incident entry",
                "verbose_name_plural": "incident entries",
                "ordering": ("id",),
            },
        ),
    ]
