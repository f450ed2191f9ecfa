"""The resources of bike-share, storage of what every device message writes, and what each role may do with them."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import bikeshare.models.identity
import core.encryption
from core.roles import ADMINISTRATOR, OPERATOR, VIEWER, grant

VEHICULE_TYPES = [
    ("classic", "Bicycle"),
    ("vae", "E-bike"),
    ("vae_hybrid", "Hybrid e-bike"),
    ("vae_otgr", "E-bike with own battery"),
    ("otgr_vae", "Own-battery e-bike"),
    ("scooter", "Scooter"),
    ("boat", "Boat"),
]

# Room on each page for new versions of a row, and a vacuum that keeps up: most rows change every few seconds.
STATE = """
ALTER TABLE bikeshare_boitierstate SET (
  fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0
)
"""

MODELS = (
    "program",
    "cyclist",
    "registration",
    "pass",
    "subscription",
    "stationfavorite",
    "station",
    "lockbox",
    "lockboxstate",
    "bike",
    "bikestate",
    "feedsource",
    "dock",
    "trip",
    "terminationrequest",
    "zone",
    "telemetrymessage",
)


def roles(apps, schema_editor):
    grant(
        apps,
        "bikeshare",
        {
            VIEWER: [f"view_{model}" for model in MODELS],
            OPERATOR: ["close_trip", "validate_abonnement", "block_cyclist", "service_vehicule", "send_sample"],
            ADMINISTRATOR: [
                f"{act}_{model}" for model in ("program", "feedsource") for act in ("add", "change", "delete")
            ],
        },
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [("console", "0001_initial"), ("outbox", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Program",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C",
                        max_length=40,
                        primary_key=True,
                        serialize=False,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9-]*\\Z", "Small letters, digits and hyphens."
                            )
                        ],
                        verbose_name="key",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("city", models.CharField(blank=True, default="", max_length=80, verbose_name="city")),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("blocked", "Blocked")],
                        default="open",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("timezone", models.CharField(default="Europe/Paris", max_length=50, verbose_name="time zone")),
                ("language", models.CharField(default="fr", max_length=10, verbose_name="language")),
                ("operator", models.CharField(blank=True, default="", max_length=80, verbose_name="operator")),
                (
                    "url",
                    models.CharField(
                        blank=True,
                        default="",
                        max_length=200,
                        validators=[django.core.validators.URLValidator(["https", "http"])],
                        verbose_name="web page",
                    ),
                ),
                ("contact_email", models.EmailField(blank=True, default="", max_length=254, verbose_name="contact")),
                (
                    "opening_hours",
                    models.CharField(
                        default="24/7",
                        help_text="In the form of OpenStreetMap, e.g. 24/7.",
                        max_length=200,
                        verbose_name="opening hours",
                    ),
                ),
                ("publish_gbfs", models.BooleanField(default=False, verbose_name="public GBFS feed")),
                ("max_renting", models.PositiveSmallIntegerField(default=1, verbose_name="vehicles per cyclist")),
                (
                    "min_rent_battery",
                    models.PositiveSmallIntegerField(
                        default=0,
                        validators=[django.core.validators.MaxValueValidator(100)],
                        verbose_name="least battery to rent (%)",
                    ),
                ),
                (
                    "min_depth_m",
                    models.FloatField(
                        default=0,
                        help_text="A position nearer to the border than this decides nothing.",
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="depth in the zone (m)",
                    ),
                ),
                (
                    "accuracy_factor",
                    models.FloatField(
                        default=0,
                        help_text="…nor one nearer than so many times its own accuracy; 2 suits positioning by satellite.",
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="depth in accuracies",
                    ),
                ),
                (
                    "confirm_fixes",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="So many positions in a row must lie in the zone.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="positions to confirm",
                    ),
                ),
                (
                    "exit_margin_m",
                    models.FloatField(
                        default=0,
                        help_text="A vehicle has left the zone when it is farther from it than this; 15 suits most.",
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="exit margin (m)",
                    ),
                ),
                (
                    "connection_lost_min",
                    models.PositiveSmallIntegerField(
                        default=120, help_text="0: not told.", verbose_name="connection lost after (min)"
                    ),
                ),
                (
                    "unseen_days",
                    models.PositiveSmallIntegerField(
                        default=3, help_text="0: not told.", verbose_name="not seen for (days)"
                    ),
                ),
                (
                    "unridden_days",
                    models.PositiveSmallIntegerField(
                        default=14, help_text="0: not told.", verbose_name="not ridden for (days)"
                    ),
                ),
                (
                    "moved_m",
                    models.PositiveIntegerField(
                        default=150, help_text="0: not told.", verbose_name="moved without a trip by (m)"
                    ),
                ),
                (
                    "watch_unlocking",
                    models.BooleanField(default=False, verbose_name="tell of locks opened without a trip"),
                ),
                (
                    "watch_stations",
                    models.BooleanField(default=True, verbose_name="tell of empty and full stations"),
                ),
                ("global_rules", models.JSONField(blank=True, default=list, verbose_name="rules outside all zones")),
                ("feed_rules", models.JSONField(blank=True, default=dict, editable=False)),
                ("zones_version", models.PositiveBigIntegerField(default=1, editable=False)),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={
                "verbose_name": "program",
                "verbose_name_plural": "programs",
                "ordering": ("id",),
                "permissions": (("send_sample", "Can send sample events"),),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", ""), _negated=True), name="program_key_given")
                ],
            },
        ),
        migrations.CreateModel(
            name="FeedSource",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("shown_url", models.CharField(editable=False, max_length=300, verbose_name="URL")),
                ("url", core.encryption.AddressElsewhere(max_length=500, verbose_name="address")),
                (
                    "every_min",
                    models.PositiveIntegerField(
                        default=5,
                        help_text="0: only when somebody asks for it.",
                        validators=[django.core.validators.MaxValueValidator(525600)],
                        verbose_name="read every (min)",
                    ),
                ),
                (
                    "types",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='Which of ours each of the feed’s is, e.g. {"ebike": "vae"}.',
                        verbose_name="vehicle types",
                    ),
                ),
                (
                    "rfc7946",
                    models.BooleanField(
                        default=False,
                        help_text="For feeds of GBFS 2 that do not know its rings.",
                        verbose_name="rings have no direction",
                    ),
                ),
                ("next_at", models.DateTimeField(editable=False, null=True, verbose_name="next")),
                ("last_at", models.DateTimeField(editable=False, null=True, verbose_name="last read")),
                ("last_ok_at", models.DateTimeField(editable=False, null=True, verbose_name="last understood")),
                (
                    "problem",
                    models.CharField(blank=True, default="", editable=False, max_length=500, verbose_name="problem"),
                ),
                ("result", models.JSONField(blank=True, default=dict, editable=False, verbose_name="result")),
                ("tags", core.encryption.EncryptedJSONField(blank=True, default=dict, editable=False)),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="feeds",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
            ],
            options={
                "verbose_name": "feed",
                "verbose_name_plural": "feeds",
                "ordering": ("program", "pk"),
            },
        ),
        migrations.CreateModel(
            name="Station",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", editable=False, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("created", models.DateTimeField(verbose_name="created")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                ("feed", models.CharField(blank=True, default="", editable=False, max_length=40)),
                ("gone_at", models.DateTimeField(editable=False, null=True)),
                (
                    "external_id",
                    models.CharField(blank=True, default="", max_length=100, verbose_name="id in the feed"),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("short_name", models.CharField(blank=True, default="", max_length=40, verbose_name="number")),
                (
                    "latitude",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-90),
                            django.core.validators.MaxValueValidator(90),
                        ],
                        verbose_name="latitude",
                    ),
                ),
                (
                    "longitude",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-180),
                            django.core.validators.MaxValueValidator(180),
                        ],
                        verbose_name="longitude",
                    ),
                ),
                ("address", models.CharField(blank=True, default="", max_length=200, verbose_name="address")),
                ("post_code", models.CharField(blank=True, default="", max_length=12, verbose_name="postal code")),
                ("city", models.CharField(blank=True, default="", max_length=80, verbose_name="city")),
                ("region", models.CharField(blank=True, default="", max_length=80, verbose_name="region")),
                ("capacity", models.PositiveIntegerField(blank=True, null=True, verbose_name="capacity")),
                ("is_virtual", models.BooleanField(default=False, verbose_name="virtual")),
                ("area", models.JSONField(blank=True, null=True, verbose_name="area")),
                ("electrical", models.BooleanField(default=False, verbose_name="charges vehicles")),
                ("score", models.IntegerField(blank=True, null=True, verbose_name="score")),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("closed", "Closed")],
                        default="open",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                (
                    "reported_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="last reported"),
                ),
                (
                    "reported_vehicules",
                    models.PositiveIntegerField(editable=False, null=True, verbose_name="vehicles by its feed"),
                ),
                ("fill", models.CharField(blank=True, default="", editable=False, max_length=5)),
                (
                    "reported_docks",
                    models.PositiveIntegerField(editable=False, null=True, verbose_name="free docks by its feed"),
                ),
                (
                    "reported_renting",
                    models.BooleanField(editable=False, null=True, verbose_name="rents by its feed"),
                ),
                (
                    "reported_returning",
                    models.BooleanField(editable=False, null=True, verbose_name="takes back by its feed"),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
            ],
            options={
                "verbose_name": "station",
                "verbose_name_plural": "stations",
                "ordering": ("name",),
                "indexes": [models.Index(fields=["program", "name"], name="station_by_name")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True), models.Q(("external_id", ""), _negated=True)),
                        fields=("program", "feed", "external_id"),
                        name="station_external_once",
                    ),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="station_name_given"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LockBox",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", editable=False, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("created", models.DateTimeField(verbose_name="created")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                ("number", models.CharField(max_length=40, verbose_name="serial number")),
                ("fw", models.CharField(blank=True, default="", max_length=40, verbose_name="firmware")),
                ("imei", models.CharField(blank=True, default="", max_length=20)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
            ],
            options={
                "db_table": "bikeshare_boitier",
                "verbose_name": "boitier",
                "verbose_name_plural": "boitiers",
                "ordering": ("number",),
                "constraints": [
                    models.UniqueConstraint(
                        bikeshare.models.identity.ByIdentity("number"),
                        condition=models.Q(("deleted_at__isnull", True)),
                        name="boitier_number_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number", ""), _negated=True), name="boitier_number_given"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LockBoxState",
            fields=[
                (
                    "boitier",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="state",
                        serialize=False,
                        to="bikeshare.lockbox",
                    ),
                ),
                ("last_seen", models.DateTimeField(null=True, verbose_name="last seen")),
                ("clock_at", models.DateTimeField(null=True)),
                ("clock_received_at", models.DateTimeField(null=True)),
                ("clock_error_s", models.IntegerField(null=True, verbose_name="clock wrong by (s)")),
                ("lock", models.CharField(blank=True, default="", max_length=40, verbose_name="lock")),
                ("lock_at", models.DateTimeField(null=True)),
                ("lock_known", models.CharField(blank=True, default="", max_length=20)),
                ("chain_type", models.CharField(blank=True, default="", max_length=40, verbose_name="chain")),
                ("chain_type_at", models.DateTimeField(null=True)),
                ("battery", models.FloatField(null=True, verbose_name="battery (%)")),
                ("battery_at", models.DateTimeField(null=True)),
                ("battery_on", models.CharField(blank=True, default="", max_length=32)),
                ("battery_vae", models.FloatField(null=True, verbose_name="assistance battery (%)")),
                ("battery_vae_range_m", models.FloatField(null=True, verbose_name="remaining distance (m)")),
                ("battery_vae_at", models.DateTimeField(null=True)),
                ("battery_vae_on", models.CharField(blank=True, default="", max_length=32)),
                ("latitude", models.FloatField(null=True, verbose_name="latitude")),
                ("longitude", models.FloatField(null=True, verbose_name="longitude")),
                ("accuracy", models.FloatField(null=True, verbose_name="accuracy (m)")),
                ("position_at", models.DateTimeField(null=True, verbose_name="position of")),
                ("pin_attempts", models.PositiveSmallIntegerField(default=0)),
                ("anchor_trip", models.CharField(blank=True, default="", max_length=32)),
                ("anchor_latitude", models.FloatField(null=True)),
                ("anchor_longitude", models.FloatField(null=True)),
                ("streak", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "db_table": "bikeshare_boitierstate",
                "verbose_name": "state of a boitier",
                "verbose_name_plural": "states of boitiers",
                "indexes": [
                    models.Index(
                        condition=models.Q(("clock_error_s__isnull", False)),
                        fields=["boitier"],
                        name="boitierstate_clock",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Bike",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", editable=False, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("created", models.DateTimeField(verbose_name="created")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                ("number", models.CharField(max_length=40, verbose_name="number")),
                (
                    "type",
                    models.CharField(choices=VEHICULE_TYPES, default="classic", max_length=12, verbose_name="type"),
                ),
                ("model", models.CharField(blank=True, default="", max_length=40, verbose_name="model")),
                ("rfid", models.CharField(blank=True, default="", max_length=40, verbose_name="tag")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("ready", "Ready"),
                            ("service", "In service"),
                            ("maintenance", "Maintenance"),
                            ("maj", "Updating"),
                            ("stock", "In stock"),
                            ("hs", "Out of order"),
                            ("lost", "Lost"),
                            ("destroyed", "Destroyed"),
                        ],
                        default="stock",
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                ("status_reason", models.CharField(blank=True, default="", max_length=200, verbose_name="reason")),
                ("dockless", models.BooleanField(default=False, verbose_name="needs no dock")),
                ("score", models.IntegerField(blank=True, null=True, verbose_name="score")),
                ("trips", models.PositiveIntegerField(default=0, verbose_name="trips")),
                ("on_trip", models.BooleanField(default=False, editable=False, verbose_name="on a trip")),
                (
                    "boitier",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="vehicule",
                        to="bikeshare.lockbox",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vehicules",
                        to="bikeshare.station",
                    ),
                ),
            ],
            options={
                "db_table": "bikeshare_vehicule",
                "verbose_name": "vehicle",
                "verbose_name_plural": "vehicles",
                "ordering": ("number",),
                "permissions": (("service_vehicule", "Can set vehicles to maintenance and back"),),
                "indexes": [models.Index(fields=["program", "status"], name="vehicule_list")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("program", "number"),
                        name="vehicule_number_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number", ""), _negated=True), name="vehicule_number_given"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BikeState",
            fields=[
                (
                    "vehicule",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="told",
                        serialize=False,
                        to="bikeshare.bike",
                    ),
                ),
                ("battery_low", models.BooleanField(default=False, verbose_name="battery low")),
                ("battery_vae_low", models.BooleanField(default=False, verbose_name="assistance battery low")),
                ("connection_lost_at", models.DateTimeField(null=True, verbose_name="connection lost")),
                ("unseen_at", models.DateTimeField(null=True, verbose_name="told as not seen")),
                ("unridden_at", models.DateTimeField(null=True, verbose_name="told as not ridden")),
                ("ridden_at", models.DateTimeField(null=True, verbose_name="last ridden")),
                ("rest_latitude", models.FloatField(null=True)),
                ("rest_longitude", models.FloatField(null=True)),
                ("moved_at", models.DateTimeField(null=True, verbose_name="moved without a trip")),
            ],
            options={
                "verbose_name": "state of a vehicle",
                "verbose_name_plural": "states of vehicles",
                "db_table": "bikeshare_vehiculestate",
                "indexes": [
                    models.Index(
                        condition=models.Q(("battery_low", True), ("battery_vae_low", True), _connector="OR"),
                        fields=["vehicule"],
                        name="vehiculestate_low",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Dock",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", editable=False, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("created", models.DateTimeField(verbose_name="created")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                ("number", models.CharField(blank=True, default="", max_length=20, verbose_name="number")),
                ("rfid", models.CharField(blank=True, default="", max_length=40, verbose_name="tag")),
                ("end_code", models.CharField(blank=True, default="", max_length=20, verbose_name="end code")),
                (
                    "vehicle_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("classic", "Bicycle"),
                                ("vae", "E-bike"),
                                ("vae_hybrid", "Hybrid e-bike"),
                                ("vae_otgr", "E-bike with own battery"),
                                ("otgr_vae", "Own-battery e-bike"),
                                ("scooter", "Scooter"),
                                ("boat", "Boat"),
                            ],
                            max_length=12,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="takes",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("closed", "Closed")],
                        default="open",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="docks",
                        to="bikeshare.station",
                        verbose_name="station",
                    ),
                ),
                (
                    "vehicule",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="dock",
                        to="bikeshare.bike",
                        verbose_name="vehicle",
                    ),
                ),
            ],
            options={
                "verbose_name": "dock",
                "verbose_name_plural": "docks",
                "ordering": ("station", "number", "id"),
                "constraints": [
                    models.UniqueConstraint(
                        models.F("program"),
                        bikeshare.models.identity.ByIdentity("rfid"),
                        condition=models.Q(("deleted_at__isnull", True), models.Q(("rfid", ""), _negated=True)),
                        name="dock_rfid_once",
                    ),
                    models.UniqueConstraint(
                        models.F("program"),
                        bikeshare.models.identity.ByIdentity("end_code"),
                        condition=models.Q(("deleted_at__isnull", True), models.Q(("end_code", ""), _negated=True)),
                        name="dock_end_code_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Cyclist",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", editable=False, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("created", models.DateTimeField(verbose_name="created")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                ("name", models.CharField(blank=True, default="", max_length=120, verbose_name="name")),
                ("email", models.CharField(blank=True, default="", max_length=320, verbose_name="e-mail")),
                ("phone_number", models.CharField(blank=True, default="", max_length=32, verbose_name="phone")),
                (
                    "kyc_documents",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="identity documents",
                    ),
                ),
                ("role", models.CharField(default="cyclist", max_length=30, verbose_name="role")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("unconfirmed", "Unconfirmed"),
                            ("active", "Active"),
                            ("blocked", "Blocked"),
                            ("deletion_requested", "Deletion requested"),
                            ("deleted", "Deleted"),
                        ],
                        default="unconfirmed",
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                ("status_updated_at", models.DateTimeField(null=True, verbose_name="status since")),
                (
                    "status_updated_reason",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="reason"),
                ),
                (
                    "blocked_reasons",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="blocked because",
                    ),
                ),
                ("has_payment_source", models.BooleanField(default=False, verbose_name="has a credit card")),
                (
                    "phone_confirmed_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="phone confirmed"),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
            ],
            options={
                "verbose_name": "cyclist",
                "verbose_name_plural": "cyclists",
                "ordering": ("-id",),
                "permissions": (("block_cyclist", "Can block and unblock cyclists"),),
                "indexes": [models.Index(fields=["program", "status", "-id"], name="cyclist_list")],
            },
        ),
        migrations.CreateModel(
            name="Registration",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", editable=False, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("created", models.DateTimeField(verbose_name="created")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("unconfirmed", "Unconfirmed"),
                            ("active", "Active"),
                            ("blocked", "Blocked"),
                            ("deleted", "Deleted"),
                        ],
                        default="active",
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                ("terms_accepted_at", models.DateTimeField(null=True, verbose_name="terms accepted")),
                ("first_trip_at", models.DateTimeField(null=True, verbose_name="first trip")),
                ("last_trip_at", models.DateTimeField(null=True, verbose_name="last trip")),
                (
                    "memberships",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="memberships",
                    ),
                ),
                (
                    "cyclist",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="registrations",
                        to="bikeshare.cyclist",
                        verbose_name="cyclist",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
            ],
            options={
                "verbose_name": "registration",
                "verbose_name_plural": "registrations",
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("cyclist", "program"),
                        name="registration_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Pass",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", editable=False, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("created", models.DateTimeField(verbose_name="created")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                ("uid", models.CharField(max_length=40, verbose_name="card number")),
                ("model", models.CharField(blank=True, default="", max_length=40, verbose_name="model")),
                ("type", models.CharField(default="cyclist", max_length=30, verbose_name="type")),
                ("confirmed_at", models.DateTimeField(null=True, verbose_name="confirmed")),
                ("disabled_at", models.DateTimeField(null=True, verbose_name="disabled")),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="passes",
                        to="bikeshare.cyclist",
                        verbose_name="cyclist",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
            ],
            options={
                "verbose_name": "pass",
                "verbose_name_plural": "passes",
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        models.F("program"),
                        bikeshare.models.identity.ByIdentity("uid"),
                        condition=models.Q(("deleted_at__isnull", True)),
                        name="pass_uid_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("deleted_at__isnull", True), ("disabled_at__isnull", True), ("user__isnull", False)
                        ),
                        fields=("program", "user"),
                        name="pass_one_per_cyclist",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", editable=False, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("created", models.DateTimeField(verbose_name="created")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                ("forfait", models.CharField(max_length=80, verbose_name="tariff")),
                ("organization", models.CharField(blank=True, default="", max_length=80, verbose_name="organization")),
                ("amount", models.PositiveIntegerField(default=0, verbose_name="amount (cents)")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("incomplete", "Incomplete"),
                            ("waiting_validation", "Waiting for validation"),
                            ("active", "Active"),
                            ("past_due", "Past due"),
                            ("unpaid", "Unpaid"),
                            ("deletion_requested", "Deletion requested"),
                            ("canceled", "Canceled"),
                        ],
                        default="incomplete",
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                ("rent_while_waiting", models.BooleanField(default=False, verbose_name="may rent while waiting")),
                (
                    "supporting_documents",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="documents",
                    ),
                ),
                ("subscription_id", models.CharField(blank=True, default="", max_length=80)),
                ("customer_id", models.CharField(blank=True, default="", max_length=80)),
                ("activated_at", models.DateTimeField(null=True, verbose_name="activated")),
                ("cancel_at", models.DateTimeField(null=True, verbose_name="ends")),
                ("canceled_at", models.DateTimeField(null=True, verbose_name="canceled")),
                (
                    "declined_reason",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="declined because"),
                ),
                ("trial_end", models.DateTimeField(null=True, verbose_name="trial ends")),
                ("trial_notice_at", models.DateTimeField(editable=False, null=True)),
                (
                    "cyclist",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="abonnements",
                        to="bikeshare.cyclist",
                        verbose_name="cyclist",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
            ],
            options={
                "db_table": "bikeshare_abonnement",
                "verbose_name": "abonnement",
                "verbose_name_plural": "abonnements",
                "ordering": ("-id",),
                "permissions": (("validate_abonnement", "Can validate and decline abonnements"),),
                "indexes": [
                    models.Index(fields=["cyclist", "program", "status"], name="abonnement_cyclist"),
                    models.Index(fields=["program", "status", "-id"], name="abonnement_list"),
                    models.Index(
                        condition=models.Q(("trial_notice_at__isnull", False)),
                        fields=["trial_notice_at"],
                        name="abonnement_trial",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StationFavorite",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created", models.DateTimeField(verbose_name="created")),
                (
                    "cyclist",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="favorites",
                        to="bikeshare.cyclist",
                        verbose_name="cyclist",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="favorites",
                        to="bikeshare.station",
                        verbose_name="station",
                    ),
                ),
            ],
            options={
                "verbose_name": "favourite station",
                "verbose_name_plural": "favourite stations",
                "constraints": [models.UniqueConstraint(fields=("cyclist", "station"), name="stationfavorite_once")],
            },
        ),
        migrations.CreateModel(
            name="TelemetryMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("boitier_id", models.CharField(db_collation="C", max_length=32, verbose_name="boitier")),
                (
                    "trip_id",
                    models.CharField(blank=True, db_collation="C", default="", max_length=32, verbose_name="trip"),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("lock", "Lock"),
                            ("pass", "Pass"),
                            ("pin", "PIN"),
                            ("chain_type", "Chain"),
                            ("battery", "Battery"),
                            ("battery_vae", "Assistance battery"),
                            ("position", "Position"),
                        ],
                        max_length=12,
                        verbose_name="type",
                    ),
                ),
                ("value", models.JSONField(verbose_name="said")),
                (
                    "verdict",
                    models.CharField(
                        choices=[("state", "Taken"), ("event", "Told"), ("late", "Late")],
                        max_length=6,
                        verbose_name="verdict",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="device time")),
                ("received_at", models.DateTimeField(verbose_name="received")),
            ],
            options={
                "verbose_name": "device message",
                "verbose_name_plural": "device messages",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["boitier_id", "-id"], name="telemetry_boitier"),
                    models.Index(
                        condition=models.Q(("trip_id", ""), _negated=True),
                        fields=["trip_id", "-id"],
                        name="telemetry_trip",
                    ),
                    django.contrib.postgres.indexes.BrinIndex(fields=["received_at"], name="telemetry_received"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Trip",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", editable=False, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("created", models.DateTimeField(verbose_name="created")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                ("vehicule_number", models.CharField(max_length=40, verbose_name="vehicle")),
                ("vehicule_type", models.CharField(max_length=12, verbose_name="type")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("renting", "Renting"),
                            ("pitstop", "Paused"),
                            ("terminating", "Terminating"),
                            ("termination_requested", "Termination requested"),
                            ("completed", "Completed"),
                        ],
                        default="renting",
                        max_length=22,
                        verbose_name="status",
                    ),
                ),
                ("origin", models.CharField(default="app", max_length=20, verbose_name="started by")),
                ("agent", models.CharField(blank=True, default="", max_length=40, verbose_name="agent")),
                ("forfait", models.CharField(blank=True, default="", max_length=80, verbose_name="tariff")),
                ("organization", models.CharField(blank=True, default="", max_length=80, verbose_name="organization")),
                ("assist", models.BooleanField(default=False, verbose_name="assistance")),
                (
                    "assist_level",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="assistance level"),
                ),
                ("pin_hash", models.CharField(blank=True, default="", editable=False, max_length=64)),
                ("start_at", models.DateTimeField(verbose_name="started")),
                ("start_name", models.CharField(blank=True, default="", max_length=120, verbose_name="from")),
                ("start_region", models.CharField(blank=True, default="", max_length=80, verbose_name="start region")),
                (
                    "start_dockless_area",
                    models.CharField(blank=True, default="", max_length=80, verbose_name="start area without docks"),
                ),
                (
                    "start_caddie",
                    models.CharField(blank=True, default="", max_length=40, verbose_name="trolley at the start"),
                ),
                (
                    "start_photo",
                    models.CharField(blank=True, default="", max_length=500, verbose_name="photo at the start"),
                ),
                (
                    "start_latitude",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-90),
                            django.core.validators.MaxValueValidator(90),
                        ],
                        verbose_name="start latitude",
                    ),
                ),
                (
                    "start_longitude",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-180),
                            django.core.validators.MaxValueValidator(180),
                        ],
                        verbose_name="start longitude",
                    ),
                ),
                ("end_at", models.DateTimeField(null=True, verbose_name="ended")),
                ("end_name", models.CharField(blank=True, default="", max_length=120, verbose_name="to")),
                ("end_region", models.CharField(blank=True, default="", max_length=80, verbose_name="end region")),
                (
                    "end_dockless_area",
                    models.CharField(blank=True, default="", max_length=80, verbose_name="end area without docks"),
                ),
                (
                    "end_caddie",
                    models.CharField(blank=True, default="", max_length=40, verbose_name="trolley at the end"),
                ),
                (
                    "end_latitude",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-90),
                            django.core.validators.MaxValueValidator(90),
                        ],
                        verbose_name="end latitude",
                    ),
                ),
                (
                    "end_longitude",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-180),
                            django.core.validators.MaxValueValidator(180),
                        ],
                        verbose_name="end longitude",
                    ),
                ),
                ("end_photo", models.CharField(blank=True, default="", max_length=500, verbose_name="photo")),
                ("termination_requested_at", models.DateTimeField(null=True, verbose_name="termination requested")),
                ("paused_at", models.DateTimeField(null=True, verbose_name="paused")),
                ("paused_s", models.PositiveIntegerField(default=0, verbose_name="paused (s)")),
                ("duration", models.PositiveIntegerField(null=True, verbose_name="duration (s)")),
                ("duration_total", models.PositiveIntegerField(null=True, verbose_name="duration with pauses (s)")),
                ("distance", models.PositiveIntegerField(blank=True, null=True, verbose_name="distance (m)")),
                ("billed_at", models.DateTimeField(null=True, verbose_name="billed")),
                ("amount", models.IntegerField(blank=True, null=True, verbose_name="amount (cents)")),
                (
                    "amount_cyclist",
                    models.IntegerField(blank=True, null=True, verbose_name="of it the cyclist (cents)"),
                ),
                (
                    "amount_organization",
                    models.IntegerField(blank=True, null=True, verbose_name="of it the organization (cents)"),
                ),
                ("amount_discounted", models.IntegerField(blank=True, null=True, verbose_name="discount (cents)")),
                ("amount_refunded", models.IntegerField(blank=True, null=True, verbose_name="refunded (cents)")),
                (
                    "amount_refundable_max",
                    models.IntegerField(blank=True, null=True, verbose_name="refundable at most (cents)"),
                ),
                ("amount_live", models.IntegerField(blank=True, null=True, verbose_name="running cost (cents)")),
                ("deposit", models.IntegerField(blank=True, null=True, verbose_name="deposit (cents)")),
                ("metrics", models.JSONField(blank=True, default=dict, verbose_name="metrics")),
                (
                    "cyclist",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="trips",
                        to="bikeshare.cyclist",
                        verbose_name="cyclist",
                    ),
                ),
                (
                    "end_dock",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="bikeshare.dock"
                    ),
                ),
                (
                    "end_station",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="bikeshare.station"
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
                (
                    "start_dock",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="bikeshare.dock"
                    ),
                ),
                (
                    "start_station",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="bikeshare.station"
                    ),
                ),
                (
                    "vehicule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rides",
                        to="bikeshare.bike",
                        verbose_name="vehicle",
                    ),
                ),
            ],
            options={
                "verbose_name": "trip",
                "verbose_name_plural": "trips",
                "ordering": ("-id",),
                "permissions": (("close_trip", "Can close trips and decide termination requests"),),
                "indexes": [
                    models.Index(fields=["cyclist", "-id"], name="trip_cyclist"),
                    models.Index(fields=["program", "status", "-id"], name="trip_list"),
                    models.Index(
                        condition=models.Q(
                            ("status__in", ("renting", "pitstop", "terminating", "termination_requested"))
                        ),
                        fields=["program"],
                        name="trip_running",
                    ),
                    models.Index(fields=["vehicule", "-id"], name="trip_vehicule"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "completed"), _negated=True), ("end_at__isnull", False), _connector="OR"
                        ),
                        name="trip_completed_has_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("end_at__isnull", True), ("end_at__gte", models.F("start_at")), _connector="OR"
                        ),
                        name="trip_ends_after_start",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("deleted_at__isnull", True),
                            ("status__in", ("renting", "pitstop", "terminating", "termination_requested")),
                        ),
                        fields=("vehicule",),
                        name="trip_one_per_vehicule",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TerminationRequest",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", editable=False, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("created", models.DateTimeField(verbose_name="created")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                (
                    "origin",
                    models.CharField(
                        choices=[("system", "The lock"), ("cyclist", "The cyclist"), ("operator", "An operator")],
                        max_length=10,
                        verbose_name="by",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("created", "Created"),
                            ("pending", "Pending"),
                            ("accepted", "Accepted"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("date", models.DateTimeField(verbose_name="date")),
                ("photo", models.CharField(blank=True, default="", max_length=500, verbose_name="photo")),
                (
                    "latitude",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-90),
                            django.core.validators.MaxValueValidator(90),
                        ],
                        verbose_name="latitude",
                    ),
                ),
                (
                    "longitude",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-180),
                            django.core.validators.MaxValueValidator(180),
                        ],
                        verbose_name="longitude",
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=200, verbose_name="reason")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided")),
                (
                    "dock",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.dock",
                        verbose_name="dock",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
                (
                    "trip",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requests",
                        to="bikeshare.trip",
                        verbose_name="trip",
                    ),
                ),
            ],
            options={
                "verbose_name": "termination request",
                "verbose_name_plural": "termination requests",
                "ordering": ("id",),
                "indexes": [models.Index(fields=["trip", "id"], name="terminationrequest_trip")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("created", "pending"))),
                        fields=("trip",),
                        name="terminationrequest_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "pending"), _negated=True), ("origin", "cyclist"), _connector="OR"
                        ),
                        name="terminationrequest_pending_is_cyclists",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "created"), _negated=True),
                            models.Q(("origin", "cyclist"), _negated=True),
                            _connector="OR",
                        ),
                        name="terminationrequest_created_is_not",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Zone",
            fields=[
                (
                    "id",
                    models.CharField(
                        db_collation="C", editable=False, max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                ("created", models.DateTimeField(verbose_name="created")),
                ("deleted_at", models.DateTimeField(editable=False, null=True, verbose_name="deleted")),
                ("feed", models.CharField(blank=True, default="", editable=False, max_length=40)),
                (
                    "external_id",
                    models.CharField(blank=True, default="", max_length=160, verbose_name="id in the feed"),
                ),
                ("name", models.CharField(blank=True, default="", max_length=120, verbose_name="name")),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("geofencing", "Geofencing"),
                            ("limited_traffic", "Limited traffic"),
                            ("forbidden", "Forbidden"),
                            ("parking", "Parking"),
                        ],
                        default="geofencing",
                        max_length=20,
                        verbose_name="type",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("closed", "Closed")],
                        default="open",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("precedence", models.PositiveIntegerField(default=1000, verbose_name="precedence")),
                ("geometry", models.JSONField(verbose_name="area")),
                ("rules", models.JSONField(blank=True, default=list, verbose_name="rules")),
                (
                    "vehicule_type",
                    models.CharField(
                        blank=True, choices=VEHICULE_TYPES, default="", max_length=12, verbose_name="only for"
                    ),
                ),
                ("start", models.DateTimeField(blank=True, null=True, verbose_name="from")),
                ("end", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                ("score", models.IntegerField(blank=True, null=True, verbose_name="score")),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bikeshare.program",
                        verbose_name="program",
                    ),
                ),
            ],
            options={
                "verbose_name": "zone",
                "verbose_name_plural": "zones",
                "ordering": ("precedence", "id"),
                "indexes": [models.Index(fields=["program", "precedence", "id"], name="zone_order")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True), models.Q(("external_id", ""), _negated=True)),
                        fields=("program", "feed", "external_id"),
                        name="zone_external_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("start__isnull", True),
                            ("end__isnull", True),
                            ("end__gt", models.F("start")),
                            _connector="OR",
                        ),
                        name="zone_ends_later",
                    ),
                ],
            },
        ),
        migrations.RunSQL(STATE, migrations.RunSQL.noop),
        migrations.RunPython(roles, migrations.RunPython.noop),
    ]
