"""Registers bikeshare."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BikeshareConfig(AppConfig):
    name = "bikeshare"
    verbose_name = _("Bike-share")
