"""The catalogue of the notifications, in code: what each is, when it comes about, in which words it is told.

What an operator may change (on or off, ways, thresholds, cooldown, words) is kept in the database and laid over it
(`services.settings`).
"""

from vehicles.catalogue import app, connection, contracts, money, pairing, sessions, settings
from vehicles.catalogue.entry import NotificationType

# In the order of the seed.
# Laid out by hand as a table: it is read by its rows.
_ORDER = (
    "ManagedSessionStart", "ManagedSessionEnd", "UnmanagedSessionStart", "UnmanagedSessionEnd", "CarNotFound",
    "CarNotReachable", "InvalidCredentials", "ZeInteractiveToBeActivated", "ZeInteractiveCannotBeActivated",
    "ZeInteractiveExpiresSoon", "ReadyForPairing", "SessionImpossible", "PayoutReceipt", "CheckCarActivation",
    "ReceivedNoPower", "ChargingCostReimbursement", "ElexentChargingCostsOverview", "GeoLocationDisabled",
    "AudiNotPaired", "AudiPairingNotComplete", "InvalidUtilityContract", "ReconnectUtilityContract",
    "InvalidCredentialsBanner", "MyRenaultAccessRevoked", "AudiRemoteAccessDisabled", "AudiRemoteAccessDisabledBanner",
    "RenaultWaitingForServiceActivation", "RenaultReadyForPairingEmail", "RenaultReadyForPairingBanner",
    "VolkswagenIdGeolocationCapabilitiesAvailable", "BMWSmartChargingUnlockedBanner", "MiniSmartChargingUnlockedBanner",
    "ImportantUpdateAppv416Banner", "InformationMobilizePdlBenefitBanner", "AcceptPdlAgreementBanner",
    "RemovedGreenchoiceContractBanner", "ReferralCompletedForReferrerBanner", "ReferralCompletedForInviteeBanner",
)  # fmt: skip
_DECLARED = {
    entry.name: entry
    for part in (sessions, connection, pairing, settings, contracts, money, app)
    for entry in part.TYPES
}
TYPES: dict[str, NotificationType] = {name: _DECLARED[name] for name in _ORDER}
assert len(TYPES) == len(_DECLARED), "a notification is declared and has no place in the order, or a place twice"

# The two that an operator sends to an audience.
CAMPAIGN_TYPES = ("ImportantUpdateAppv416Banner", "InformationMobilizePdlBenefitBanner")


def siblings_of(entry: NotificationType) -> list[NotificationType]:
    """The other notifications of the same condition."""
    return [other for other in TYPES.values() if other.condition == entry.condition and other.name != entry.name]


__all__ = ["CAMPAIGN_TYPES", "TYPES", "NotificationType", "siblings_of"]
