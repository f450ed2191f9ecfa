"""Channels come from the registry of transports; what waits is found by channel and destination, whichever they are."""

from django.db import migrations, models

import outbox.transports.registry


def channel() -> models.CharField:
    return models.CharField(choices=outbox.transports.registry.channel_choices, max_length=10, verbose_name="channel")


class Migration(migrations.Migration):
    dependencies = [("outbox", "0007_deleted_lists")]
    operations = [
        migrations.RemoveIndex("delivery", "outbox_delivery_webhook"),
        migrations.AlterField("address", "channel", channel()),
        migrations.AlterField("delivery", "channel", channel()),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["channel", "destination", "next_attempt_at"],
                name="outbox_delivery_waiting",
                condition=models.Q(("state__in", ("pending", "retrying"))),
            ),
        ),
    ]
