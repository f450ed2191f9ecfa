"""What Magic Search folds text with, the tables that every app stands on, and what each role may do with them."""

import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.contrib.postgres.operations import BtreeGinExtension, TrigramExtension, UnaccentExtension
from django.db import migrations, models

from core.roles import ADMINISTRATOR, OPERATOR, grant

# unaccent() is only STABLE, because its dictionary could be changed; ours is named and left alone, so that the
# result may be indexed.
FOLD = """
CREATE OR REPLACE FUNCTION signalbox_fold(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, $1)) $$
"""

EVERY = ("view", "add", "change", "delete")


def every(*models):
    return [f"{action}_{model}" for action in EVERY for model in models]


def roles(apps, schema_editor):
    seen = ("columnchoice", "facetcensus", "facetcount", "job", "knownvalue", "savedsearch", "signoflife", "undo")
    grant(
        apps,
        "console",
        {
            OPERATOR: ["share_savedsearch", "see_personal_data"],
            ADMINISTRATOR: [
                *every("apikey"),
                *(f"view_{model}" for model in seen),
                "change_savedsearch",
                "delete_savedsearch",
                "delete_columnchoice",
            ],
        },
    )
    grant(apps, "auditlog", {ADMINISTRATOR: ["view_logentry"]})
    grant(apps, "auth", {ADMINISTRATOR: every("user", "group")})
    schedules = ("periodictask", "intervalschedule", "crontabschedule", "solarschedule", "clockedschedule")
    grant(apps, "django_celery_beat", {ADMINISTRATOR: every(*schedules)})
    grant(apps, "axes", {ADMINISTRATOR: ["view_accessattempt", "delete_accessattempt", "view_accesslog"]})


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("auditlog", "0001_initial"),
        ("axes", "0001_initial"),
        ("django_celery_beat", "0011_auto_20190508_0153"),
    ]

    operations = [
        TrigramExtension(),
        UnaccentExtension(),
        BtreeGinExtension(),
        migrations.RunSQL(FOLD, "DROP FUNCTION signalbox_fold(text)"),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("prefix", models.CharField(editable=False, max_length=12, unique=True, verbose_name="prefix")),
                ("digest", models.CharField(editable=False, max_length=64)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("charging:write", "Charging: send messages, change charge points and groups"),
                                ("charging:read", "Charging: read"),
                                ("vehicles:write", "Vehicles: send facts, change"),
                                ("vehicles:read", "Vehicles: read"),
                                ("remotes:write", "Fleet remotes: send commands, change"),
                                ("remotes:read", "Fleet remotes: read"),
                                ("bikeshare:write", "Bike-share: send telemetry, change"),
                                ("bikeshare:read", "Bike-share: read"),
                                (
                                    "personal:read",
                                    "People: who drivers, cyclists and receivers of mails are, where it may read alone",
                                ),
                                ("outbox:read", "Outbox: read events, deliveries and webhooks"),
                                ("outbox:write", "Outbox: change webhooks, retry deliveries"),
                            ],
                            max_length=40,
                        ),
                        size=None,
                        verbose_name="scopes",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires")),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="revoked")),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last used")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
                "ordering": ("-id",),
                "permissions": (("see_personal_data", "Can see who drivers, cyclists and receivers of mails are"),),
                "constraints": [
                    models.UniqueConstraint(django.db.models.functions.text.Lower("name"), name="apikey_name_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiReceipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.UUIDField(unique=True)),
                ("digest", models.UUIDField()),
                ("said_at", models.DateTimeField()),
                ("repeats_until", models.DateTimeField(null=True)),
                ("received_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["received_at"], name="apireceipt_received")],
            },
        ),
        migrations.CreateModel(
            name="RateAccount",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("left_over", models.FloatField()),
                ("burst", models.FloatField()),
                ("per_s", models.FloatField()),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="SignOfLife",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("part", models.CharField(max_length=40)),
                ("instance", models.CharField(max_length=120)),
                ("at", models.DateTimeField()),
                ("detail", models.JSONField(default=dict)),
            ],
            options={
                "verbose_name": "sign of life",
                "verbose_name_plural": "signs of life",
                "constraints": [models.UniqueConstraint(fields=("part", "instance"), name="signoflife_unique")],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=60, verbose_name="kind")),
                ("label", models.CharField(max_length=200, verbose_name="what")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("review", "To be confirmed"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="waiting",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("total", models.PositiveIntegerField(default=0, verbose_name="total")),
                ("done", models.PositiveIntegerField(default=0, verbose_name="done")),
                ("arguments", models.JSONField(default=dict)),
                ("payload", models.BinaryField(default=bytes)),
                ("result", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
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
            ],
            options={
                "verbose_name": "job",
                "verbose_name_plural": "jobs",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Undo",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=60, verbose_name="kind")),
                ("label", models.CharField(max_length=200, verbose_name="what")),
                ("arguments", models.JSONField(default=dict)),
                ("payload", models.BinaryField(default=bytes)),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("expires_at", models.DateTimeField(null=True, verbose_name="can be undone until")),
                ("undone_at", models.DateTimeField(null=True, verbose_name="undone")),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
            ],
            options={
                "verbose_name": "undoable change",
                "verbose_name_plural": "undoable changes",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("undone_at__isnull", True)),
                        fields=["created_by", "-id"],
                        name="undo_of_person",
                    ),
                    models.Index(fields=["created_at"], name="undo_created"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedSearch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("list_key", models.CharField(max_length=60, verbose_name="list")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("query", models.TextField(verbose_name="query string")),
                ("shared", models.BooleanField(default=False, verbose_name="shared with everyone")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "saved search",
                "verbose_name_plural": "saved searches",
                "ordering": (django.db.models.functions.text.Lower("name"), "id"),
                "permissions": (("share_savedsearch", "Can share saved searches with everyone"),),
                "indexes": [
                    models.Index(condition=models.Q(("shared", True)), fields=["list_key"], name="savedsearch_shared")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("list_key"),
                        models.F("owner"),
                        django.db.models.functions.text.Lower("name"),
                        name="savedsearch_name_unique",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ColumnChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("list_key", models.CharField(max_length=60, verbose_name="list")),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), size=None, verbose_name="columns"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "column choice",
                "verbose_name_plural": "column choices",
                "constraints": [models.UniqueConstraint(fields=("owner", "list_key"), name="columnchoice_unique")],
            },
        ),
        migrations.CreateModel(
            name="FacetCensus",
            fields=[
                ("list_key", models.CharField(max_length=60, primary_key=True, serialize=False, verbose_name="list")),
                ("counted_at", models.DateTimeField(verbose_name="counted")),
                ("took_ms", models.PositiveIntegerField(verbose_name="took (ms)")),
                ("rows", models.BigIntegerField(verbose_name="rows")),
            ],
            options={
                "verbose_name": "facet census",
                "verbose_name_plural": "facet censuses",
            },
        ),
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
        migrations.CreateModel(
            name="FacetCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("list_key", models.CharField(max_length=60, verbose_name="list")),
                ("facet", models.CharField(max_length=40, verbose_name="facet")),
                ("value", models.CharField(max_length=300, verbose_name="value")),
                ("folded", models.CharField(max_length=600)),
                ("count", models.BigIntegerField(verbose_name="count")),
                ("rank", models.PositiveIntegerField(verbose_name="rank")),
            ],
            options={
                "verbose_name": "facet count",
                "verbose_name_plural": "facet counts",
                "indexes": [
                    models.Index(fields=["list_key", "facet", "rank"], name="facetcount_rank"),
                    models.Index(
                        models.F("list_key"),
                        django.contrib.postgres.indexes.OpClass("folded", "varchar_pattern_ops"),
                        name="facetcount_beginning",
                    ),
                ],
            },
        ),
        migrations.RunPython(roles, migrations.RunPython.noop),
    ]
