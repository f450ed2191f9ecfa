"""German."""

TEXTS = {
    "ManagedSessionStart": (
        "Smartes Laden hat begonnen",
        "Wir wählen jetzt die besten Stunden, um Ihren {vehicle} zu laden.",
    ),
    "ManagedSessionEnd": ("Smartes Laden ist beendet", "Der smarte Ladevorgang Ihres {vehicle} endete am {ended_at}."),
    "UnmanagedSessionStart": ("Laden ohne smartes Laden", "Ihr {vehicle} lädt, aber nicht smart[: {reason}]."),
    "UnmanagedSessionEnd": ("Der Ladevorgang ist beendet", "Der Ladevorgang Ihres {vehicle} endete am {ended_at}."),
    "CarNotFound": (
        "Wir finden Ihr Auto nicht",
        (
            "Ihr {vehicle} ist nicht mehr in Ihrem Konto[ bei {brand}]. Fügen Sie ihn dort wieder hinzu, oder "
            "entfernen Sie ihn aus dieser App."
        ),
    ),
    "CarNotReachable": (
        "Wir erreichen Ihr Auto nicht",
        (
            "Seit {hours} haben wir nichts von Ihrem {vehicle} gehört. Parken Sie ihn mit Empfang "
            "und prüfen Sie seine Dienste."
        ),
    ),
    "InvalidCredentials": (
        "Bitte verbinden Sie Ihr [{brand}-]Konto neu",
        (
            "Die Anmeldung von {account}[ bei {brand}] wird nicht mehr angenommen. Ohne sie können wir Ihr Auto "
            "nicht smart laden."
        ),
    ),
    "InvalidCredentialsBanner": (
        "Verbindung[ zu {brand}] verloren",
        "Ihre Anmeldung[ bei {brand}] wird nicht mehr angenommen. Verbinden Sie Ihr Konto neu.",
    ),
    "ZeInteractiveToBeActivated": (
        "Aktivieren Sie ZE Interactive",
        "Ihr {vehicle} braucht den Dienst ZE Interactive für smartes Laden. Aktivieren Sie ihn in MyRenault.",
    ),
    "ZeInteractiveCannotBeActivated": (
        "ZE Interactive konnte nicht aktiviert werden",
        "Renault hat den Dienst für Ihren {vehicle} abgelehnt[ ({reason})]. Bitte wenden Sie sich an Renault.",
    ),
    "ZeInteractiveExpiresSoon": (
        "ZE Interactive endet in {days}",
        "Der Dienst Ihres {vehicle} endet am {date}. Verlängern Sie ihn in MyRenault, um weiter smart zu laden.",
    ),
    "ReadyForPairing": ("Ihr Auto kann gekoppelt werden", "Öffnen Sie die App und koppeln Sie Ihren {vehicle}."),
    "SessionImpossible": (
        "Ihr Auto wird nicht rechtzeitig voll",
        "Ihr {vehicle} erreicht[ bis {ready_by}] etwa {forecast} % statt {target} %.",
    ),
    "PayoutReceipt": (
        "Ihre Auszahlung von {amount}",
        "Wir haben Ihnen {amount} Ihrer Erträge aus smartem Laden überwiesen.",
    ),
    "CheckCarActivation": (
        "Bitte prüfen Sie die Aktivierung Ihres Autos",
        (
            "Seit dem Koppeln haben wir nichts von Ihrem {vehicle} gehört. Prüfen Sie im Auto, ob seine "
            "Dienste aktiv sind."
        ),
    ),
    "ReceivedNoPower": (
        "Ihr Auto bekommt keinen Strom",
        "Ihr {vehicle} ist angesteckt, aber es kommt kein Strom an. Prüfen Sie Stecker, Kabel und Ladepunkt.",
    ),
    "ChargingCostReimbursement": (
        "Ihre Ladekosten werden erstattet",
        "Sie haben Anspruch auf eine Erstattung[ von {amount}][ für {period}].",
    ),
    "ElexentChargingCostsOverview": (
        "Ihre Ladekosten[ {period}]",
        "Die Übersicht Ihrer Ladekosten[ für {period}] ist da[: {amount}].",
    ),
    "GeoLocationDisabled": (
        "Die Ortung Ihres Autos ist ausgeschaltet",
        (
            "Schalten Sie die Ortung Ihres {vehicle} in den Einstellungen des Autos ein, damit wir wissen, "
            "wann er zu Hause ist."
        ),
    ),
    "AudiNotPaired": (
        "Bitte werden Sie Nutzer Ihres Audi",
        "Ihr Konto ist weder Haupt- noch Nebennutzer Ihres {vehicle}. Tragen Sie sich im Auto ein.",
    ),
    "AudiPairingNotComplete": (
        "Die Kopplung Ihres Audi ist unvollständig",
        "Sie haben begonnen, Ihren {vehicle} zu koppeln. Schließen Sie die Schritte in der myAudi-App ab.",
    ),
    "InvalidUtilityContract": (
        "Ihr Energievertrag ist nicht mehr gültig",
        (
            "Ihr Vertrag[ {contract_number}][ mit {supplier}] für {location} ist ungültig[ ({reason})]. "
            "Bitte prüfen Sie ihn."
        ),
    ),
    "ReconnectUtilityContract": (
        "Ihr Energievertrag ist abgelaufen",
        (
            "Ihr Vertrag[ mit {supplier}] für {location} ist beendet. Verbinden Sie den neuen, um weiter "
            "Erträge zu erhalten."
        ),
    ),
    "MyRenaultAccessRevoked": (
        "Ihr Auto wurde aus MyRenault entfernt",
        "Ihr {vehicle} ist in MyRenault nicht mehr verknüpft. War das ein Versehen, fügen Sie ihn dort wieder hinzu.",
    ),
    "AudiRemoteAccessDisabled": (
        "Der Privatsphäre-Modus sperrt Ihren Audi",
        "Der Privatsphäre-Modus Ihres {vehicle} ist an, deshalb erreichen wir ihn nicht. Schalten Sie ihn im Auto aus.",
    ),
    "AudiRemoteAccessDisabledBanner": (
        "Der Privatsphäre-Modus ist an",
        "Schalten Sie den Privatsphäre-Modus Ihres {vehicle} aus, um smart zu laden.",
    ),
    "RenaultWaitingForServiceActivation": (
        "Aktivierung angefragt",
        "Wir haben Renault gebeten, den Dienst Ihres {vehicle} zu aktivieren. Das kann einige Tage dauern.",
    ),
    "RenaultReadyForPairingEmail": (
        "Der Dienst Ihres Renault ist aktiv",
        "Gute Nachricht: Der Dienst Ihres {vehicle} ist aktiv. Öffnen Sie die App und koppeln Sie Ihr Auto.",
    ),
    "RenaultReadyForPairingBanner": (
        "Ihr Renault kann gekoppelt werden",
        "Der Dienst Ihres {vehicle} ist aktiv. Koppeln Sie ihn jetzt.",
    ),
    "VolkswagenIdGeolocationCapabilitiesAvailable": (
        "Die Ortung Ihres Volkswagen ID ist verfügbar",
        "Ihr {vehicle} kann uns jetzt seinen Standort nennen, so erkennt smartes Laden Ihr Zuhause.",
    ),
    "BMWSmartChargingUnlockedBanner": (
        "Smartes Laden freigeschaltet",
        "Ihr {vehicle} kann jetzt smart geladen werden. Schalten Sie es in den Ladeeinstellungen ein.",
    ),
    "MiniSmartChargingUnlockedBanner": (
        "Smartes Laden freigeschaltet",
        "Ihr {vehicle} kann jetzt smart geladen werden. Schalten Sie es in den Ladeeinstellungen ein.",
    ),
    "ImportantUpdateAppv416Banner": (
        "Bitte aktualisieren Sie die App",
        (
            "Version {version} bringt wichtige Änderungen; Sie haben {installed}. Aktualisieren Sie die "
            "App, damit alles weiter funktioniert."
        ),
    ),
    "InformationMobilizePdlBenefitBanner": (
        "Mehr Ertrag mit Ihrem PDL",
        "Tragen Sie den PDL von {location} ein und profitieren Sie von den Erträgen des smarten Ladens.",
    ),
    "AcceptPdlAgreementBanner": (
        "Bitte stimmen Sie der PDL-Vereinbarung zu",
        "Für {location} liegt eine Vereinbarung über Ihren PDL zur Zustimmung bereit.",
    ),
    "RemovedGreenchoiceContractBanner": (
        "Ihr Greenchoice-Vertrag wurde entfernt",
        "Ihr Vertrag[ mit {supplier}] für {location} wurde entfernt. Sie können jederzeit einen anderen verbinden.",
    ),
    "ReferralCompletedForReferrerBanner": (
        "Ihre Empfehlung ist abgeschlossen",
        "Jemand, den Sie eingeladen haben, lädt jetzt smart. Vielen Dank!",
    ),
    "ReferralCompletedForInviteeBanner": (
        "Ihre Einladung ist abgeschlossen",
        "Willkommen! Die Einladung, durch die Sie kamen, ist jetzt abgeschlossen.",
    ),
}
