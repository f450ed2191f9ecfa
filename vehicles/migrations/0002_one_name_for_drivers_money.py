"""Payouts, reimbursements and cost statements have one base; only the names by which a driver leads to them change."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vehicles", "0001_initial")]

    operations = [
        migrations.AlterField(
            model,
            "driver",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="%(class)ss",
                to="vehicles.driver",
                verbose_name="driver",
            ),
        )
        for model in ("payout", "reimbursement", "coststatement")
    ]
