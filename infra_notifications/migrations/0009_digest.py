"""One digest a day, at a local time, as an alternative to single mails."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("infra_notifications", "0008_reminders")]
    operations = [
        migrations.AddField(
            model_name="notificationgroup",
            name="digest_time",
            field=models.TimeField(blank=True, null=True, verbose_name="daily digest at"),
        ),
        migrations.AddField(
            model_name="notificationgroup",
            name="time_zone",
            field=models.CharField(
                blank=True, default="", help_text="Empty: the installation’s.", max_length=64, verbose_name="time zone"
            ),
        ),
        migrations.AddField(
            model_name="notificationgroup",
            name="digest_due_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="next digest"),
        ),
        migrations.AddConstraint(
            model_name="notificationgroup",
            constraint=models.CheckConstraint(
                condition=Q(digest_time__isnull=True, digest_due_at__isnull=True)
                | Q(digest_time__isnull=False, digest_due_at__isnull=False),
                name="notificationgroup_digest_is_due",
            ),
        ),
        migrations.AddIndex(
            model_name="notificationgroup",
            index=models.Index(
                fields=["digest_due_at"],
                name="notificationgroup_digest",
                condition=Q(digest_due_at__isnull=False),
            ),
        ),
    ]
