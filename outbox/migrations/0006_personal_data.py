"""An endpoint may ask for personal data."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbox", "0005_topic_lists")]
    operations = [
        migrations.AddField(
            model_name="webhookendpoint",
            name="personal_data",
            field=models.BooleanField(default=False, verbose_name="personal data"),
        ),
    ]
