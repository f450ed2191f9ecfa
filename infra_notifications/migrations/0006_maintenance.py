"""Maintenance windows and what they cover."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("infra_notifications", "0005_acknowledgement")]
    operations = [
        migrations.CreateModel(
            name="MaintenanceWindow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                ("starts_at", models.DateTimeField(verbose_name="begins")),
                ("ends_at", models.DateTimeField(verbose_name="ends")),
                ("author", models.CharField(editable=False, max_length=150, verbose_name="by")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={
                "verbose_name": "maintenance window",
                "verbose_name_plural": "maintenance windows",
                "ordering": ("-starts_at", "-id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(ends_at__gte=F("starts_at")),
                        name="maintenance_ends_after_start",
                        violation_error_message="It ends before it begins.",
                    )
                ],
                "indexes": [
                    models.Index(fields=["ends_at"], name="maintenance_by_end"),
                    models.Index(fields=["-starts_at", "-id"], name="maintenance_by_start"),
                ],
            },
        ),
        migrations.CreateModel(
            name="MaintenanceTarget",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "window",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="targets",
                        to="infra_notifications.maintenancewindow",
                        verbose_name="window",
                    ),
                ),
                (
                    "charge_point",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="infra_notifications.chargepoint",
                        verbose_name="charge point",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="infra_notifications.notificationgroup",
                        verbose_name="group",
                    ),
                ),
                ("location", models.CharField(blank=True, default="", max_length=120, verbose_name="location")),
                ("city", models.CharField(blank=True, default="", max_length=80, verbose_name="city")),
            ],
            options={
                "verbose_name": "maintenance target",
                "verbose_name_plural": "maintenance targets",
                "ordering": ("id",),
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(charge_point__isnull=False, group__isnull=True, location="")
                        | Q(charge_point__isnull=True, group__isnull=False, location="")
                        | (Q(charge_point__isnull=True, group__isnull=True) & ~Q(location="")),
                        name="maintenance_target_is_one",
                        violation_error_message="Name either a charge point, a group or a location.",
                    )
                ],
                "indexes": [
                    models.Index(fields=["location"], name="maintenance_by_location", condition=~Q(location=""))
                ],
            },
        ),
    ]
