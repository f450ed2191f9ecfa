"""Registers fleet_remotes."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FleetRemotesConfig(AppConfig):
    name = "fleet_remotes"
    verbose_name = _("Fleet remotes")
