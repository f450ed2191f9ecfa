"""Payouts, reimbursements, cost overviews, referrals."""

from django.utils.translation import gettext_lazy as _

from vehicles.catalogue.entry import NotificationType
from vehicles.choices import Category, Kind, Severity, Way

PUSH, EMAIL, BANNER = Way.PUSH, Way.EMAIL, Way.BANNER

TYPES = (
    NotificationType(
        "PayoutReceipt",
        "Triggered when a user is to receive a payout of their earnings.",
        (EMAIL,),
        Severity.INFO,
        Category.MONEY,
        Kind.EVENT,
        "payout_sent",
        trigger=_("A payout above the least amount of its currency is sent."),
        key=_("one per payout"),
        clear=_("Nothing; its time is over after some days."),
        once=True,
        thresholds={"above": {"EUR": 5, "NOK": 50, "GBP": 5, "CHF": 5}, "days": 30},
    ),
    NotificationType(
        "ChargingCostReimbursement",
        "Triggered when a user qualifies for a charging cost reimbursement.",
        (EMAIL,),
        Severity.INFO,
        Category.MONEY,
        Kind.SCAN,
        "reimbursement_qualified",
        trigger=_("A driver qualifies for a reimbursement and its month is over."),
        key=_("one per reimbursement"),
        clear=_("Nothing; its time is over after some days."),
        once=True,
        thresholds={"days": 30},
    ),
    NotificationType(
        "ElexentChargingCostsOverview",
        "Triggered when a user requests or is provided with an overview of Elexent charging costs.",
        (EMAIL,),
        Severity.INFO,
        Category.MONEY,
        Kind.SCAN,
        "elexent_statement",
        trigger=_("An overview of Elexent’s costs is requested or issued, or its month is over."),
        key=_("one per overview"),
        clear=_("Nothing; its time is over after some days."),
        once=True,
        thresholds={"days": 30},
    ),
    NotificationType(
        "ReferralCompletedForReferrerBanner",
        "Triggered to display a banner informing users that a referral, on which the user is the referrer, "
        "has been completed.",
        (BANNER,),
        Severity.INFO,
        Category.REFERRAL,
        Kind.EVENT,
        "referral_completed_for_referrer",
        trigger=_("A referral that the driver made is complete."),
        key=_("one per referral"),
        clear=_("Dismissed; its time is over after some days."),
        once=True,
        thresholds={"days": 90},
    ),
    NotificationType(
        "ReferralCompletedForInviteeBanner",
        "Triggered to display a banner informing users that a referral, on which the user is the invitee, "
        "has been completed.",
        (BANNER,),
        Severity.INFO,
        Category.REFERRAL,
        Kind.EVENT,
        "referral_completed_for_invitee",
        trigger=_("A referral by which the driver came is complete."),
        key=_("one per referral"),
        clear=_("Dismissed; its time is over after some days."),
        once=True,
        thresholds={"days": 90},
    ),
)
