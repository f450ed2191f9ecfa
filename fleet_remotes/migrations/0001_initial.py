"""Fleets, their vehicles, commands and callbacks, and what each role may do with them."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.roles import ADMINISTRATOR, OPERATOR, VIEWER, grant

KINDS = [
    ("preconditioning", "Preconditioning"),
    ("charging", "Charging"),
    ("door", "Doors"),
    ("horn", "Horn"),
    ("lights", "Lights"),
    ("immobilization", "Immobilisation"),
    ("stolen", "Stolen vehicle"),
    ("wakeUp", "Wake-up"),
    ("navigation", "Navigation"),
]

READ = (
    "fleet",
    "fleetvehicle",
    "wakeupuse",
    "callback",
    "callbackmessage",
    "remotenotification",
    "commandbatch",
    "commandschedule",
    "remoteaction",
    "actionstep",
)
SET_UP = ("fleet", "fleetvehicle", "callback")


def roles(apps, schema_editor):
    grant(
        apps,
        "fleet_remotes",
        {
            VIEWER: [f"view_{model}" for model in READ],
            OPERATOR: ["send_command", "send_dangerous_command", "stop_fleet", "set_wakeup_budget"],
            ADMINISTRATOR: [
                *(f"{action}_{model}" for action in ("add", "change", "delete") for model in SET_UP),
                "register_callback",
                "view_commanddraft",
                "delete_commanddraft",
            ],
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
            name="Fleet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        help_text="The vendor’s id of the fleet.", max_length=64, unique=True, verbose_name="fleet id"
                    ),
                ),
                ("name", models.CharField(blank=True, default="", max_length=120, verbose_name="name")),
                ("stopped_at", models.DateTimeField(blank=True, null=True, verbose_name="stopped")),
                ("stop_reason", models.CharField(blank=True, default="", max_length=200, verbose_name="why")),
                ("paused_until", models.DateTimeField(blank=True, null=True, verbose_name="paused until")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "stopped_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="stopped by",
                    ),
                ),
            ],
            options={
                "verbose_name": "fleet",
                "verbose_name_plural": "fleets",
                "ordering": ("key",),
            },
        ),
        migrations.CreateModel(
            name="FleetVehicle",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "vin",
                    models.CharField(
                        max_length=17,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z0-9]{11,17}\\Z", "A VIN has 11 to 17 letters and digits."
                            )
                        ],
                        verbose_name="VIN",
                    ),
                ),
                (
                    "vehicle_id",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The vendor’s id; commands need it.",
                        max_length=128,
                        verbose_name="vehicle id",
                    ),
                ),
                (
                    "brand",
                    models.CharField(
                        choices=[
                            ("citroen", "Citroën"),
                            ("ds", "DS"),
                            ("peugeot", "Peugeot"),
                            ("opel", "Opel"),
                            ("vauxhall", "Vauxhall"),
                        ],
                        max_length=10,
                        verbose_name="brand",
                    ),
                ),
                ("model", models.CharField(blank=True, default="", max_length=60, verbose_name="model")),
                ("plate", models.CharField(blank=True, default="", max_length=20, verbose_name="plate")),
                ("name", models.CharField(blank=True, default="", max_length=120, verbose_name="name")),
                (
                    "capabilities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("preconditioning", "Preconditioning"),
                                ("door", "Doors"),
                                ("horn", "Horn"),
                                ("charging", "Charging"),
                                ("lights", "Lights"),
                                ("wakeup", "Wake-up"),
                                ("navigation", "Navigation"),
                                ("stolen", "Stolen vehicle"),
                            ],
                            max_length=20,
                        ),
                        blank=True,
                        default=None,
                        null=True,
                        size=None,
                        verbose_name="capabilities",
                    ),
                ),
                (
                    "privacy",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Unknown"),
                            ("None", "Off"),
                            ("Geolocation", "Position hidden"),
                            ("Full", "Full privacy"),
                        ],
                        default="",
                        max_length=12,
                        verbose_name="privacy",
                    ),
                ),
                (
                    "battery_level",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MaxValueValidator(100)],
                        verbose_name="battery (%)",
                    ),
                ),
                ("is_stolen", models.BooleanField(default=False, verbose_name="declared stolen")),
                (
                    "privacy_refused_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="refused for privacy"),
                ),
                (
                    "battery_refused_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="refused for its battery"),
                ),
                ("in_use_at", models.DateTimeField(editable=False, null=True, verbose_name="in use")),
                ("facts_at", models.DateTimeField(blank=True, null=True, verbose_name="facts of")),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="tags",
                    ),
                ),
                (
                    "wakeup_budget",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="No more wake-ups than this; empty: the installation’s number.",
                        null=True,
                        verbose_name="wake-ups a month",
                    ),
                ),
                (
                    "wakeup_learnt",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="learnt budget"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
                (
                    "search_text",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            models.Func(
                                models.Value(" "),
                                models.F("vin"),
                                models.Value(" "),
                                models.F("plate"),
                                models.Value(" "),
                                models.F("name"),
                                models.Value(" "),
                                models.F("model"),
                                models.Value(" "),
                                models.F("vehicle_id"),
                                models.Value(" "),
                                models.F("brand"),
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
                    "fleet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vehicles",
                        to="fleet_remotes.fleet",
                        verbose_name="fleet",
                    ),
                ),
            ],
            options={
                "verbose_name": "fleet vehicle",
                "verbose_name_plural": "fleet vehicles",
                "ordering": ("vin",),
                "permissions": (("set_wakeup_budget", "Can set how often vehicles may be woken up"),),
                "indexes": [
                    models.Index(fields=["fleet", "vin"], name="fleetvehicle_fleet"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["search_text"], name="fleetvehicle_search", opclasses=("gin_trgm_ops",)
                    ),
                    django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="fleetvehicle_tags"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("battery_level__isnull", True), ("battery_level__lte", 100), _connector="OR"
                        ),
                        name="fleetvehicle_battery",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WakeUpUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(verbose_name="month")),
                ("used", models.PositiveIntegerField(default=0, verbose_name="wake-ups")),
                ("refusals", models.PositiveIntegerField(default=0, verbose_name="refusals")),
                ("refused_at_count", models.PositiveIntegerField(null=True)),
                (
                    "vehicle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="wakeups",
                        to="fleet_remotes.fleetvehicle",
                        verbose_name="vehicle",
                    ),
                ),
            ],
            options={
                "verbose_name": "wake-up use",
                "verbose_name_plural": "wake-up uses",
                "ordering": ("-month", "-used"),
                "indexes": [models.Index(fields=["month", "-used"], name="wakeupuse_month")],
                "constraints": [models.UniqueConstraint(fields=("vehicle", "month"), name="wakeupuse_unique")],
            },
        ),
        migrations.CreateModel(
            name="CommandBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=KINDS, max_length=20, verbose_name="command")),
                ("parameters", models.JSONField(default=dict, verbose_name="parameters")),
                ("reason", models.CharField(blank=True, default="", max_length=200, verbose_name="reason")),
                ("total", models.PositiveIntegerField(default=0, verbose_name="vehicles")),
                ("created_at", models.DateTimeField(verbose_name="sent")),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="sent by",
                    ),
                ),
                (
                    "retry_of",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="retries",
                        to="fleet_remotes.commandbatch",
                    ),
                ),
            ],
            options={
                "verbose_name": "batch of commands",
                "verbose_name_plural": "batches of commands",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="RemoteAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=KINDS, max_length=20, verbose_name="command")),
                ("parameters", models.JSONField(default=dict, verbose_name="parameters")),
                ("label", models.CharField(editable=False, max_length=40, unique=True)),
                ("reason", models.CharField(blank=True, default="", max_length=200, verbose_name="reason")),
                ("requested_by", models.CharField(blank=True, default="", max_length=150, verbose_name="ordered by")),
                ("confirm_digest", models.CharField(blank=True, default="", editable=False, max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "To be confirmed"),
                            ("queued", "Waiting to be sent"),
                            ("submitting", "Being sent"),
                            ("unknown", "Sent, fate unknown"),
                            ("submitted", "Sent"),
                            ("accepted", "Accepted"),
                            ("checking", "Vehicle is checked"),
                            ("waking", "Vehicle is woken up"),
                            ("blocked_quota", "Held up: wake-ups used up"),
                            ("blocked_battery", "Held up: battery too low"),
                            ("sent", "Sent to the vehicle"),
                            ("succeeded", "Succeeded"),
                            ("already_done", "Already so"),
                            ("failed", "Failed"),
                            ("rejected", "Rejected by the vendor"),
                            ("refused", "Not sent"),
                            ("cancelled", "Cancelled"),
                            ("unconfirmed", "Unconfirmed"),
                        ],
                        default="queued",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("since", models.DateTimeField(verbose_name="since")),
                ("entered_at", models.DateTimeField()),
                ("cause", models.CharField(blank=True, default="", max_length=128, verbose_name="cause")),
                ("feedback", models.CharField(blank=True, default="", max_length=128, verbose_name="feedback")),
                ("inferred", models.BooleanField(default=False, verbose_name="inferred")),
                ("conflict", models.BooleanField(default=False, verbose_name="contradicting outcomes")),
                ("reconciled", models.BooleanField(default=False)),
                ("unconfirmed_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(verbose_name="ordered")),
                ("not_before", models.DateTimeField(verbose_name="not before")),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                ("submitting_at", models.DateTimeField(null=True, verbose_name="posted")),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                ("posts", models.PositiveSmallIntegerField(default=0, verbose_name="posts")),
                ("submitted_at", models.DateTimeField(null=True, verbose_name="taken by the vendor")),
                ("callback_ref", models.BigIntegerField(editable=False, null=True)),
                (
                    "remote_action_id",
                    models.CharField(blank=True, default="", max_length=128, verbose_name="vendor’s id"),
                ),
                ("http_status", models.PositiveSmallIntegerField(null=True, verbose_name="HTTP status")),
                ("error_code", models.CharField(blank=True, default="", max_length=20, verbose_name="error code")),
                (
                    "error_text",
                    models.CharField(blank=True, default="", max_length=300, verbose_name="the vendor’s words"),
                ),
                ("error_uuid", models.CharField(blank=True, default="", max_length=64, verbose_name="error id")),
                ("look_at", models.DateTimeField(null=True, verbose_name="next look")),
                ("looks", models.PositiveSmallIntegerField(default=0)),
                ("deadline_at", models.DateTimeField(null=True, verbose_name="deadline")),
                ("wake_seen_at", models.DateTimeField(editable=False, null=True)),
                ("quota_seen_at", models.DateTimeField(editable=False, null=True)),
                ("auto_tries", models.PositiveSmallIntegerField(default=0)),
                ("thread", models.CharField(blank=True, default="", editable=False, max_length=32)),
                (
                    "batch",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="actions",
                        to="fleet_remotes.commandbatch",
                        verbose_name="batch",
                    ),
                ),
                (
                    "fleet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="fleet_remotes.fleet",
                        verbose_name="fleet",
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="resolved",
                        to="fleet_remotes.remoteaction",
                    ),
                ),
                (
                    "retry_of",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="retries",
                        to="fleet_remotes.remoteaction",
                    ),
                ),
                (
                    "vehicle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="fleet_remotes.fleetvehicle",
                        verbose_name="vehicle",
                    ),
                ),
            ],
            options={
                "verbose_name": "remote action",
                "verbose_name_plural": "remote actions",
                "ordering": ("-id",),
                "permissions": (
                    ("send_command", "Can send commands to vehicles"),
                    ("send_dangerous_command", "Can immobilise, unlock and declare stolen"),
                    ("stop_fleet", "Can stop and resume sending to a fleet"),
                ),
                "indexes": [
                    models.Index(fields=["vehicle", "-id"], name="remoteaction_vehicle"),
                    models.Index(
                        condition=models.Q(("state", "queued")), fields=["not_before", "id"], name="remoteaction_due"
                    ),
                    models.Index(
                        condition=models.Q(
                            (
                                "state__in",
                                (
                                    "draft",
                                    "queued",
                                    "submitting",
                                    "unknown",
                                    "submitted",
                                    "accepted",
                                    "checking",
                                    "waking",
                                    "blocked_quota",
                                    "blocked_battery",
                                    "sent",
                                ),
                            )
                        ),
                        fields=["vehicle", "id"],
                        name="remoteaction_open",
                    ),
                    models.Index(
                        condition=models.Q(("state", "submitting")), fields=["lease_until"], name="remoteaction_lease"
                    ),
                    models.Index(
                        condition=models.Q(("look_at__isnull", False)), fields=["look_at"], name="remoteaction_look"
                    ),
                    models.Index(
                        condition=models.Q(("deadline_at__isnull", False)),
                        fields=["deadline_at"],
                        name="remoteaction_deadline",
                    ),
                    models.Index(
                        condition=models.Q(("submitting_at__isnull", False)),
                        fields=["submitting_at"],
                        name="remoteaction_posted",
                    ),
                    models.Index(
                        condition=models.Q(models.Q(("thread", ""), _negated=True), ("resolved_by__isnull", True)),
                        fields=["vehicle", "kind"],
                        name="remoteaction_unresolved",
                    ),
                    models.Index(
                        condition=models.Q(("batch__isnull", False)),
                        fields=["batch", "state"],
                        name="remoteaction_batch",
                    ),
                    models.Index(
                        condition=models.Q(("submitted_at__isnull", False)),
                        fields=["callback_ref", "submitted_at"],
                        name="remoteaction_callback",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                (
                                    "submitting",
                                    "unknown",
                                    "submitted",
                                    "accepted",
                                    "checking",
                                    "waking",
                                    "blocked_quota",
                                    "blocked_battery",
                                    "sent",
                                ),
                            )
                        ),
                        fields=("vehicle",),
                        name="remoteaction_one_in_flight",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("remote_action_id", ""), _negated=True),
                        fields=("fleet", "remote_action_id"),
                        name="remoteaction_vendor_id",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ActionStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("created", "Ordered"),
                            ("confirmed", "Confirmed a second time"),
                            ("approved", "Approved by a second person"),
                            ("postponed", "Postponed"),
                            ("submitting", "Posted to the vendor"),
                            ("submitted", "The vendor took it"),
                            ("rejected", "The vendor rejected it"),
                            ("refused", "Not sent: a check of ours refused it"),
                            ("fate_unknown", "No answer: it may or may not have arrived"),
                            ("found", "Found in the vendor’s list"),
                            ("not_found", "The vendor’s list does not show it"),
                            ("looked", "Asked the vendor"),
                            ("unconfirmed", "Nothing more was heard in time"),
                            (
                                "contradicted",
                                "Outcomes contradict each other, and the vendor’s record did not decide in time",
                            ),
                            ("inferred", "Counted as failed: it stayed held up"),
                            ("cancelled", "Cancelled before it was sent"),
                            ("retrying", "Will be tried again as a new action"),
                        ],
                        max_length=16,
                        verbose_name="step",
                    ),
                ),
                ("detail", models.CharField(blank=True, default="", max_length=300, verbose_name="detail")),
                (
                    "action",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="fleet_remotes.remoteaction",
                    ),
                ),
            ],
            options={
                "verbose_name": "step",
                "verbose_name_plural": "steps",
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="CommandSchedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("kind", models.CharField(choices=KINDS, max_length=20, verbose_name="command")),
                ("parameters", models.JSONField(default=dict, verbose_name="parameters")),
                ("reason", models.CharField(blank=True, default="", max_length=200, verbose_name="reason")),
                (
                    "vehicles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None, verbose_name="vehicles"
                    ),
                ),
                (
                    "days",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(), default=list, size=None, verbose_name="days"
                    ),
                ),
                ("at", models.TimeField(verbose_name="time of day")),
                ("time_zone", models.CharField(max_length=64, verbose_name="time zone")),
                ("next_at", models.DateTimeField(null=True, verbose_name="next time")),
                (
                    "last_problem",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="last problem"),
                ),
                ("created_at", models.DateTimeField(verbose_name="created")),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
                (
                    "created_by_key",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="console.apikey",
                        verbose_name="created by the key",
                    ),
                ),
                (
                    "last_batch",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="fleet_remotes.commandbatch",
                        verbose_name="last batch",
                    ),
                ),
            ],
            options={
                "verbose_name": "schedule",
                "verbose_name_plural": "schedules",
                "ordering": ("name", "pk"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_at__isnull", False)), fields=["next_at"], name="commandschedule_due"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CommandDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "vehicles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("command", models.JSONField(default=dict)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "retry_of",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="fleet_remotes.commandbatch",
                    ),
                ),
            ],
            options={
                "verbose_name": "command draft",
                "verbose_name_plural": "command drafts",
                "ordering": ("-updated_at",),
            },
        ),
        migrations.CreateModel(
            name="Callback",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=60, unique=True, verbose_name="slug")),
                ("header_name", models.CharField(max_length=60, verbose_name="header")),
                ("header_digest", models.CharField(editable=False, max_length=64)),
                ("earlier_digests", models.JSONField(default=dict, editable=False)),
                ("callback_id", models.CharField(blank=True, default="", max_length=128, verbose_name="callback id")),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not registered"),
                            ("Running", "Running"),
                            ("Paused", "Paused"),
                            ("Failed", "Failed"),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                (
                    "batch_window_s",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="The vendor’s batchNotify.timeWindow; 0: single notifications.",
                        verbose_name="batch window (s)",
                    ),
                ),
                (
                    "silent_after_s",
                    models.PositiveIntegerField(
                        default=900,
                        help_text="A command without any notification for this long means that the callback is silent.",
                        validators=[django.core.validators.MinValueValidator(60)],
                        verbose_name="silent after (s)",
                    ),
                ),
                ("silent_since", models.DateTimeField(editable=False, null=True, verbose_name="silent since")),
                ("silent_thread", models.CharField(blank=True, default="", editable=False, max_length=32)),
                ("bodies", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="bodies")),
                ("events", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="notifications")),
                ("duplicates", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="duplicates")),
                ("refused", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="refused")),
                ("last_received_at", models.DateTimeField(editable=False, null=True, verbose_name="last received")),
                ("last_refused_at", models.DateTimeField(editable=False, null=True, verbose_name="last refused")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "fleet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="callbacks",
                        to="fleet_remotes.fleet",
                        verbose_name="fleet",
                    ),
                ),
            ],
            options={
                "verbose_name": "callback",
                "verbose_name_plural": "callbacks",
                "ordering": ("slug",),
                "permissions": (("register_callback", "Can register callbacks with the vendor"),),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("callback_id", ""), _negated=True),
                        fields=("callback_id",),
                        name="callback_vendor_id_unique",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CallbackMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("body", models.BinaryField()),
                ("received_at", models.DateTimeField(verbose_name="received")),
                ("applied_at", models.DateTimeField(null=True, verbose_name="applied")),
                ("events", models.PositiveIntegerField(null=True, verbose_name="notifications")),
                ("duplicates", models.PositiveIntegerField(null=True, verbose_name="duplicates")),
                ("problem", models.CharField(blank=True, default="", max_length=300, verbose_name="problem")),
                (
                    "callback",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="messages",
                        to="fleet_remotes.callback",
                        verbose_name="callback",
                    ),
                ),
            ],
            options={
                "verbose_name": "raw message",
                "verbose_name_plural": "raw messages",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("applied_at__isnull", True)), fields=["id"], name="callbackmessage_waiting"
                    ),
                    models.Index(fields=["callback", "-id"], name="callbackmessage_callback"),
                    django.contrib.postgres.indexes.BrinIndex(fields=["received_at"], name="callbackmessage_received"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RemoteNotification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0)),
                ("digest", models.CharField(editable=False, max_length=64)),
                (
                    "remote_action_id",
                    models.CharField(blank=True, default="", max_length=128, verbose_name="vendor’s action id"),
                ),
                ("vin", models.CharField(blank=True, default="", max_length=128, verbose_name="VIN")),
                ("remote_type", models.CharField(blank=True, default="", max_length=128, verbose_name="remote type")),
                ("type", models.CharField(blank=True, default="", max_length=128, verbose_name="type")),
                ("status", models.CharField(blank=True, default="", max_length=128, verbose_name="status")),
                ("cause", models.CharField(blank=True, default="", max_length=128, verbose_name="cause")),
                ("feedback", models.CharField(blank=True, default="", max_length=128, verbose_name="feedback")),
                ("event_date", models.DateTimeField(null=True, verbose_name="date")),
                ("received_at", models.DateTimeField(verbose_name="received")),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("applied", "Applied"),
                            ("repeated", "Says what was known"),
                            ("regressive", "Older than what was known"),
                            ("late", "After the end"),
                            ("conflict", "Contradicts another outcome"),
                            ("unknown_action", "No action of ours has this id"),
                            ("vin_mismatch", "Another vehicle than the action’s"),
                            ("unknown_value", "A value that we do not know"),
                            ("unreadable", "Not readable as a notification"),
                        ],
                        max_length=16,
                        verbose_name="verdict",
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=200, verbose_name="why")),
                (
                    "flags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), default=list, size=None
                    ),
                ),
                ("duplicates", models.PositiveIntegerField(default=0, verbose_name="duplicates")),
                ("raw", models.JSONField(verbose_name="as received")),
                (
                    "action",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="notifications",
                        to="fleet_remotes.remoteaction",
                        verbose_name="action",
                    ),
                ),
                (
                    "callback",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="notifications",
                        to="fleet_remotes.callback",
                        verbose_name="callback",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="notifications",
                        to="fleet_remotes.callbackmessage",
                    ),
                ),
                (
                    "vehicle",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="notifications",
                        to="fleet_remotes.fleetvehicle",
                        verbose_name="vehicle",
                    ),
                ),
            ],
            options={
                "verbose_name": "notification",
                "verbose_name_plural": "notifications",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("action__isnull", False)),
                        fields=["action", "id"],
                        name="remotenotification_action",
                    ),
                    models.Index(
                        condition=models.Q(("verdict", "unknown_action")),
                        fields=["remote_action_id"],
                        name="remotenotification_orphans",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("verdict__in", ("unknown_action", "vin_mismatch", "unknown_value", "unreadable"))
                        ),
                        fields=["-id"],
                        name="remotenotification_unmatched",
                    ),
                    models.Index(
                        condition=models.Q(("vehicle__isnull", True), models.Q(("vin", ""), _negated=True)),
                        fields=["vin"],
                        name="remotenotification_vins",
                    ),
                    models.Index(
                        condition=models.Q(("status", "WakingUpVehicle"), ("vehicle__isnull", False)),
                        fields=["vehicle", "received_at"],
                        name="remotenotification_wakes",
                    ),
                    models.Index(fields=["callback", "-id"], name="remotenotification_callback"),
                    django.contrib.postgres.indexes.BrinIndex(
                        fields=["received_at"], name="remotenotification_received"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("callback", "digest"), name="remotenotification_unique")
                ],
            },
        ),
        migrations.RunPython(roles, migrations.RunPython.noop),
    ]
