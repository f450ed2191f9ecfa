"""Storage of the tables that every message writes."""

from django.db import migrations

# Room on each page for new versions of a row, and a vacuum that keeps up: most rows change every few minutes.
STATE = """
ALTER TABLE infra_notifications_chargepointstate SET (
  fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0
)
"""


class Migration(migrations.Migration):
    dependencies = [("infra_notifications", "0001_initial")]
    operations = [migrations.RunSQL(STATE, migrations.RunSQL.noop)]
