"""Drivers, vehicles and what is reported of them, settings for each notification, and what each role may do."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import core.encryption
from core.roles import ADMINISTRATOR, OPERATOR, VIEWER, grant
from vehicles.catalogue import TYPES

REASONS = [
    ("switched_off", "An operator switched this type off"),
    ("root_cause", "Another notification tells its cause"),
    ("preference", "The driver does not want this category"),
    ("no_consent", "The driver did not consent to marketing"),
    ("no_way", "There is no way to the driver: no e-mail address, or push is switched off"),
    ("by_hand", "A person ended it"),
    ("muted", "A person muted it for a time"),
    ("brake", "Too many at once of one feed: a person is asked first"),
    ("dropped", "Too many at once of one feed: a person dropped it"),
    ("no_listener", "Nobody listens: no webhook takes pushes to the app’s backend"),
    ("cooldown", "The same was told or dismissed shortly before"),
    ("quiet_hours", "Quiet hours in the driver’s time zone"),
    ("never_told", "It was over before it could be told"),
    ("condition_ended", "Its condition ended"),
    ("time_ended", "Its time was over"),
]
WAYS = [("push", "Push"), ("email", "E-mail"), ("banner", "Banner")]


def fill(apps, schema_editor):
    setting = apps.get_model("vehicles", "TypeSetting")
    setting.objects.bulk_create([setting(type=name) for name in TYPES], ignore_conflicts=True)


READ = (
    "driver",
    "oemaccount",
    "vehicle",
    "oemservice",
    "charginglocation",
    "utilitycontract",
    "pdlagreement",
    "chargingsession",
    "telemetrysample",
    "payout",
    "reimbursement",
    "coststatement",
    "referral",
    "campaign",
    "campaignrecipient",
    "fact",
    "drivernotification",
    "notificationstep",
    "typesetting",
    "notificationtext",
    "vehiclesource",
    "platformmessage",
    "feed",
    "mute",
    "brake",
    "programlook",
    "addedlanguage",
)


def roles(apps, schema_editor):
    grant(
        apps,
        "vehicles",
        {
            VIEWER: [f"view_{model}" for model in READ],
            OPERATOR: [
                "add_fact",
                "send_sample",
                "add_campaign",
                "change_campaign",
                "delete_campaign",
                "run_campaign",
                "support_drivernotification",
                "decide_brake",
                *(
                    f"{action}_{model}"
                    for action in ("add", "change", "delete")
                    for model in ("typesetting", "notificationtext", "vehiclesource", "programlook", "addedlanguage")
                ),
            ],
            ADMINISTRATOR: [],
        },
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("console", "0001_initial"),
        ("outbox", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Driver",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("name", models.CharField(blank=True, default="", max_length=120, verbose_name="name")),
                ("email", models.CharField(blank=True, default="", max_length=320, verbose_name="e-mail address")),
                ("country", models.CharField(blank=True, default="", max_length=3, verbose_name="country")),
                ("language", models.CharField(default="en", max_length=5, verbose_name="language")),
                ("time_zone", models.CharField(blank=True, default="", max_length=60, verbose_name="time zone")),
                ("app_platform", models.CharField(blank=True, default="", max_length=20, verbose_name="app platform")),
                ("app_version", models.CharField(blank=True, default="", max_length=40, verbose_name="app version")),
                (
                    "app_version_key",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), blank=True, default=list, editable=False, size=None
                    ),
                ),
                ("program", models.CharField(blank=True, default="", max_length=60, verbose_name="programme")),
                ("push_enabled", models.BooleanField(default=True, verbose_name="push enabled")),
                ("marketing_consent", models.BooleanField(default=False, verbose_name="consents to marketing")),
                (
                    "unwanted",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="unwanted",
                    ),
                ),
                ("quiet_from", models.TimeField(blank=True, null=True, verbose_name="quiet from")),
                ("quiet_until", models.TimeField(blank=True, null=True, verbose_name="quiet until")),
                ("removed", models.BooleanField(default=False, verbose_name="removed")),
                ("due_at", models.DateTimeField(editable=False, null=True, verbose_name="next look")),
                ("unsettled_since", models.DateTimeField(editable=False, null=True)),
                (
                    "search_text",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            models.Func(
                                models.Value(" "),
                                models.F("external_id"),
                                models.Value(" "),
                                models.F("name"),
                                models.Value(" "),
                                models.F("email"),
                                arg_joiner=" || ",
                                output_field=models.TextField(),
                                template="(%(expressions)s)",
                            ),
                            function="signalbox_fold",
                            output_field=models.TextField(),
                        ),
                        output_field=models.TextField(),
                    ),
                ),
            ],
            options={
                "verbose_name": "driver",
                "verbose_name_plural": "drivers",
                "ordering": ("external_id",),
                "indexes": [
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="driver_due"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["search_text"], name="driver_search", opclasses=("gin_trgm_ops",)
                    ),
                    models.Index(fields=["app_version_key", "id"], name="driver_app_version"),
                    models.Index(fields=["country", "id"], name="driver_country"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Campaign",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("type", models.CharField(max_length=60, verbose_name="notification")),
                (
                    "audience",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="A Magic Search on drivers; empty: all.",
                        max_length=500,
                        verbose_name="audience",
                    ),
                ),
                (
                    "min_app_version",
                    models.CharField(blank=True, default="", max_length=20, verbose_name="least app version"),
                ),
                ("begins_at", models.DateTimeField(verbose_name="begins")),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="ends")),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Draft"), ("running", "Running"), ("ended", "Ended")],
                        default="draft",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("reached_id", models.BigIntegerField(default=0, editable=False)),
                ("next_round_at", models.DateTimeField(editable=False, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "campaign",
                "verbose_name_plural": "campaigns",
                "ordering": ("-id",),
                "permissions": (("run_campaign", "Can start and end campaigns"),),
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"),
                        name="campaign_name_unique",
                        violation_error_code="unique",
                        violation_error_message="There is a campaign of this name already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at__isnull", True), ("ends_at__gt", models.F("begins_at")), _connector="OR"
                        ),
                        name="campaign_ends_after_beginning",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CampaignRecipient",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("added_at", models.DateTimeField(verbose_name="added")),
                ("left_at", models.DateTimeField(null=True, verbose_name="left")),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="recipients", to="vehicles.campaign"
                    ),
                ),
                (
                    "driver",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="campaigns", to="vehicles.driver"
                    ),
                ),
            ],
            options={
                "verbose_name": "campaign recipient",
                "verbose_name_plural": "campaign recipients",
                "constraints": [models.UniqueConstraint(fields=("campaign", "driver"), name="campaignrecipient_once")],
            },
        ),
        migrations.CreateModel(
            name="ChargingLocation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("name", models.CharField(blank=True, default="", max_length=120, verbose_name="name")),
                ("address", models.CharField(blank=True, default="", max_length=250, verbose_name="address")),
                ("country", models.CharField(blank=True, default="", max_length=3, verbose_name="country")),
                ("time_zone", models.CharField(blank=True, default="", max_length=60, verbose_name="time zone")),
                ("latitude", models.FloatField(null=True, verbose_name="latitude")),
                ("longitude", models.FloatField(null=True, verbose_name="longitude")),
                ("pdl", models.CharField(blank=True, default="", max_length=20, verbose_name="PDL")),
                (
                    "driver",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="locations",
                        to="vehicles.driver",
                        verbose_name="driver",
                    ),
                ),
            ],
            options={
                "verbose_name": "charging location",
                "verbose_name_plural": "charging locations",
                "ordering": ("external_id",),
            },
        ),
        migrations.CreateModel(
            name="UtilityContract",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("supplier", models.CharField(blank=True, default="", max_length=100, verbose_name="supplier")),
                (
                    "contract_number",
                    models.CharField(blank=True, default="", max_length=60, verbose_name="contract number"),
                ),
                ("meter_code", models.CharField(blank=True, default="", max_length=60, verbose_name="meter")),
                ("state", models.CharField(blank=True, default="", max_length=20, verbose_name="state")),
                ("valid_to", models.DateField(null=True, verbose_name="valid to")),
                (
                    "driver",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="contracts",
                        to="vehicles.driver",
                        verbose_name="driver",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="contracts",
                        to="vehicles.charginglocation",
                        verbose_name="location",
                    ),
                ),
            ],
            options={
                "verbose_name": "utility contract",
                "verbose_name_plural": "utility contracts",
                "ordering": ("external_id",),
            },
        ),
        migrations.CreateModel(
            name="PdlAgreement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("version", models.CharField(max_length=60, verbose_name="version")),
                ("state", models.CharField(blank=True, default="", max_length=20, verbose_name="state")),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="agreements",
                        to="vehicles.charginglocation",
                        verbose_name="location",
                    ),
                ),
            ],
            options={
                "verbose_name": "PDL agreement",
                "verbose_name_plural": "PDL agreements",
                "ordering": ("external_id",),
            },
        ),
        migrations.CreateModel(
            name="OemAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("brand", models.CharField(blank=True, default="", max_length=40, verbose_name="brand")),
                ("auth_state", models.CharField(blank=True, default="", max_length=40, verbose_name="sign-in")),
                ("linked", models.BooleanField(default=True, verbose_name="linked")),
                (
                    "driver",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="accounts",
                        to="vehicles.driver",
                        verbose_name="driver",
                    ),
                ),
            ],
            options={
                "verbose_name": "OEM account",
                "verbose_name_plural": "OEM accounts",
                "ordering": ("external_id",),
            },
        ),
        migrations.CreateModel(
            name="Vehicle",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("brand", models.CharField(blank=True, default="", max_length=40, verbose_name="brand")),
                ("model", models.CharField(blank=True, default="", max_length=60, verbose_name="model")),
                ("vin", models.CharField(blank=True, default="", max_length=20, verbose_name="VIN")),
                (
                    "pairing_state",
                    models.CharField(
                        choices=[
                            ("not_connected", "Not connected"),
                            ("linked", "Linked"),
                            ("action_required", "The driver must act"),
                            ("waiting_oem", "Waiting for the manufacturer"),
                            ("blocked", "Refused by the manufacturer"),
                            ("ready_for_pairing", "Ready for pairing"),
                            ("pairing", "Pairing"),
                            ("pairing_incomplete", "Pairing incomplete"),
                            ("paired", "Paired"),
                            ("check_activation", "Activation to be checked"),
                            ("active", "Active"),
                            ("lost", "Lost"),
                        ],
                        default="not_connected",
                        max_length=20,
                        verbose_name="pairing",
                    ),
                ),
                (
                    "pairing_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("service_to_be_activated", "ZE Interactive must be activated"),
                            ("service_requested", "ZE Interactive was requested"),
                            ("service_rejected", "ZE Interactive was refused"),
                            ("not_a_user", "Neither primary nor secondary user"),
                            ("enrollment_started", "The enrolment was begun and not ended"),
                            ("geolocation", "The car’s position is not available"),
                            ("pairing_stale", "The pairing was begun and not ended"),
                            ("invalid_credentials", "The account’s credentials are not valid"),
                            ("access_revoked", "The car was removed from the manufacturer’s app"),
                            ("not_found", "The car is not in the account"),
                            ("service_expired", "ZE Interactive expired"),
                            ("privacy_mode", "Privacy mode"),
                            ("not_reachable", "The car cannot be reached"),
                        ],
                        default="",
                        max_length=30,
                    ),
                ),
                (
                    "capabilities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="capabilities",
                    ),
                ),
                ("user_role", models.CharField(blank=True, default="", max_length=40, verbose_name="role")),
                ("enrollment", models.CharField(blank=True, default="", max_length=40, verbose_name="enrolment")),
                ("privacy_mode", models.BooleanField(null=True, verbose_name="privacy mode")),
                ("geolocation_enabled", models.BooleanField(null=True, verbose_name="geolocation")),
                ("smart_charging", models.BooleanField(null=True, verbose_name="smart charging")),
                ("last_contact_at", models.DateTimeField(null=True, verbose_name="last contact")),
                ("removed", models.BooleanField(default=False, verbose_name="removed")),
                ("feed_key", models.BigIntegerField(editable=False, null=True)),
                (
                    "search_text",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            models.Func(
                                models.Value(" "),
                                models.F("external_id"),
                                models.Value(" "),
                                models.F("brand"),
                                models.Value(" "),
                                models.F("model"),
                                models.Value(" "),
                                models.F("vin"),
                                arg_joiner=" || ",
                                output_field=models.TextField(),
                                template="(%(expressions)s)",
                            ),
                            function="signalbox_fold",
                            output_field=models.TextField(),
                        ),
                        output_field=models.TextField(),
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="vehicles",
                        to="vehicles.oemaccount",
                        verbose_name="OEM account",
                    ),
                ),
                (
                    "driver",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="vehicles",
                        to="vehicles.driver",
                        verbose_name="driver",
                    ),
                ),
            ],
            options={
                "verbose_name": "vehicle",
                "verbose_name_plural": "vehicles",
                "ordering": ("external_id",),
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["search_text"], name="vehicle_search", opclasses=("gin_trgm_ops",)
                    ),
                    models.Index(
                        condition=models.Q(("pairing_state", "active"), _negated=True),
                        fields=["pairing_state", "id"],
                        name="vehicle_pairing",
                    ),
                    models.Index(fields=["last_contact_at", "id"], name="vehicle_contact"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OemService",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("code", models.CharField(max_length=60, verbose_name="service")),
                ("state", models.CharField(blank=True, default="", max_length=20, verbose_name="state")),
                ("expires_at", models.DateTimeField(null=True, verbose_name="expires")),
                (
                    "vehicle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="services",
                        to="vehicles.vehicle",
                        verbose_name="vehicle",
                    ),
                ),
            ],
            options={
                "verbose_name": "OEM service",
                "verbose_name_plural": "OEM services",
                "ordering": ("external_id",),
            },
        ),
        migrations.CreateModel(
            name="TelemetrySample",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("charge_state", models.CharField(max_length=20, verbose_name="charge state")),
                ("location", models.CharField(blank=True, default="", max_length=120, verbose_name="location")),
                ("power_kw", models.FloatField(null=True, verbose_name="power (kW)")),
                ("soc", models.SmallIntegerField(null=True, verbose_name="state of charge (%)")),
                (
                    "vehicle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="samples", to="vehicles.vehicle"
                    ),
                ),
            ],
            options={
                "verbose_name": "telemetry sample",
                "verbose_name_plural": "telemetry samples",
                "indexes": [django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="sample_at")],
                "constraints": [models.UniqueConstraint(fields=("vehicle", "at", "charge_state"), name="sample_once")],
            },
        ),
        migrations.CreateModel(
            name="ChargingSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("derived", models.BooleanField(default=False, verbose_name="from telemetry")),
                ("managed", models.BooleanField(null=True, verbose_name="managed")),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("smart_charging_off", "Smart charging is off"),
                            ("unknown_location", "Unknown location"),
                            ("missing_capability", "The car lacks a capability"),
                        ],
                        default="",
                        max_length=30,
                        verbose_name="why unmanaged",
                    ),
                ),
                ("started_at", models.DateTimeField(null=True, verbose_name="started")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended")),
                ("end_reason", models.CharField(blank=True, default="", max_length=30, verbose_name="how it ended")),
                ("last_at", models.DateTimeField(null=True, verbose_name="last sample")),
                ("no_power_since", models.DateTimeField(null=True, verbose_name="no power since")),
                (
                    "charge_state",
                    models.CharField(blank=True, default="", max_length=20, verbose_name="charge state"),
                ),
                ("soc_start", models.SmallIntegerField(null=True, verbose_name="state of charge at start (%)")),
                ("soc_last", models.SmallIntegerField(null=True, verbose_name="state of charge (%)")),
                ("energy_kwh", models.FloatField(null=True, verbose_name="energy (kWh)")),
                ("withdrawn", models.BooleanField(default=False)),
                ("settled", models.BooleanField(default=False, editable=False)),
                (
                    "location",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="vehicles.charginglocation",
                        verbose_name="location",
                    ),
                ),
                (
                    "vehicle",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to="vehicles.vehicle",
                        verbose_name="vehicle",
                    ),
                ),
            ],
            options={
                "verbose_name": "charging session",
                "verbose_name_plural": "charging sessions",
                "ordering": ("-started_at", "-id"),
                "indexes": [
                    models.Index(condition=models.Q(("settled", False)), fields=["vehicle"], name="session_unsettled"),
                    models.Index(fields=["vehicle", "-started_at"], name="session_of_vehicle"),
                    models.Index(fields=["-started_at", "-id"], name="session_by_start"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Fact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.CharField(max_length=30, verbose_name="type")),
                ("subject", models.CharField(max_length=140, verbose_name="about")),
                ("data", models.JSONField(default=dict, verbose_name="data")),
                ("occurred_at", models.DateTimeField(verbose_name="occurred")),
                ("received_at", models.DateTimeField(verbose_name="received")),
                (
                    "effect",
                    models.CharField(
                        choices=[("taken", "Taken"), ("late", "Late: something newer was known")],
                        default="taken",
                        max_length=10,
                        verbose_name="effect",
                    ),
                ),
                ("digest", models.BinaryField(max_length=16, unique=True)),
                ("times", models.PositiveIntegerField(default=1, verbose_name="times")),
            ],
            options={
                "verbose_name": "fact",
                "verbose_name_plural": "facts",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["subject", "-id"], name="fact_about"),
                    django.contrib.postgres.indexes.BrinIndex(fields=["received_at"], name="fact_received"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Payout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12, null=True, verbose_name="amount")),
                ("currency", models.CharField(blank=True, default="", max_length=3, verbose_name="currency")),
                ("state", models.CharField(blank=True, default="", max_length=20, verbose_name="state")),
                ("settled", models.BooleanField(default=False, editable=False)),
                (
                    "driver",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="payouts",
                        to="vehicles.driver",
                        verbose_name="driver",
                    ),
                ),
            ],
            options={
                "verbose_name": "payout",
                "verbose_name_plural": "payouts",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(condition=models.Q(("settled", False)), fields=["driver"], name="payout_unsettled")
                ],
            },
        ),
        migrations.CreateModel(
            name="Reimbursement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("period", models.CharField(blank=True, default="", max_length=7, verbose_name="period")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12, null=True, verbose_name="amount")),
                ("currency", models.CharField(blank=True, default="", max_length=3, verbose_name="currency")),
                ("qualified", models.BooleanField(default=False, verbose_name="qualified")),
                ("settled", models.BooleanField(default=False, editable=False)),
                (
                    "driver",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reimbursements",
                        to="vehicles.driver",
                        verbose_name="driver",
                    ),
                ),
            ],
            options={
                "verbose_name": "reimbursement",
                "verbose_name_plural": "reimbursements",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("settled", False)), fields=["driver"], name="reimbursement_unsettled"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CostStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("provider", models.CharField(blank=True, default="", max_length=60, verbose_name="provider")),
                ("period", models.CharField(blank=True, default="", max_length=7, verbose_name="period")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12, null=True, verbose_name="amount")),
                ("currency", models.CharField(blank=True, default="", max_length=3, verbose_name="currency")),
                ("settled", models.BooleanField(default=False, editable=False)),
                (
                    "driver",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="statements",
                        to="vehicles.driver",
                        verbose_name="driver",
                    ),
                ),
            ],
            options={
                "verbose_name": "cost statement",
                "verbose_name_plural": "cost statements",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(condition=models.Q(("settled", False)), fields=["driver"], name="statement_unsettled")
                ],
            },
        ),
        migrations.CreateModel(
            name="Referral",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=150, unique=True, verbose_name="id")),
                ("reports", models.JSONField(default=dict, editable=False, verbose_name="reports")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="first named")),
                ("state", models.CharField(blank=True, default="", max_length=20, verbose_name="state")),
                ("settled_for_referrer", models.BooleanField(default=False, editable=False)),
                ("settled_for_invitee", models.BooleanField(default=False, editable=False)),
                (
                    "invitee",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="invited",
                        to="vehicles.driver",
                        verbose_name="invited",
                    ),
                ),
                (
                    "referrer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="referred",
                        to="vehicles.driver",
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "verbose_name": "referral",
                "verbose_name_plural": "referrals",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("settled_for_referrer", False)),
                        fields=["referrer"],
                        name="referral_by_referrer",
                    ),
                    models.Index(
                        condition=models.Q(("settled_for_invitee", False)),
                        fields=["invitee"],
                        name="referral_by_invitee",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DriverNotification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.CharField(max_length=60, verbose_name="type")),
                ("subject", models.CharField(max_length=260, verbose_name="about")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("suppressed", "Held back"),
                            ("open", "Open"),
                            ("read", "Read"),
                            ("dismissed", "Dismissed"),
                            ("resolved", "Resolved"),
                            ("expired", "Expired"),
                        ],
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, choices=REASONS, default="", max_length=20, verbose_name="reason"),
                ),
                ("root", models.CharField(blank=True, default="", max_length=60, verbose_name="root cause")),
                (
                    "severity",
                    models.CharField(
                        choices=[
                            ("info", "Information"),
                            ("action", "To do"),
                            ("warning", "Warning"),
                            ("critical", "Critical"),
                        ],
                        max_length=10,
                        verbose_name="severity",
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("session", "Charging sessions"),
                            ("connection", "Connection of the car"),
                            ("pairing", "Pairing"),
                            ("setting", "Settings of the car"),
                            ("capability", "New capabilities"),
                            ("contract", "Contracts"),
                            ("money", "Payouts and costs"),
                            ("app", "The app"),
                            ("referral", "Referrals"),
                        ],
                        max_length=12,
                        verbose_name="category",
                    ),
                ),
                (
                    "ways",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(choices=WAYS, max_length=10), size=None, verbose_name="channels"
                    ),
                ),
                ("language", models.CharField(blank=True, default="", max_length=5, verbose_name="language")),
                ("title", models.CharField(blank=True, default="", max_length=300, verbose_name="title")),
                ("body", models.TextField(blank=True, default="", verbose_name="text")),
                ("facts", models.JSONField(default=dict, verbose_name="facts")),
                ("begins", models.DateTimeField(verbose_name="since")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("told_at", models.DateTimeField(null=True, verbose_name="told")),
                ("times_told", models.PositiveSmallIntegerField(default=0, verbose_name="times told")),
                ("repeats", models.PositiveIntegerField(default=0, verbose_name="repeats")),
                ("last_seen_at", models.DateTimeField(null=True, verbose_name="last seen")),
                ("read_at", models.DateTimeField(null=True, verbose_name="read")),
                ("dismissed_at", models.DateTimeField(null=True, verbose_name="dismissed")),
                (
                    "push_state",
                    models.CharField(
                        blank=True,
                        choices=[("delivered", "Delivered"), ("failed", "Failed"), ("opened", "Opened")],
                        db_default="",
                        default="",
                        max_length=10,
                        verbose_name="push",
                    ),
                ),
                ("push_at", models.DateTimeField(null=True, verbose_name="push reported")),
                (
                    "push_reason",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=200, verbose_name="why the push failed"
                    ),
                ),
                (
                    "brake_key",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=80),
                ),
                (
                    "unheard_by",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=16),
                ),
                ("due_at", models.DateTimeField(null=True, verbose_name="looked at again")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended")),
                (
                    "driver",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to="vehicles.driver",
                        verbose_name="driver",
                    ),
                ),
                (
                    "vehicle",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="notifications",
                        to="vehicles.vehicle",
                        verbose_name="vehicle",
                    ),
                ),
            ],
            options={
                "verbose_name": "notification",
                "verbose_name_plural": "notifications",
                "ordering": ("-id",),
                "permissions": (
                    ("send_sample", "Can send samples"),
                    ("support_drivernotification", "Can resend, end, mute and note notifications"),
                ),
                "indexes": [
                    models.Index(fields=["driver", "subject", "type", "-id"], name="notification_history"),
                    models.Index(
                        condition=models.Q(("state__in", ("suppressed", "open", "read", "dismissed"))),
                        fields=["type", "state"],
                        name="notification_living",
                    ),
                    models.Index(fields=["type", "-id"], name="notification_by_type"),
                    models.Index(fields=["vehicle", "-id"], name="notification_of_vehicle"),
                    models.Index(
                        condition=models.Q(("reason", "no_listener")),
                        fields=["unheard_by", "driver"],
                        name="notification_unheard",
                    ),
                    models.Index(
                        condition=models.Q(("brake_key", ""), _negated=True),
                        fields=["brake_key", "told_at"],
                        name="notification_brake",
                    ),
                    models.Index(
                        condition=models.Q(("push_at__isnull", False)), fields=["push_at"], name="notification_pushed"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("suppressed", "open", "read", "dismissed"))),
                        fields=("driver", "type", "subject"),
                        name="notification_one_lives",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="NotificationStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("held", "Held back"),
                            ("told", "Told"),
                            ("reminded", "Reminded"),
                            ("returned", "Shown again"),
                            ("withdrawn", "Withdrawn"),
                            ("skipped", "Way not used"),
                            ("repeated", "Repeated"),
                            ("read", "Read"),
                            ("dismissed", "Dismissed"),
                            ("resolved", "Resolved"),
                            ("expired", "Expired"),
                            ("delivered", "Push delivered"),
                            ("failed", "Push failed"),
                            ("opened", "Push opened"),
                            ("resent", "Sent again"),
                            ("note", "Note"),
                        ],
                        max_length=10,
                        verbose_name="what",
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, choices=REASONS, default="", max_length=20, verbose_name="reason"),
                ),
                ("detail", models.CharField(blank=True, default="", max_length=500, verbose_name="detail")),
                ("by", models.CharField(blank=True, db_default="", default="", max_length=150, verbose_name="by")),
                ("event_id", models.BigIntegerField(null=True)),
                (
                    "notification",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="vehicles.drivernotification",
                    ),
                ),
            ],
            options={
                "verbose_name": "notification step",
                "verbose_name_plural": "notification steps",
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="Mute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "type",
                    models.CharField(
                        blank=True, default="", help_text="Empty: every type.", max_length=60, verbose_name="type"
                    ),
                ),
                ("until", models.DateTimeField(verbose_name="until")),
                ("note", models.CharField(blank=True, default="", max_length=250, verbose_name="note")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("created_by", models.CharField(blank=True, default="", max_length=150, verbose_name="by")),
                (
                    "driver",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mutes",
                        to="vehicles.driver",
                        verbose_name="driver",
                    ),
                ),
            ],
            options={
                "verbose_name": "mute",
                "verbose_name_plural": "mutes",
                "ordering": ("-id",),
                "constraints": [models.UniqueConstraint(fields=("driver", "type"), name="mute_once")],
            },
        ),
        migrations.CreateModel(
            name="Brake",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("brake_key", models.CharField(max_length=80, verbose_name="brand and feed")),
                (
                    "state",
                    models.CharField(
                        choices=[("holding", "Holding"), ("released", "Released"), ("dropped", "Dropped")],
                        default="holding",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("drivers", models.PositiveIntegerField(verbose_name="drivers")),
                ("of", models.PositiveIntegerField(verbose_name="of so many")),
                ("began_at", models.DateTimeField(verbose_name="began")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided")),
                ("decided_by", models.CharField(blank=True, default="", max_length=150, verbose_name="by")),
            ],
            options={
                "verbose_name": "brake",
                "verbose_name_plural": "brakes",
                "ordering": ("-id",),
                "permissions": (("decide_brake", "Can release and drop what is held"),),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "holding")), fields=("brake_key",), name="brake_holds_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TypeSetting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.CharField(max_length=60, unique=True, verbose_name="type")),
                ("enabled", models.BooleanField(default=True, verbose_name="on")),
                (
                    "ways",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(choices=WAYS, max_length=10),
                        null=True,
                        size=None,
                        verbose_name="channels",
                    ),
                ),
                ("cooldown_h", models.FloatField(null=True, verbose_name="cooldown (h)")),
                ("thresholds", models.JSONField(default=dict, verbose_name="thresholds")),
                ("links", models.JSONField(db_default={}, default=dict, verbose_name="links")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
            ],
            options={
                "verbose_name": "notification setting",
                "verbose_name_plural": "notification settings",
                "ordering": ("type",),
            },
        ),
        migrations.CreateModel(
            name="NotificationText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.CharField(max_length=60, verbose_name="type")),
                ("language", models.CharField(max_length=5, verbose_name="language")),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("body", models.TextField(max_length=2000, verbose_name="text")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
            ],
            options={
                "verbose_name": "notification text",
                "verbose_name_plural": "notification texts",
                "ordering": ("type", "language"),
                "constraints": [models.UniqueConstraint(fields=("type", "language"), name="notificationtext_unique")],
            },
        ),
        migrations.CreateModel(
            name="VehicleSource",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=60, unique=True, verbose_name="slug")),
                (
                    "platform",
                    models.CharField(
                        choices=[("smartcar", "Smartcar"), ("enode", "Enode")], max_length=20, verbose_name="platform"
                    ),
                ),
                ("secret", core.encryption.EncryptedTextField(editable=False)),
                ("enabled", models.BooleanField(default=True, verbose_name="on")),
                (
                    "silent_after_s",
                    models.PositiveIntegerField(
                        default=86400,
                        help_text="Nothing received for this long means that the platform is silent.",
                        validators=[django.core.validators.MinValueValidator(60)],
                        verbose_name="silent after (s)",
                    ),
                ),
                ("received", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="received")),
                ("facts", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="facts")),
                ("refused", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="refused")),
                ("last_received_at", models.DateTimeField(editable=False, null=True, verbose_name="last received")),
                ("last_refused_at", models.DateTimeField(editable=False, null=True, verbose_name="last refused")),
                ("notes", models.JSONField(default=dict, editable=False, verbose_name="not understood")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={
                "verbose_name": "platform source",
                "verbose_name_plural": "platform sources",
                "ordering": ("slug",),
            },
        ),
        migrations.CreateModel(
            name="Feed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.BigIntegerField(unique=True)),
                ("heard_since", models.DateTimeField(verbose_name="heard since")),
                ("last_heard_at", models.DateTimeField(verbose_name="last heard")),
            ],
            options={
                "verbose_name": "feed",
                "verbose_name_plural": "feeds",
            },
        ),
        migrations.CreateModel(
            name="PlatformMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("body", models.BinaryField()),
                ("received_at", models.DateTimeField(verbose_name="received")),
                ("applied_at", models.DateTimeField(null=True, verbose_name="applied")),
                ("facts", models.PositiveIntegerField(default=0, verbose_name="facts")),
                ("notes", models.JSONField(default=list, verbose_name="notes")),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="vehicles.vehiclesource",
                        verbose_name="source",
                    ),
                ),
            ],
            options={
                "verbose_name": "platform message",
                "verbose_name_plural": "platform messages",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("applied_at__isnull", True)), fields=["id"], name="platformmessage_waiting"
                    ),
                    models.Index(fields=["source", "-id"], name="platformmessage_source"),
                    django.contrib.postgres.indexes.BrinIndex(fields=["received_at"], name="platformmessage_received"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProgramLook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "program",
                    models.CharField(blank=True, default="", max_length=60, unique=True, verbose_name="programme"),
                ),
                ("sender", models.EmailField(blank=True, default="", max_length=320, verbose_name="sender")),
                ("reply_to", models.EmailField(blank=True, default="", max_length=320, verbose_name="answers go to")),
                ("logo", models.CharField(blank=True, default="", max_length=60, verbose_name="logo")),
                ("colour", models.CharField(blank=True, default="", max_length=7, verbose_name="colour")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
            ],
            options={
                "verbose_name": "look of a programme",
                "verbose_name_plural": "looks of programmes",
                "ordering": ("program",),
            },
        ),
        migrations.CreateModel(
            name="AddedLanguage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=5, unique=True, verbose_name="language")),
                (
                    "fallback",
                    models.CharField(
                        choices=[("en", "English"), ("de", "German"), ("fr", "French"), ("nl", "Dutch")],
                        default="en",
                        max_length=5,
                        verbose_name="otherwise",
                    ),
                ),
                ("phrases", models.JSONField(default=dict, verbose_name="phrases")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
            ],
            options={
                "verbose_name": "added language",
                "verbose_name_plural": "added languages",
                "ordering": ("code",),
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(roles, migrations.RunPython.noop),
    ]
