"""Utility contracts and PDL agreements."""

from django.utils.translation import gettext_lazy as _

from vehicles.catalogue.entry import NotificationType
from vehicles.choices import Category, Kind, Severity, Way

PUSH, EMAIL, BANNER = Way.PUSH, Way.EMAIL, Way.BANNER

TYPES = (
    NotificationType(
        "InvalidUtilityContract",
        "Triggered when a previously valid utility contract is invalidated.",
        (PUSH, EMAIL),
        Severity.WARNING,
        Category.CONTRACT,
        Kind.EVENT,
        "contract_invalid",
        trigger=_("A contract that was valid becomes invalid."),
        key=_("one per contract"),
        clear=_("It is valid again, removed, or replaced by another."),
    ),
    NotificationType(
        "ReconnectUtilityContract",
        "Triggered when a user’s utility contract has expired and requires renewal.",
        (PUSH, EMAIL),
        Severity.ACTION,
        Category.CONTRACT,
        Kind.SCAN,
        "contract_expired",
        trigger=_("The last day of a contract is over, by the clock where it is supplied."),
        key=_("one per contract"),
        clear=_("A new valid contract at the location."),
    ),
    NotificationType(
        "InformationMobilizePdlBenefitBanner",
        "Triggered to display a banner informing users of the benefits from earnings in case of filling PDL.",
        (BANNER,),
        Severity.INFO,
        Category.CONTRACT,
        Kind.CAMPAIGN,
        "pdl_missing",
        trigger=_("A campaign runs and a location in France has no PDL."),
        key=_("one per campaign and location"),
        clear=_("The PDL is filled in, dismissed, or the campaign ends."),
        once=True,
        needs_consent=True,
    ),
    NotificationType(
        "AcceptPdlAgreementBanner",
        "Triggered to display a banner prompting users to accept the PDL agreement.",
        (BANNER,),
        Severity.ACTION,
        Category.CONTRACT,
        Kind.EVENT,
        "pdl_agreement_open",
        trigger=_("A location has a PDL and the newest version of the agreement is not answered."),
        key=_("one per location and version"),
        clear=_("The agreement is accepted or declined."),
        cooldown_h=24,
    ),
    NotificationType(
        "RemovedGreenchoiceContractBanner",
        "Triggered to display a banner informing users that the Greenchoice contract was removed.",
        (BANNER,),
        Severity.INFO,
        Category.CONTRACT,
        Kind.EVENT,
        "greenchoice_removed",
        trigger=_("A contract with Greenchoice is removed."),
        key=_("one per contract"),
        clear=_("A new contract at the location, or dismissed."),
        once=True,
        thresholds={"days": 90},
    ),
)
