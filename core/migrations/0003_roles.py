"""What each role may do with the console's own data."""

from django.db import migrations

from core.roles import ADMINISTRATOR, grant


def roles(apps, schema_editor):
    grant(
        apps,
        "console",
        {ADMINISTRATOR: ["view_apikey", "add_apikey", "change_apikey", "delete_apikey", "view_signoflife", "view_job"]},
    )
    grant(apps, "auditlog", {ADMINISTRATOR: ["view_logentry"]})
    grant(
        apps,
        "auth",
        {
            ADMINISTRATOR: [
                f"{action}_{model}" for action in ("view", "add", "change", "delete") for model in ("user", "group")
            ]
        },
    )
    grant(
        apps,
        "django_celery_beat",
        {
            ADMINISTRATOR: [
                f"{action}_{model}"
                for action in ("view", "add", "change", "delete")
                for model in (
                    "periodictask", "intervalschedule", "crontabschedule", "solarschedule", "clockedschedule",
                )  # fmt: skip
            ]
        },
    )
    grant(apps, "axes", {ADMINISTRATOR: ["view_accessattempt", "delete_accessattempt", "view_accesslog"]})


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0002_keys"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("auditlog", "0001_initial"),
        ("axes", "0001_initial"),
        ("django_celery_beat", "0011_auto_20190508_0153"),
    ]
    operations = [migrations.RunPython(roles, migrations.RunPython.noop)]
