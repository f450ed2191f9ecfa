"""What is declared about the models of other packages that hold our data."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.lifecycle import Audited, How, Kept, Lifecycle, Personal, While, With

_FRAMEWORK = Lifecycle(kept=While("It is part of the program's own structure."), personal=(), audited=None)
_SCHEDULE = Lifecycle(kept=While("Operators set it."), personal=(), audited=Audited())
_NAMES = (
    Personal("username", How.DELETE, _("records of sign-ins")),
    Personal("user_agent"),
    Personal("path_info"),
)

PARTIES = {
    "auth.User": Lifecycle(
        kept=While("A user is deleted by an administrator."),
        personal=(
            Personal("email", How.BLANK, _("users whose address it was")),
            Personal("username", How.KEEP, _("users of this name, who stay until an administrator deletes them")),
            Personal("first_name"),
            Personal("last_name"),
        ),
        audited=Audited(exclude=("last_login",), mask=("password",), many_to_many=("groups",)),
    ),
    "auth.Group": Lifecycle(
        kept=While("Roles are the program's own."), personal=(), audited=Audited(many_to_many=("permissions",))
    ),
    "auth.Permission": _FRAMEWORK,
    "contenttypes.ContentType": _FRAMEWORK,
    "sessions.Session": Lifecycle(
        kept=Kept("RETENTION_SESSIONS_DAYS", by="expire_date", in_order=False, name="sessions"),
        personal=(),
        audited=None,
        erased_by="core.erasure.end_sessions",
    ),
    "admin.LogEntry": Lifecycle(
        kept=Kept("RETENTION_AUDIT_DAYS", by="action_time", name="admin log"),
        personal=(Personal("object_repr"), Personal("change_message")),
        audited=None,
    ),
    "auditlog.LogEntry": Lifecycle(
        kept=Kept("RETENTION_AUDIT_DAYS", by='"timestamp"', name="audit log"),
        personal=tuple(
            Personal(field, what=_("entries of the audit log that named it"))
            for field in ("object_repr", "changes_text", "actor_email", "changes", "serialized_data", "additional_data")
        ),
        audited=None,
    ),
    "axes.AccessLog": Lifecycle(
        kept=Kept("RETENTION_DAYS", by="attempt_time", name="sign-ins"), personal=_NAMES, audited=None
    ),
    "axes.AccessAttempt": Lifecycle(
        kept=Kept("RETENTION_DAYS", by="attempt_time", in_order=False, name="failed sign-ins"),
        personal=(*_NAMES, Personal("get_data"), Personal("post_data")),
        audited=None,
    ),
    "axes.AccessAttemptExpiration": Lifecycle(kept=With("access_attempt"), personal=(), audited=None),
    "axes.AccessFailureLog": Lifecycle(
        kept=Kept("RETENTION_DAYS", by="attempt_time", name="sign-ins refused"), personal=_NAMES, audited=None
    ),
    "django_celery_beat.PeriodicTask": Lifecycle(
        kept=While("Operators set it."),
        personal=(),
        # What beat itself writes at each run is no change of the schedule.
        audited=Audited(exclude=("last_run_at", "total_run_count", "date_changed")),
    ),
    "django_celery_beat.PeriodicTasks": _FRAMEWORK,
    "django_celery_beat.IntervalSchedule": _SCHEDULE,
    "django_celery_beat.CrontabSchedule": _SCHEDULE,
    "django_celery_beat.SolarSchedule": _SCHEDULE,
    "django_celery_beat.ClockedSchedule": _SCHEDULE,
}
