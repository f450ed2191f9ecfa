"""Charge points that open the same case again and again."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("infra_notifications", "0006_maintenance")]
    operations = [
        migrations.CreateModel(
            name="Flapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "charge_point",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="flappings",
                        to="infra_notifications.chargepoint",
                        verbose_name="charge point",
                    ),
                ),
                (
                    "case",
                    models.CharField(
                        choices=[
                            ("FUSE_TRIPPED", "Fuse tripped"),
                            ("UNAVAILABLE", "Unavailable"),
                            ("SENSORS", "Sensors"),
                        ],
                        max_length=20,
                        verbose_name="case",
                    ),
                ),
                ("began_at", models.DateTimeField(verbose_name="began")),
                ("openings", models.PositiveIntegerField(verbose_name="openings")),
                ("next_check_at", models.DateTimeField(verbose_name="looked at again")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="quiet since")),
            ],
            options={
                "verbose_name": "flapping charge point",
                "verbose_name_plural": "flapping charge points",
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("charge_point", "case"), condition=Q(ended_at__isnull=True), name="flapping_once"
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=["next_check_at"], name="flapping_due", condition=Q(ended_at__isnull=True)
                    ),
                    models.Index(fields=["charge_point", "-id"], name="flapping_history"),
                ],
            },
        ),
    ]
