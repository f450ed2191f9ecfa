"""Starts the ground that every app stands on: search functions, periodic tasks, retention, audit."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    """Its label is the console's, where its tables were made: no data moves for a name."""

    name = "core"
    label = "console"
    verbose_name = _("Console")

    def ready(self) -> None:
        from auditlog.registry import auditlog
        from django.conf import settings
        from django.contrib.auth.models import Group, User
        from django_celery_beat import models as schedules

        from core.models import ApiKey, SavedSearch
        from core.retention import by_age, register_retention
        from core.schedule import register_periodic
        from core.search import lookups

        lookups.install()
        register_periodic("console: count facets", task="console.count_facets", every_s=60)
        auditlog.register(SavedSearch)
        auditlog.register(ApiKey, exclude_fields=["last_used_at", "digest"])
        auditlog.register(User, exclude_fields=["last_login"], mask_fields=["password"], m2m_fields={"groups"})
        auditlog.register(Group, m2m_fields={"permissions"})
        # What beat itself writes at each run is no change of the schedule.
        beats_own = ["last_run_at", "total_run_count", "date_changed"]
        auditlog.register(schedules.PeriodicTask, exclude_fields=beats_own)
        for schedule in ("IntervalSchedule", "CrontabSchedule", "SolarSchedule", "ClockedSchedule"):
            auditlog.register(getattr(schedules, schedule))
        register_periodic("retention: prune", task="console.prune", every_s=settings.RETENTION_PRUNE_S)
        for name, setting, prune in (
            ("receipts", "RETENTION_DAYS", by_age("console_apireceipt", "received_at")),
            ("jobs", "RETENTION_DAYS", by_age("console_job", "created_at", only="finished_at IS NOT NULL")),
            ("signs of life", "RETENTION_DAYS", by_age("console_signoflife", "at", written_in_order=False)),
            ("sign-ins", "RETENTION_DAYS", by_age("axes_accesslog", "attempt_time")),
            ("failed sign-ins", "RETENTION_DAYS", by_age("axes_accessattempt", "attempt_time", written_in_order=False)),
            ("audit log", "RETENTION_AUDIT_DAYS", by_age("auditlog_logentry", '"timestamp"')),
        ):
            register_retention(name, setting=setting, prune=prune)
