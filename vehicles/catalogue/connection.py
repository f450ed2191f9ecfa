"""Whether the account and the car can be reached."""

from django.utils.translation import gettext_lazy as _

from vehicles.catalogue.entry import NotificationType
from vehicles.choices import Category, Kind, Severity, Way

PUSH, EMAIL, BANNER = Way.PUSH, Way.EMAIL, Way.BANNER

TYPES = (
    NotificationType(
        "CarNotFound",
        "Triggered when the system can't find the car, possibly due to its removal from the OEM account.",
        (PUSH, EMAIL),
        Severity.CRITICAL,
        Category.CONNECTION,
        Kind.SCAN,
        "car_not_found",
        trigger=_("The car was absent from its account on two syncs in a row."),
        key=_("one per vehicle"),
        clear=_("The car is listed again or removed by its driver."),
        rank=3,
    ),
    NotificationType(
        "CarNotReachable",
        "Triggered when the system is unable to establish communication with the user’s car.",
        (PUSH,),
        Severity.WARNING,
        Category.CONNECTION,
        Kind.SCAN,
        "car_not_reachable",
        trigger=_("Nothing was heard of a linked car for some hours, and it is not known to be asleep."),
        key=_("one per vehicle"),
        clear=_("The car is heard of."),
        rank=6,
        cooldown_h=6,
        thresholds={"hours": 24},
    ),
    NotificationType(
        "InvalidCredentials",
        "Triggered when a loss of connection occurs due to invalid OEM account credentials.",
        (PUSH, EMAIL),
        Severity.CRITICAL,
        Category.CONNECTION,
        Kind.EVENT,
        "invalid_credentials",
        trigger=_("The manufacturer refuses the credentials of a linked account."),
        key=_("one per account"),
        clear=_("The account is connected again or unlinked."),
        rank=1,
    ),
    NotificationType(
        "InvalidCredentialsBanner",
        "Triggered when invalid OEM account credentials result in a loss of connection, displaying an in-app banner.",
        (BANNER,),
        Severity.CRITICAL,
        Category.CONNECTION,
        Kind.EVENT,
        "invalid_credentials",
        trigger=_("The manufacturer refuses the credentials of a linked account."),
        key=_("one per account"),
        clear=_("The account is connected again or unlinked; dismissed, it comes back after the cooldown."),
        rank=1,
        cooldown_h=24,
    ),
    NotificationType(
        "MyRenaultAccessRevoked",
        "Triggered when a user unintentionally removes their car from MyRenault.",
        (PUSH, EMAIL),
        Severity.CRITICAL,
        Category.CONNECTION,
        Kind.EVENT,
        "access_revoked",
        trigger=_("The car’s link in MyRenault was active and is missing."),
        key=_("one per vehicle"),
        clear=_("The link is active again."),
        brand="Renault",
        rank=2,
    ),
)
