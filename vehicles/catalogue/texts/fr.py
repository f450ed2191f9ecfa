"""French."""

TEXTS = {
    "ManagedSessionStart": (
        "La recharge intelligente a commencé",
        "Nous choisissons les meilleures heures pour recharger votre {vehicle}.",
    ),
    "ManagedSessionEnd": (
        "La recharge intelligente est terminée",
        "La session de recharge intelligente de votre {vehicle} s’est terminée le {ended_at}.",
    ),
    "UnmanagedSessionStart": (
        "Recharge sans gestion intelligente",
        "Votre {vehicle} se recharge, mais sans gestion intelligente[ : {reason}].",
    ),
    "UnmanagedSessionEnd": (
        "La recharge est terminée",
        "La session de recharge de votre {vehicle} s’est terminée le {ended_at}.",
    ),
    "CarNotFound": (
        "Nous ne trouvons pas votre voiture",
        (
            "Votre {vehicle} n’est plus dans votre compte[ {brand}]. Ajoutez-la de nouveau, ou retirez-la de "
            "cette application."
        ),
    ),
    "CarNotReachable": (
        "Nous ne pouvons pas joindre votre voiture",
        (
            "Nous n’avons pas de nouvelles de votre {vehicle} depuis {hours}. Garez-la là où il y a "
            "du réseau et vérifiez ses services."
        ),
    ),
    "InvalidCredentials": (
        "Reconnectez votre compte[ {brand}]",
        (
            "La connexion de {account}[ à {brand}] n’est plus acceptée. Sans elle, nous ne pouvons pas gérer la "
            "recharge de votre voiture."
        ),
    ),
    "InvalidCredentialsBanner": (
        "Connexion[ à {brand}] perdue",
        "Votre connexion[ à {brand}] n’est plus acceptée. Reconnectez votre compte.",
    ),
    "ZeInteractiveToBeActivated": (
        "Activez ZE Interactive",
        "Votre {vehicle} a besoin du service ZE Interactive pour la recharge intelligente. Activez-le dans MyRenault.",
    ),
    "ZeInteractiveCannotBeActivated": (
        "ZE Interactive n’a pas pu être activé",
        "Renault a refusé le service pour votre {vehicle}[ ({reason})]. Veuillez contacter Renault.",
    ),
    "ZeInteractiveExpiresSoon": (
        "ZE Interactive se termine dans {days}",
        "Le service de votre {vehicle} se termine le {date}. Prolongez-le dans MyRenault pour continuer.",
    ),
    "ReadyForPairing": ("Votre voiture est prête à être associée", "Ouvrez l’application et associez votre {vehicle}."),
    "SessionImpossible": (
        "Votre voiture ne sera pas chargée à temps",
        "Votre {vehicle} atteindra environ {forecast} % au lieu de {target} %[ d’ici {ready_by}].",
    ),
    "PayoutReceipt": (
        "Votre versement de {amount}",
        "Nous vous avons versé {amount} de vos gains de recharge intelligente.",
    ),
    "CheckCarActivation": (
        "Vérifiez l’activation de votre voiture",
        (
            "Nous n’avons pas de nouvelles de votre {vehicle} depuis son association. Vérifiez que ses "
            "services sont actifs."
        ),
    ),
    "ReceivedNoPower": (
        "Votre voiture ne reçoit pas de courant",
        "Votre {vehicle} est branchée mais ne reçoit pas de courant. Vérifiez la prise, le câble et la borne.",
    ),
    "ChargingCostReimbursement": (
        "Vos frais de recharge sont remboursés",
        "Vous avez droit à un remboursement[ de {amount}][ pour {period}].",
    ),
    "ElexentChargingCostsOverview": (
        "Vos frais de recharge[ {period}]",
        "Le relevé de vos frais de recharge[ pour {period}] est prêt[ : {amount}].",
    ),
    "GeoLocationDisabled": (
        "La position de votre voiture est désactivée",
        (
            "Activez la position de votre {vehicle} dans les réglages de la voiture, pour que nous sachions "
            "quand elle est chez vous."
        ),
    ),
    "AudiNotPaired": (
        "Devenez utilisateur de votre Audi",
        "Votre compte n’est ni utilisateur principal ni secondaire de votre {vehicle}. Ajoutez-vous dans la voiture.",
    ),
    "AudiPairingNotComplete": (
        "L’association de votre Audi n’est pas terminée",
        "Vous avez commencé à associer votre {vehicle}. Terminez les étapes dans l’application myAudi.",
    ),
    "InvalidUtilityContract": (
        "Votre contrat d’énergie n’est plus valable",
        (
            "Votre contrat[ {contract_number}][ avec {supplier}] pour {location} n’est plus valable[ ({reason})]. "
            "Veuillez le vérifier."
        ),
    ),
    "ReconnectUtilityContract": (
        "Votre contrat d’énergie a expiré",
        "Votre contrat[ avec {supplier}] pour {location} est terminé. Connectez le nouveau pour continuer à gagner.",
    ),
    "MyRenaultAccessRevoked": (
        "Votre voiture a été retirée de MyRenault",
        "Votre {vehicle} n’est plus liée dans MyRenault. Si c’est une erreur, ajoutez-la de nouveau.",
    ),
    "AudiRemoteAccessDisabled": (
        "Le mode privé bloque votre Audi",
        "Le mode privé de votre {vehicle} est activé, nous ne pouvons pas la joindre. Désactivez-le dans la voiture.",
    ),
    "AudiRemoteAccessDisabledBanner": (
        "Le mode privé est activé",
        "Désactivez le mode privé de votre {vehicle} pour la recharge intelligente.",
    ),
    "RenaultWaitingForServiceActivation": (
        "Activation demandée",
        "Nous avons demandé à Renault d’activer le service de votre {vehicle}. Cela peut prendre quelques jours.",
    ),
    "RenaultReadyForPairingEmail": (
        "Le service de votre Renault est actif",
        "Bonne nouvelle : le service de votre {vehicle} est actif. Ouvrez l’application et associez votre voiture.",
    ),
    "RenaultReadyForPairingBanner": (
        "Votre Renault est prête à être associée",
        "Le service de votre {vehicle} est actif. Associez-la maintenant.",
    ),
    "VolkswagenIdGeolocationCapabilitiesAvailable": (
        "La position de votre Volkswagen ID est disponible",
        "Votre {vehicle} peut désormais nous indiquer sa position ; la recharge intelligente reconnaît votre domicile.",
    ),
    "BMWSmartChargingUnlockedBanner": (
        "Recharge intelligente disponible",
        "Votre {vehicle} peut désormais être rechargée intelligemment. Activez-la dans les réglages de recharge.",
    ),
    "MiniSmartChargingUnlockedBanner": (
        "Recharge intelligente disponible",
        "Votre {vehicle} peut désormais être rechargée intelligemment. Activez-la dans les réglages de recharge.",
    ),
    "ImportantUpdateAppv416Banner": (
        "Mettez l’application à jour",
        (
            "La version {version} apporte des changements importants ; vous avez la {installed}. Mettez "
            "l’application à jour."
        ),
    ),
    "InformationMobilizePdlBenefitBanner": (
        "Gagnez plus avec votre PDL",
        "Indiquez le PDL de {location} et profitez des gains de la recharge intelligente.",
    ),
    "AcceptPdlAgreementBanner": (
        "Acceptez l’accord PDL",
        "Pour {location}, un accord sur votre PDL attend votre acceptation.",
    ),
    "RemovedGreenchoiceContractBanner": (
        "Votre contrat Greenchoice a été retiré",
        (
            "Votre contrat[ avec {supplier}] pour {location} a été retiré. Vous pouvez en connecter un autre "
            "à tout moment."
        ),
    ),
    "ReferralCompletedForReferrerBanner": (
        "Votre parrainage est terminé",
        "Une personne que vous avez invitée recharge désormais intelligemment. Merci !",
    ),
    "ReferralCompletedForInviteeBanner": (
        "Votre invitation est terminée",
        "Bienvenue ! L’invitation par laquelle vous êtes venu est désormais terminée.",
    ),
}
