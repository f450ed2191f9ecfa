from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("infra_notifications", "0010_care_roles")]
    operations = [
        migrations.AddIndex(
            "chargepoint", models.Index(fields=["max_power_kw", "id"], name="chargepoint_by_power")
        ),
    ]
