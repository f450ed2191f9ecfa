"""The words of boxes as data: other names of fields, types and states → ours.

The names are those of public APIs and guides of locks and trackers for shared bikes, and the customer's own topics
(`boitier.locked`): a message under the name of what it brings about is one of the type that does.
"""

from __future__ import annotations

import re

from bikeshare.choices import Lock, TelemetryType
from bikeshare.ingest import places
from core.words import Vocabulary


def names_of(table: dict[str, str]) -> dict[str, str]:
    return {name: ours for ours, names in table.items() for name in names.split()}


# By no name of ours: an object in which the reading stands.
INNER = "inner"
# Folded: without case and signs between words.
ALIASES = names_of(
    {
        "boitier": "box boxid boitierid boitiernumber lockid deviceid device serial serialnumber ident number"
        " iddevice devicecode devicesn devid deveui imei iotcode iotid lockserial lockserialno lockmac lockuid mac"
        " macaddress nukiid trackerid unitid",
        "type": "kind event eventtype messagetype topic reading",
        "at": "time timestamp ts tst tstamp timestampms utc unixtime epoch"
        " date datetime occurredat reportedat recordedat measuredat createdat devicetime"
        " lastreported eventtime fixtime triggeredat lastdatatime gpstime gpstimeutc",
        "state": "lockstate lockstatus status statename lockcurrentstate currentlockstate centrallock",
        "locked": "lock islocked closed isclosed",
        "unlocked": "isunlocked open opened isopen isopened",
        "rfid": "tag docktag dockrfid",
        "uid": "card cardid carduid cardnumber nfc nfcuid nfcid passuid passid badge",
        "pin": "code pincode typedpin typedcode enteredcode",
        "correct": "iscorrect valid accepted pinvalid codevalid",
        "chain_type": "chain",
        "value": "level percent percentage",
        "battery": "batterylevel batterypercent batterypercentage batteryvalue batterysoc internalbattery charge soc"
        " powerpercent electricquantity residualelectricity batterychargestate bat batt",
        "battery_vae": "vaebattery assistancebattery assistbattery ebikebattery motorbattery drivebattery"
        " pedelecbattery fuelpercent currentfuelpercent",
        "remaining_distance": "range rangem rangemeters remainingrange currentrangemeters autonomy autonomie",
        **places.NAMES,
        "fix": "hasfix gpsfix fixvalid gpsvalid isgpsvalid locationvalid islocationvalid positionvalid coordinatesvalid"
        " fixstatus gpsfixstatus gpsstatus gpsfixed locationstatus positionstatus fixquality gpsquality",
        "outdated": "isoutdated stale isstale positionoutdated gpsoutdated lastknown islastknown",
        INNER: "data payload values attributes telemetry content params properties measurement measurements sensors"
        " message object",
    }
)


TYPE_NAMES = names_of(
    {
        "lock": "lock lockstate lockstatus lockchanged boitierlock",
        "position": "position gps location geo gnss fix track vehiculeposition vehiculepositionforbidden",
        "battery": "battery internalbattery batterylevel batterylow vehiculebattery vehiculebatterylow"
        " lowbattery devicelowbattery batterystatus batterychanged batterylevelchanged",
        "battery_vae": "batteryvae vae assistance assistancebattery assistbattery ebikebattery motorbattery"
        " drivebattery vehiculebatteryvae vehiculebatteryvaelow",
        TelemetryType.PASS.value: "pass nfc card rfid badge boitierpass boitierpassunrecognized rfidscan"
        " nfcscan cardscan cardread tagread swipe",
        "pin": "pin keypad code pincode boitierpin boitierpinincorrect",
        "chain_type": "chaintype chain boitierchaintype boitierchaintypeupdated",
    }
)
# Types that say their value themselves (`boitier.locked`, `deviceUnlocked`, `lock.opened`).
SAYING = re.compile(r"(?:boitier|device|lock|vehicle|vehicule|bike)?([a-z]{3,})")
# STRONG_CLOSED is a word of Axa's eRL.
LOCKS = Vocabulary(
    {
        Lock.LOCKED: "lock closed close secured secure engaged bolted true 1 strong_closed"
        " verrouille verrouillee ferme fermee barre barree cadenasse gesperrt abgesperrt abgeschlossen verriegelt"
        " geschlossen zu gesloten opslot vergrendeld cerrado cerrada bloqueado chiuso chiusa bloccato",
        Lock.UNLOCKED: "unlock open opened released unsecured unsecure unlatched unlatch disengaged false 0 not_locked"
        " deverrouille deverrouillee ouvert ouverte"
        " entsperrt aufgeschlossen entriegelt offen geöffnet auf ontgrendeld abierto abierta desbloqueado aperto aperta"
        " sbloccato",
        Lock.UNDEFINED: "unknown unavailable none null nan inconnu unbekannt",
    },
    prefixes=("lockstate", "lockstatus", "lock", "state"),
)
# Whether a receiver had a fix, in words and by NMEA's quality and status.
FIXES = Vocabulary(
    {
        "fix": "1 2 3 4 5 6 true yes valid ok a active on fixed 2d 3d gps dgps rtk autonomous differential",
        "none": "0 false no invalid void v off lost searching nofix no_gps notfixed unfixed not_available",
    }
)
CHAINS = Vocabulary(
    {
        "valid": "ok valide gueltig gültig geldig",
        "invalid": "nok ko not_valid invalide ungueltig ungültig ongeldig",
        "checking": "check verifying",
        "myself": "self own",
        "null": "none nil",
    }
)
# What these mean is said by what stands beside them: of a PIN where nothing else is said, of the fix beside a place.
UNSURE = frozenset(("code", "valid", "accepted"))
# Names of a charge of which one counts before a bare value, or before a charge of unknown unit.
SURER = frozenset(("percent", "percentage", "batterypercent", "batterypercentage", "powerpercent", "soc", "batterysoc"))
