"""Storage of the table that every device message writes."""

from django.db import migrations

# Room on each page for new versions of a row, and a vacuum that keeps up: most rows change every few seconds.
STATE = """
ALTER TABLE bikeshare_boitierstate SET (
  fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0
)
"""


class Migration(migrations.Migration):
    dependencies = [("bikeshare", "0001_initial")]
    operations = [migrations.RunSQL(STATE, migrations.RunSQL.noop)]
