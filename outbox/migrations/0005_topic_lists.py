"""Topic lists, their addresses, what became of each event on each list; and who may do what with them."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

from core.roles import OPERATOR, VIEWER, grant

LANGUAGES = [("en", "English"), ("de", "German"), ("fr", "French")]
STATES = [("waiting", "Waiting"), ("told", "Told"), ("skipped", "Not told")]
REASONS = [
    ("", "–"),
    ("gathered", "Gathered: waits for the list’s next mail"),
    ("condition", "The event does not fit the list’s condition"),
    ("condition_broken", "The list’s condition cannot be read; edit the list"),
    ("topic", "The list no longer takes events of this kind"),
    ("disabled", "The list is switched off"),
    ("no_address", "The list has no address"),
    ("too_old", "Too old: it happened long before it was reported"),
    ("list_deleted", "The list was deleted"),
    ("event_gone", "The event is no longer kept"),
]


def roles(apps, schema_editor):
    models = ("topiclist", "topiclistaddress")
    grant(
        apps,
        "outbox",
        {
            VIEWER: [f"view_{model}" for model in (*models, "topicnotice")],
            OPERATOR: [f"{action}_{model}" for action in ("add", "change", "delete") for model in models],
        },
    )


def unconstrained(to, related_name, verbose_name):
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING,
        related_name=related_name, to=to, verbose_name=verbose_name,
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("outbox", "0004_banners")]
    operations = [
        migrations.CreateModel(
            name="TopicList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("description", models.TextField(blank=True, default="", verbose_name="description")),
                ("domain", models.CharField(blank=True, default="", max_length=40, verbose_name="domain")),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), blank=True, default=list, size=None,
                        verbose_name="topics",
                    ),
                ),
                ("condition", models.TextField(blank=True, default="", verbose_name="condition")),
                (
                    "language",
                    models.CharField(choices=LANGUAGES, default="en", max_length=5, verbose_name="language"),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("gather_s", models.PositiveIntegerField(default=60, verbose_name="gather for (s)")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
                ("gathering_until", models.DateTimeField(editable=False, null=True)),
                ("thread", models.CharField(blank=True, default="", editable=False, max_length=32)),
                ("last_told_at", models.DateTimeField(editable=False, null=True, verbose_name="last mail")),
            ],
            options={
                "verbose_name": "topic list",
                "verbose_name_plural": "topic lists",
                "ordering": (django.db.models.functions.text.Lower("name"),),
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"),
                        name="topiclist_name_unique",
                        violation_error_code="unique",
                        violation_error_message="There is a topic list of this name already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="topiclist_name_given"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TopicListAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=320, verbose_name="e-mail address")),
                ("added_at", models.DateTimeField(auto_now_add=True, verbose_name="added")),
                (
                    "topic_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="addresses", to="outbox.topiclist",
                        verbose_name="topic list",
                    ),
                ),
            ],
            options={
                "verbose_name": "address of a topic list",
                "verbose_name_plural": "addresses of topic lists",
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(
                        models.F("topic_list"),
                        django.db.models.functions.text.Lower("address"),
                        name="topiclistaddress_unique",
                        violation_error_message="This address stands in the list already.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TopicNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("topic_list", unconstrained("outbox.topiclist", "notices", "topic list")),
                ("list_name", models.CharField(max_length=100, verbose_name="topic list")),
                ("event", unconstrained("outbox.event", "topic_notices", "event")),
                ("state", models.CharField(choices=STATES, max_length=8, verbose_name="state")),
                (
                    "reason",
                    models.CharField(blank=True, choices=REASONS, default="", max_length=20, verbose_name="reason"),
                ),
                ("due_at", models.DateTimeField(null=True, verbose_name="due")),
                ("decided_at", models.DateTimeField(verbose_name="decided")),
                ("mail_id", models.BigIntegerField(null=True)),
                ("thread", models.CharField(blank=True, default="", max_length=32)),
            ],
            options={
                "verbose_name": "notice of a topic list",
                "verbose_name_plural": "notices of topic lists",
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(fields=("event", "topic_list"), name="topicnotice_once"),
                ],
                "indexes": [
                    models.Index(
                        fields=["due_at", "topic_list"],
                        name="topicnotice_due",
                        condition=models.Q(("state", "waiting")),
                    ),
                    models.Index(fields=["topic_list", "-id"], name="topicnotice_of_list"),
                    models.Index(
                        fields=["topic_list", "-id"],
                        name="topicnotice_untold",
                        condition=models.Q(("state", "told"), _negated=True),
                    ),
                    django.contrib.postgres.indexes.BrinIndex(fields=["decided_at"], name="topicnotice_decided"),
                ],
            },
        ),
        migrations.RunPython(roles, migrations.RunPython.noop),
    ]
