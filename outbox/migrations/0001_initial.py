"""Events, deliveries, webhooks, banners and topic lists, and what each role may do with them."""

import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import core.encryption
import outbox.transports.registry
from core.roles import ADMINISTRATOR, OPERATOR, VIEWER, grant

REASONS = [
    ("", "–"),
    ("accepted", "The receiver accepted it"),
    ("connection", "The server could not be reached"),
    ("timeout", "The server did not answer in time"),
    ("broken_off", "The server closed the connection in the middle"),
    ("tls", "The encrypted connection could not be made"),
    ("login", "The server refused the login"),
    ("sender_refused", "The server refused our sender address"),
    ("temporary", "The server refused it for now"),
    ("address_refused", "The server refused this address"),
    ("content_refused", "The server refused the message"),
    ("address_invalid", "The address is not valid"),
    ("needs_smtputf8", "The mail server cannot take international addresses"),
    ("template", "The message could not be written"),
    ("expired", "It could not be sent in time"),
    ("exhausted", "All attempts failed"),
    ("worker_lost", "The worker ended before it could say what became of it"),
    ("by_hand", "A person cancelled it"),
    ("erased", "The address was erased"),
    ("unsubscribed", "The address unsubscribed"),
    ("rejected", "The receiver rejected it"),
    ("redirect", "The receiver sent us elsewhere, which is not followed"),
    ("gone", "The receiver wants no more of these"),
    ("forbidden", "Its address lies in a network that must not be called"),
    ("failing", "The endpoint had failed for too long"),
    ("paused", "The endpoint is paused"),
    ("disabled", "The endpoint is disabled"),
    ("deleted", "The endpoint was deleted"),
    ("list_deleted", "Its list was deleted; what was being sent at that moment may still have arrived"),
    ("condition", "The condition cannot be read"),
    ("bounced", "The mail came back"),
    ("delayed", "The receiver’s server is still trying"),
    ("complained", "The receiver reported it as unwanted"),
    ("over", "It was over before it could be sent"),
    ("told_together", "Told in the mail that it would have answered"),
]


def roles(apps, schema_editor):
    lists = ("topiclist", "topiclistaddress")
    seen = (
        "event",
        "delivery",
        "attempt",
        "address",
        "webhookendpoint",
        "banner",
        "healthalert",
        *lists,
        "topicdecision",
    )
    grant(
        apps,
        "outbox",
        {
            VIEWER: [f"view_{model}" for model in seen],
            OPERATOR: [
                "retry_delivery",
                "operate_webhookendpoint",
                *(f"{action}_{model}" for action in ("add", "change", "delete") for model in lists),
            ],
            ADMINISTRATOR: [
                "change_address",
                "delete_address",
                "erase_address",
                "add_webhookendpoint",
                "change_webhookendpoint",
                "delete_webhookendpoint",
            ],
        },
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("console", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("kind", models.CharField(max_length=80, verbose_name="kind")),
                ("subject", models.CharField(max_length=120, verbose_name="subject")),
                ("dedup_key", models.CharField(max_length=200, unique=True)),
                ("thread", models.CharField(blank=True, default="", max_length=32)),
                ("payload", models.JSONField(verbose_name="payload")),
                ("occurred_at", models.DateTimeField(verbose_name="occurred")),
                ("created_at", models.DateTimeField(verbose_name="recorded")),
                ("request_id", models.CharField(blank=True, db_default="", max_length=64)),
                ("position", models.BigIntegerField(editable=False, null=True, unique=True)),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["subject", "-id"], name="outbox_event_subject"),
                    models.Index(fields=["kind", "-id"], name="outbox_event_kind"),
                    models.Index(
                        condition=models.Q(("position__isnull", True)), fields=["id"], name="outbox_event_unnumbered"
                    ),
                    django.contrib.postgres.indexes.BrinIndex(fields=["created_at"], name="outbox_event_created"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channel",
                    models.CharField(
                        choices=outbox.transports.registry.channel_choices, max_length=10, verbose_name="channel"
                    ),
                ),
                ("address", models.CharField(max_length=320, verbose_name="to")),
                ("list_key", models.CharField(blank=True, default="", max_length=80)),
                ("language", models.CharField(default="en", max_length=10)),
                ("destination", models.CharField(max_length=255)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting"),
                            ("sending", "Being sent"),
                            ("delivered", "Delivered"),
                            ("retrying", "To be tried again"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("suppressed", "Not sent"),
                            ("bounced", "Bounced"),
                        ],
                        default="pending",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, choices=REASONS, default="", max_length=20, verbose_name="reason"),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("lost", models.PositiveSmallIntegerField(db_default=0, editable=False)),
                ("next_attempt_at", models.DateTimeField(null=True, verbose_name="next attempt")),
                ("lease", models.UUIDField(editable=False, null=True)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("settled_at", models.DateTimeField(null=True, verbose_name="settled")),
                (
                    "event",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="deliveries",
                        to="outbox.event",
                        verbose_name="event",
                    ),
                ),
                ("copy", models.PositiveSmallIntegerField(db_default=0, editable=False)),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ("-id",),
                "permissions": (("retry_delivery", "Can retry and cancel deliveries"),),
                "indexes": [
                    models.Index(fields=["event"], name="outbox_delivery_event"),
                    models.Index(
                        condition=models.Q(("state__in", ("pending", "retrying"))),
                        fields=["channel", "next_attempt_at"],
                        name="outbox_delivery_due",
                    ),
                    models.Index(
                        condition=models.Q(("lost__gt", 0), ("state__in", ("pending", "retrying"))),
                        fields=["channel", "next_attempt_at"],
                        name="outbox_delivery_lost",
                    ),
                    models.Index(
                        condition=models.Q(("state", "sending")), fields=["lease_until"], name="outbox_delivery_lease"
                    ),
                    models.Index(
                        condition=models.Q(("state", "failed")), fields=["-id"], name="outbox_delivery_failed"
                    ),
                    models.Index(
                        condition=models.Q(("list_key", ""), _negated=True),
                        fields=["list_key", "-id"],
                        name="outbox_delivery_list",
                    ),
                    django.contrib.postgres.indexes.BrinIndex(fields=["created_at"], name="outbox_delivery_created"),
                    models.Index(
                        condition=models.Q(("state__in", ("pending", "retrying"))),
                        fields=["channel", "destination", "next_attempt_at"],
                        name="outbox_delivery_waiting",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("duration_ms", models.PositiveIntegerField(verbose_name="duration (ms)")),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("delivered", "Delivered"),
                            ("retry", "Refused for now"),
                            ("postponed", "The server could not be reached"),
                            ("failed", "Refused for good"),
                            ("released", "Given back unsent"),
                            ("held_back", "Held back"),
                        ],
                        max_length=10,
                        verbose_name="verdict",
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, choices=REASONS, default="", max_length=20, verbose_name="reason"),
                ),
                ("code", models.IntegerField(null=True, verbose_name="code")),
                ("answer", models.TextField(blank=True, default="", verbose_name="answer")),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="tries",
                        to="outbox.delivery",
                    ),
                ),
            ],
            options={
                "verbose_name": "attempt",
                "verbose_name_plural": "attempts",
                "ordering": ("id",),
                "indexes": [
                    models.Index(fields=["delivery"], name="outbox_attempt_delivery"),
                    django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="outbox_attempt_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Address",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channel",
                    models.CharField(
                        choices=outbox.transports.registry.channel_choices, max_length=10, verbose_name="channel"
                    ),
                ),
                ("address", models.CharField(max_length=320, verbose_name="address")),
                ("failing_since", models.DateTimeField(null=True, verbose_name="failing since")),
                ("last_failure_at", models.DateTimeField(null=True, verbose_name="last failure")),
                ("last_answer", models.TextField(blank=True, default="", verbose_name="the server's words")),
                ("bounces", models.PositiveSmallIntegerField(db_default=0, verbose_name="bounces")),
                ("blocked_reason", models.CharField(blank=True, choices=REASONS, default="", max_length=20)),
            ],
            options={
                "verbose_name": "address",
                "verbose_name_plural": "addresses",
                "constraints": [
                    models.UniqueConstraint(
                        models.F("channel"),
                        django.db.models.functions.text.Lower("address"),
                        name="outbox_address_unique",
                    )
                ],
                "permissions": (("erase_address", "Can erase an address everywhere"),),
            },
        ),
        migrations.CreateModel(
            name="ListenerStamp",
            fields=[
                ("source", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("stamp", models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name="Banner",
            fields=[
                (
                    "delivery",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="banner",
                        serialize=False,
                        to="outbox.delivery",
                    ),
                ),
                ("audience", models.CharField(max_length=320, verbose_name="audience")),
                ("kind", models.CharField(max_length=80, verbose_name="kind")),
                ("subject", models.CharField(max_length=120, verbose_name="subject")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Shown"),
                            ("dismissed", "Dismissed"),
                            ("resolved", "Resolved"),
                            ("expired", "Expired"),
                        ],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("shown_at", models.DateTimeField(verbose_name="available")),
                ("read_at", models.DateTimeField(null=True, verbose_name="read")),
                ("expires_at", models.DateTimeField(null=True, verbose_name="expires")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended")),
            ],
            options={
                "verbose_name": "banner",
                "verbose_name_plural": "banners",
                "ordering": ("-delivery",),
                "indexes": [
                    models.Index(fields=["audience", "-delivery"], name="outbox_banner_audience"),
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["audience", "-delivery"],
                        name="outbox_banner_open",
                    ),
                    models.Index(
                        condition=models.Q(("state", "open")), fields=["subject", "kind"], name="outbox_banner_subject"
                    ),
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False), ("state", "open")),
                        fields=["expires_at"],
                        name="outbox_banner_expiry",
                    ),
                ],
            },
        ),
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
                        base_field=models.CharField(max_length=80),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="topics",
                    ),
                ),
                ("condition", models.TextField(blank=True, default="", verbose_name="condition")),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("de", "German"), ("fr", "French")],
                        default="en",
                        max_length=5,
                        verbose_name="language",
                    ),
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="addresses",
                        to="outbox.topiclist",
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
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TopicDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "topic_list",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="notices",
                        to="outbox.topiclist",
                        verbose_name="topic list",
                    ),
                ),
                ("list_name", models.CharField(max_length=100, verbose_name="topic list")),
                (
                    "event",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="topic_notices",
                        to="outbox.event",
                        verbose_name="event",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("told", "Told"), ("skipped", "Not told")],
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
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
                        ],
                        default="",
                        max_length=20,
                        verbose_name="reason",
                    ),
                ),
                ("due_at", models.DateTimeField(null=True, verbose_name="due")),
                ("decided_at", models.DateTimeField(verbose_name="decided")),
                ("mail_id", models.BigIntegerField(null=True)),
                ("thread", models.CharField(blank=True, default="", max_length=32)),
            ],
            options={
                "verbose_name": "decision of a topic list",
                "verbose_name_plural": "decisions of topic lists",
                "ordering": ("-id",),
                "constraints": [models.UniqueConstraint(fields=("event", "topic_list"), name="topicdecision_once")],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["due_at", "topic_list"],
                        name="topicdecision_due",
                    ),
                    models.Index(fields=["topic_list", "-id"], name="topicdecision_of_list"),
                    models.Index(
                        condition=models.Q(("state", "told"), _negated=True),
                        fields=["topic_list", "-id"],
                        name="topicdecision_untold",
                    ),
                    django.contrib.postgres.indexes.BrinIndex(fields=["decided_at"], name="topicdecision_decided"),
                ],
            },
        ),
        migrations.CreateModel(
            name="HealthAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, verbose_name="what")),
                ("text", models.CharField(max_length=500, verbose_name="what was found")),
                ("began_at", models.DateTimeField(verbose_name="since")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="over")),
                ("told_at", models.DateTimeField(null=True, verbose_name="mailed")),
                ("end_told_at", models.DateTimeField(null=True, verbose_name="end mailed")),
                ("held_until", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "verbose_name": "health alert",
                "verbose_name_plural": "health alerts",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("end_told_at__isnull", True), ("ended_at__isnull", False), ("told_at__isnull", False)
                        ),
                        fields=["id"],
                        name="outbox_healthalert_end_untold",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)), fields=("name",), name="outbox_healthalert_open"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LogMark",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("pruned_to", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="outbox_logmark_one")],
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", core.encryption.AddressElsewhere(max_length=2000, verbose_name="URL")),
                ("shown_url", models.CharField(editable=False, max_length=300, verbose_name="URL")),
                ("description", models.CharField(blank=True, default="", max_length=200, verbose_name="description")),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), size=None, verbose_name="topics"
                    ),
                ),
                ("condition", models.TextField(blank=True, default="", verbose_name="condition")),
                ("headers", core.encryption.EncryptedJSONField(blank=True, default=dict, verbose_name="own headers")),
                ("contact", models.EmailField(blank=True, default="", max_length=254, verbose_name="contact")),
                (
                    "state",
                    models.CharField(
                        choices=[("enabled", "Enabled"), ("paused", "Paused"), ("disabled", "Disabled")],
                        default="enabled",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, choices=REASONS, default="", max_length=20, verbose_name="reason"),
                ),
                ("held_since", models.DateTimeField(null=True, verbose_name="held back since")),
                ("failing_since", models.DateTimeField(null=True, verbose_name="failing since")),
                ("warned_at", models.DateTimeField(editable=False, null=True, verbose_name="owner told")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                ("personal_data", models.BooleanField(default=False, verbose_name="personal data")),
            ],
            options={
                "verbose_name": "webhook endpoint",
                "verbose_name_plural": "webhook endpoints",
                "ordering": ("-id",),
                "permissions": (("operate_webhookendpoint", "Can pause, resume and test webhook endpoints"),),
                "indexes": [
                    models.Index(
                        condition=models.Q(("failing_since__isnull", False)),
                        fields=["failing_since"],
                        name="outbox_endpoint_failing",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret", core.encryption.EncryptedTextField()),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("expires_at", models.DateTimeField(null=True, verbose_name="expires")),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="outbox.webhookendpoint"
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("expires_at__isnull", True)),
                        fields=("endpoint",),
                        name="outbox_secret_current",
                    )
                ],
            },
        ),
        migrations.RunPython(roles, migrations.RunPython.noop),
    ]
