"""Starts the console and names the admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class ConsoleConfig(AppConfig):
    name = "console"
    verbose_name = _("Console")

    def ready(self) -> None:
        from auditlog.registry import auditlog
        from django.contrib.auth.models import Group, User
        from django_celery_beat import models as schedules

        from console.models import ApiKey
        from console.navigation import Entry, register_entry
        from console.permissions import SIGNED_IN
        from console.search import lookups

        lookups.install()
        auditlog.register(ApiKey, exclude_fields=["last_used_at", "digest"])
        auditlog.register(User, exclude_fields=["last_login"], mask_fields=["password"], m2m_fields={"groups"})
        auditlog.register(Group, m2m_fields={"permissions"})
        # What beat itself writes at each run is no change of the schedule.
        beats_own = ["last_run_at", "total_run_count", "date_changed"]
        auditlog.register(schedules.PeriodicTask, exclude_fields=beats_own)
        for schedule in ("IntervalSchedule", "CrontabSchedule", "SolarSchedule", "ClockedSchedule"):
            auditlog.register(getattr(schedules, schedule))
        register_entry(Entry("overview", _("Dashboard"), "console:dashboard", SIGNED_IN, "home", 0))
        register_entry(Entry("administer", _("API keys"), "console:api_keys", "console.view_apikey", "key", 10))
        register_entry(
            Entry(
                "administer",
                _("Audit log"),
                "console:audit",
                "auditlog.view_logentry",
                "clipboard-document-list",
                20,
            )
        )


class SignalboxAdminConfig(AdminConfig):
    default_site = "console.admin_site.SignalboxAdminSite"
