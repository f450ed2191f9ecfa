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

        from console.models import ApiKey
        from console.navigation import Entry, register_entry
        from console.permissions import SIGNED_IN
        from console.search import lookups

        lookups.install()
        auditlog.register(ApiKey, exclude_fields=["last_used_at", "digest"])
        auditlog.register(User, exclude_fields=["last_login"], mask_fields=["password"], m2m_fields={"groups"})
        auditlog.register(Group, m2m_fields={"permissions"})
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
