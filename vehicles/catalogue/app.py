"""The app itself."""

from django.utils.translation import gettext_lazy as _

from vehicles.catalogue.entry import NotificationType
from vehicles.choices import Category, Kind, Severity, Way

PUSH, EMAIL, BANNER = Way.PUSH, Way.EMAIL, Way.BANNER

TYPES = (
    NotificationType(
        "ImportantUpdateAppv416Banner",
        "Triggered to display a banner advising users to update the app to version 4.16 due to important changes.",
        (BANNER,),
        Severity.WARNING,
        Category.APP,
        Kind.CAMPAIGN,
        "app_outdated",
        trigger=_("A campaign runs and the driver’s app is older than its version, compared as numbers."),
        key=_("one per campaign"),
        clear=_("The app is new enough, or the campaign ends."),
        cooldown_h=168,
    ),
)
