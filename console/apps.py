"""Starts the screens that all apps share and names the admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class ConsoleConfig(AppConfig):
    """Screens only; the label `console` belongs to the tables, which are core's."""

    name = "console"
    label = "screens"
    verbose_name = _("Console")

    def ready(self) -> None:
        from console.lists.jobs import BULK
        from console.navigation import Entry, register_entry
        from core.background import register_work
        from core.permissions import SIGNED_IN

        register_work(BULK)
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
