"""Ends the banners of notifications that are over: the outbox's rows now say what an app shows."""

from django.db import migrations

END = """
    UPDATE outbox_banner b
    SET state = CASE n.state WHEN 'dismissed' THEN 'dismissed' WHEN 'expired' THEN 'expired' ELSE 'resolved' END,
        ended_at = coalesce(n.dismissed_at, n.ended_at, now()), read_at = coalesce(b.read_at, n.read_at)
    FROM outbox_delivery d
    JOIN outbox_event e ON e.id = d.event_id AND e.kind = 'vehicle.notification.created'
    JOIN vehicles_drivernotification n ON n.id = (e.payload->>'id')::bigint AND n.state NOT IN ('open', 'read')
    WHERE b.delivery_id = d.id AND b.state = 'open'
"""
READ = """
    UPDATE outbox_banner b SET read_at = n.read_at
    FROM outbox_delivery d
    JOIN outbox_event e ON e.id = d.event_id AND e.kind = 'vehicle.notification.created'
    JOIN vehicles_drivernotification n ON n.id = (e.payload->>'id')::bigint AND n.state = 'read'
    WHERE b.delivery_id = d.id AND b.state = 'open' AND b.read_at IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("vehicles", "0004_ways"), ("outbox", "0008_channels")]
    operations = [migrations.RunSQL(END, migrations.RunSQL.noop), migrations.RunSQL(READ, migrations.RunSQL.noop)]
