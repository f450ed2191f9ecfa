"""English."""

TEXTS = {
    "ManagedSessionStart": ("Smart charging has begun", "We now choose the best hours to charge your {vehicle}."),
    "ManagedSessionEnd": (
        "Smart charging has ended",
        "The smart charging session of your {vehicle} ended at {ended_at}.",
    ),
    "UnmanagedSessionStart": (
        "Charging without smart charging",
        "Your {vehicle} is charging, but not smartly[: {reason}].",
    ),
    "UnmanagedSessionEnd": ("Charging has ended", "The charging session of your {vehicle} ended at {ended_at}."),
    "CarNotFound": (
        "We cannot find your car",
        "Your {vehicle} is no longer in your[ {brand}] account. Add it there again, or remove it from this app.",
    ),
    "CarNotReachable": (
        "We cannot reach your car",
        ("We have not heard of your {vehicle} for {hours}. Park it where it has reception, and check its services."),
    ),
    "InvalidCredentials": (
        "Please connect your[ {brand}] account again",
        "The sign-in of {account}[ with {brand}] is no longer accepted. Without it we cannot charge your car smartly.",
    ),
    "InvalidCredentialsBanner": (
        "Connection[ to {brand}] lost",
        "Your sign-in[ with {brand}] is no longer accepted. Connect your account again.",
    ),
    "ZeInteractiveToBeActivated": (
        "Activate ZE Interactive",
        "Your {vehicle} needs the service ZE Interactive for smart charging. Activate it in MyRenault.",
    ),
    "ZeInteractiveCannotBeActivated": (
        "ZE Interactive could not be activated",
        "Renault refused the service for your {vehicle}[ ({reason})]. Please contact Renault.",
    ),
    "ZeInteractiveExpiresSoon": (
        "ZE Interactive ends in {days}",
        "The service of your {vehicle} ends on {date}. Prolong it in MyRenault to keep charging smartly.",
    ),
    "ReadyForPairing": ("Your car is ready for pairing", "Open the app and pair your {vehicle}."),
    "SessionImpossible": (
        "Your car will not be full in time",
        "Your {vehicle} will reach about {forecast} % instead of {target} %[ by {ready_by}].",
    ),
    "PayoutReceipt": ("Your payout of {amount}", "We have sent you {amount} of your earnings from smart charging."),
    "CheckCarActivation": (
        "Please check the activation of your car",
        "We have not heard of your {vehicle} since you paired it. Check in the car that its services are active.",
    ),
    "ReceivedNoPower": (
        "Your car receives no power",
        "Your {vehicle} is plugged in but no power arrives. Check the plug, the cable and the charge point.",
    ),
    "ChargingCostReimbursement": (
        "Your charging costs are reimbursed",
        "You qualify for a reimbursement[ of {amount}][ for {period}].",
    ),
    "ElexentChargingCostsOverview": (
        "Your charging costs[ {period}]",
        "The overview of your charging costs[ for {period}] is ready[: {amount}].",
    ),
    "GeoLocationDisabled": (
        "The position of your car is switched off",
        "Switch on the position of your {vehicle} in the car's settings, so that we know when it is at home.",
    ),
    "AudiNotPaired": (
        "Please become a user of your Audi",
        "Your account is neither primary nor secondary user of your {vehicle}. Add yourself in the car.",
    ),
    "AudiPairingNotComplete": (
        "The pairing of your Audi is not complete",
        "You began to pair your {vehicle} but did not finish. Complete the steps in the myAudi app.",
    ),
    "InvalidUtilityContract": (
        "Your energy contract is no longer valid",
        (
            "Your contract[ {contract_number}][ with {supplier}] for {location} was found invalid[ ({reason})]. "
            "Please check it."
        ),
    ),
    "ReconnectUtilityContract": (
        "Your energy contract has expired",
        "Your contract[ with {supplier}] for {location} has ended. Connect the new one to keep earning.",
    ),
    "MyRenaultAccessRevoked": (
        "Your car was removed from MyRenault",
        "Your {vehicle} is no longer linked in MyRenault. If that was a mistake, add it there again.",
    ),
    "AudiRemoteAccessDisabled": (
        "Privacy mode blocks your Audi",
        "The privacy mode of your {vehicle} is on, so we cannot reach it. Switch it off in the car.",
    ),
    "AudiRemoteAccessDisabledBanner": (
        "Privacy mode is on",
        "Switch off the privacy mode of your {vehicle} to charge smartly.",
    ),
    "RenaultWaitingForServiceActivation": (
        "Activation requested",
        "We asked Renault to activate the service of your {vehicle}. This may take a few days.",
    ),
    "RenaultReadyForPairingEmail": (
        "The service of your Renault is active",
        "Good news: the service of your {vehicle} is active. Open the app and pair your car.",
    ),
    "RenaultReadyForPairingBanner": (
        "Your Renault is ready for pairing",
        "The service of your {vehicle} is active. Pair it now.",
    ),
    "VolkswagenIdGeolocationCapabilitiesAvailable": (
        "The position of your Volkswagen ID is available",
        "Your {vehicle} can now tell us its position, so that smart charging knows your home.",
    ),
    "BMWSmartChargingUnlockedBanner": (
        "Smart charging unlocked",
        "Your {vehicle} can now be charged smartly. Switch it on in the charge settings.",
    ),
    "MiniSmartChargingUnlockedBanner": (
        "Smart charging unlocked",
        "Your {vehicle} can now be charged smartly. Switch it on in the charge settings.",
    ),
    "ImportantUpdateAppv416Banner": (
        "Please update the app",
        "Version {version} brings important changes; you have {installed}. Update the app to keep everything working.",
    ),
    "InformationMobilizePdlBenefitBanner": (
        "Earn more with your PDL",
        "Fill in the PDL of {location} and benefit from the earnings of smart charging.",
    ),
    "AcceptPdlAgreementBanner": (
        "Please accept the PDL agreement",
        "For {location} there is an agreement about your PDL to accept.",
    ),
    "RemovedGreenchoiceContractBanner": (
        "Your Greenchoice contract was removed",
        "Your contract[ with {supplier}] for {location} was removed. You can connect another contract at any time.",
    ),
    "ReferralCompletedForReferrerBanner": (
        "Your referral is complete",
        "Somebody you invited is now charging smartly. Thank you!",
    ),
    "ReferralCompletedForInviteeBanner": (
        "Your invitation is complete",
        "Welcome! The invitation that brought you here is now complete.",
    ),
}
