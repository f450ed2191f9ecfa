"""Reminders: when a told notice is due again, and notices of a kind that comes more than once."""

from django.db import migrations, models
from django.db.models import Q

REASONS = [
    ("", "–"),
    ("hold_off", "On hold-off: it must last before it is told"),
    ("gathered", "Gathered: waits for the group’s next mail"),
    ("no_address", "The group has no address"),
    ("case_not_selected", "The group does not listen to this case"),
    ("maintenance", "Maintenance: nothing is mailed until it ends"),
    ("flapping", "Flapping: it opens again and again, which one mail a day tells"),
    ("digest", "For the group’s daily digest"),
    ("too_old", "Too old: it happened long before it was reported"),
    ("recovered", "Over before the hold-off had passed"),
    ("told_together", "Told in the alert itself: it was over by then"),
    ("no_recovery", "The group wants no all-clear"),
    ("momentary", "A momentary event has no all-clear"),
    ("left_group", "The charge point left the group"),
]


class Migration(migrations.Migration):
    dependencies = [("infra_notifications", "0007_flapping")]
    operations = [
        migrations.AddField(model_name="notice", name="remind_at", field=models.DateTimeField(null=True)),
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[("opened", "Alert"), ("recovered", "All-clear"), ("reminder", "Reminder")],
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="reason",
            field=models.CharField(blank=True, choices=REASONS, default="", max_length=20, verbose_name="reason"),
        ),
        migrations.RemoveConstraint(model_name="notice", name="notice_once"),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(
                fields=("incident", "group", "kind"), name="notice_once", condition=~Q(kind="reminder")
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["remind_at"], name="notice_remind", condition=Q(remind_at__isnull=False)),
        ),
    ]
