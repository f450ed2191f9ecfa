from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("infra_notifications", "0012_lean_memberships")]
    operations = [
        migrations.AddIndex(
            "chargepoint", models.Index(fields=["power_type"], name="chargepoint_by_current")
        ),
    ]
