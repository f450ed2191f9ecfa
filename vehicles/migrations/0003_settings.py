"""A row of settings for each of the 38, so that the catalogue can be listed and searched."""

from django.db import migrations

from vehicles.catalogue import TYPES


def fill(apps, schema_editor):
    setting = apps.get_model("vehicles", "TypeSetting")
    setting.objects.bulk_create([setting(type=name) for name in TYPES], ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("vehicles", "0002_roles")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
