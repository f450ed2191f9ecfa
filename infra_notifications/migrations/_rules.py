"""The mapping from what chargers say to the three cases, as it comes with Signalbox.

Precedence: 10 is left to operators' own rules, 12 resolutions, 15 "no error", 20 codes, 30 components and variables, 40
words, 50 what is known to be no alarm. Each rule names its source; all of them can be changed in the administration.
"""

from infra_notifications.rules.wording import ENDS

SN, NE, SE = ["StatusNotification"], ["NotifyEvent"], ["SecurityEventNotification"]
FUSE, SENSORS, UNAVAILABLE = "FUSE_TRIPPED", "SENSORS", "UNAVAILABLE"
SPEC16 = "OCPP 1.6 edition 2, § 7.6 ChargePointErrorCode: "
SPEC2 = "OCPP 2.0.1 appendices v1.4 and 2.1 v2.0, standardised components: "
MREC = "ChargeX/INL minimum required error codes (vendorId https://chargex.inl.gov): "
EVGO = "EVgo Minimum Required Error Codes 1.0.1 (vendorId com.evgo.mrec): "
EVEREST = "EVerest error_mapping and error lists (module OCPP, OCPP201, evse_board_support, ac_rcd): "
BENDER = "Bender/ebee controllers 5.32 (Mennekes, Compleo, Webasto): "

# Codes of a warning that texts beside it do not make graver.
HARMLESS = ["!NoError", "!EVCommunicationError", "!WeakSignal", "!LocalListConflict"]

# What protects: it must be said to have tripped. Behind "!": beside these, it is spoken of for another reason.
FUSE_WORDS = [
    *("MCB", "MCBs", "RCBO", "RCD", "RCCB", "RCMB", "RCM", "EV-RCM", "GFCI", "GFI", "CCID*", "IMD", "SPD"),
    *("fuse", "fuses", "breaker", "breakers", "surge protect*", "surge arrester", "lightning arrester"),
    *("overcurrent protection", "over-current protection", "upstream protection", "isolation monitor*"),
    *("insulation monitor*", "LS-Schalter", "LSSchalter", "LS Schalter", "FI", "FI-Schalter", "Sicherung"),
    *("Sicherungen", "Sicherungsautomat", "Vorsicherung", "Hauptsicherung", "*schutzschalter", "*stromschutz"),
    *("*spannungsschutz", "Isolationswächter", "disjoncteur", "différentiel", "fusible", "fusibles", "parafoudre"),
    *("diferencial", "magnetotérmico", "interruptor automático", "aardlek", "aardlekschakelaar", "aardlekautomaat"),
    *("installatieautomaat", "zekering", "differenziale", "interruttore differenziale", "magnetotermico"),
    *("interruttore automatico", "fusibile", "!module", "!communication", "!rating", "!watchdog"),
    *("!*/vendor*", "!*/device*"),
]
TRIP_WORDS = [
    *("trip*", "trigger*", "blown", "open", "opened", "off", "fault", "error", "alarm", "activated"),
    *("protection action", "ausgel*", "gefallen", "defekt", "durchgebrannt", "déclench*", "ouvert*", "grillé*"),
    *("fondu*", "disparad*", "fundid*", "uitgeschakeld", "uitgevallen", "uitgeslagen", "aangesproken", "gesprongen"),
    *("defect", "scattat*", "apert*", "bruciat*"),
]
# What the protection acts upon: to say it is enough.
FAULT_CURRENT_WORDS = [
    *("residual current", "residual fault current", "leakage", "fault current", "ground fault*", "earth fault*"),
    *("ground failure", "isolation fault", "insulation fault", "insulation failure", "insulation monitoring fault"),
    *("insulation resistance", "isolation resistance", "resistance fault", "capacitance fault", "short circuit*"),
    *("short detected", "plug short", "overcurrent", "over-current", "over current", "overload*", "output OCP"),
    *("output SCP", "Overamp", "*Fehlerstrom", "Erdschluss", "Isolationsfehler", "Überstrom", "Kurzschluss"),
    *("défaut d'isolement", "défaut de terre", "courant de fuite", "courant résiduel", "surintensité", "court-circuit"),
    *("fallo de aislamiento", "fuga a tierra", "corriente residual", "derivación a tierra", "sobrecorriente"),
    *("cortocircuito", "lekstroom", "aardfout", "isolatiefout", "overstroom", "kortsluiting", "guasto a terra"),
    *("guasto di isolamento", "corrente di dispersione", "corrente differenziale", "corrente di guasto"),
    *("sovracorrente", "virtual breaker", "!communication", "!pilot", "!CP", "!ground monitor", "!detection circuit"),
]
SENSOR_WORDS = [
    # moved, hit, broken into
    *("tilt*", "ERR_TILT*", "*TiltDetected", "gekippt", "Kippsensor", "Neigungssensor", "inclin*", "kantel*"),
    *("gekanteld", "shock*", "impact", "crash*", "collision*", "vibration*", "tamper*", "vandalism", "Erschütterung*"),
    *("Vandalismus", "sabotage*", "choc", "golpe", "impacto", "vibración", "sabotaje", "schok", "trilling", "urto"),
    *("vibrazione", "manomissione"),
    *(
        f"{part} {is_}open*"
        for part in ("door", "cover", "enclosure", "housing", "case", "lid", "cabinet", "panel")
        for is_ in ("", "is ")
    ),
    *("open cover", "open door", "*EnclosureOpen", "*tür offen", "*tür geöffnet", "Gehäuse offen", "Gehäuse geöffnet"),
    *("Deckel offen", "Deckel geöffnet", "Abdeckung offen", "Abdeckung geöffnet", "porte ouverte", "capot ouvert"),
    *("boîtier ouvert", "puerta abierta", "tapa abierta", "deur open*", "behuizing open*", "klep geopend"),
    *("porta aperta", "sportello aperto", "coperchio aperto"),
    # water, smoke, heat
    *("flood*", "water ingress", "*WaterIngressDetected", "water detected", "water leak*", "water alarm", "moisture"),
    *("warning humidity", "Wassereintritt", "Wasser erkannt", "Feuchtigkeit", "Überflutung", "infiltration d'eau"),
    *("présence d'eau", "inondation", "entrada de agua", "inundación", "water gedetecteerd", "waterindringing"),
    *("infiltrazione d'acqua", "allagamento", "smoke", "fire alarm", "Rauch*", "Brandmelder", "fumée", "humo", "rook"),
    *("fumo", "over temp*", "over-temp*", "overtemp*", "high temp*", "temperature too high", "temphigh", "too hot"),
    *("temperature is too high", "temperature outside limits", "abnormal temperature", "critical temp*"),
    *("ambient OTP", "terminal OTP", "*Übertemperatur", "Temperatur zu hoch", "*Temperatur hoch"),
    *("zu heiß", "Temperaturgrenzwert überschritten", "Temperatur auffällig", "Überhitzung", "surchauffe"),
    *("température trop élevée", "surtempérature", "température anormale", "sobretemperatura", "temperatura anómala"),
    *("temperatura demasiado alta", "oververhitting", "temperatuur te hoog", "sovratemperatura"),
    *("temperatura troppo alta",),
    # stopped by hand, cut off
    *("emergency stop*", "emergency pressed", "emergency button", "E-stop", "estop", "EMO", "Not-Aus", "Notaus"),
    *("Not-Halt", "arrêt d'urgence", "parada de emergencia", "paro de emergencia", "seta de emergencia", "noodstop"),
    *("pulsante di emergenza", "arresto di emergenza", "emergenza", "cable cut", "cut cable", "cable theft", "stolen"),
    *("Kabel durchtrennt", "Kabeldiebstahl", "câble sectionné", "vol de câble", "cable cortado", "robo de cable"),
    *("kabel doorgeknipt", "kabeldiefstal", "cavo tagliato", "furto di cavo"),
    # beside these, it is spoken of for another reason
    *("!communication", "!diode", "!hazard", "!CP", "!process", "!firmware", "!application", "!software", "!watchdog"),
    *("!Anwendung", "!battery", "!Batterie*", "!batteries", "!baterías", "!impact on", "!on charging"),
]
# What ends as a door does: it needs no word that it was open.
CLOSED_WORDS = [
    *("door", "doors", "cover", "lid", "enclosure", "housing", "Tür", "Gehäuse", "Deckel", "Abdeckung", "porte"),
    *("capot", "boîtier", "puerta", "tapa", "deur", "behuizing", "porta", "sportello", "temperature", "Temperatur"),
    *("température", "temperatura", "temperatuur", "alarm d'eau", "water", "Wasser"),
]
OPERATIVE = [
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEV",
    "SuspendedEVSE",
    "Finishing",
    "Occupied",
    "Reserved",
]


def rule(precedence, name, effect, case="", note="", enabled=True, momentary_s=None, **conditions):
    return {
        "precedence": precedence,
        "name": name,
        "effect": effect,
        "case": case,
        "note": note,
        "enabled": enabled,
        "momentary_s": momentary_s,
        **conditions,
    }


RULES = [
    # -- 12: resolutions
    rule(
        12,
        "Breaker or RCD reconnected",
        "clear",
        FUSE,
        BENDER + "“MCB type 2 reconnected”, “RCD reconnected”, “Residual current situation resolved” end a fault while "
        "the error code still stands.",
        actions=SN,
        codes=["!NoError"],
        words=["reconnected", "situation resolved"],
    ),
    rule(
        12,
        "A breaker or fuse is said to be in order again",
        "clear",
        FUSE,
        EVEREST + "“Error MREC2GroundFailure resolved” comes while another error remains; others say “RCD re-armed”.",
        actions=SN + NE,
        codes=HARMLESS,
        words=[*FUSE_WORDS, *FAULT_CURRENT_WORDS],
        and_words=ENDS,
    ),
    rule(
        12,
        "A sensor is said to be quiet again",
        "clear",
        SENSORS,
        EVEREST + "“Error TiltDetected resolved” comes while another error remains; others say “door closed”.",
        actions=SN + NE,
        codes=HARMLESS,
        words=SENSOR_WORDS,
        and_words=ENDS,
    ),
    rule(
        12,
        "A door is said to be closed, a temperature to be normal",
        "clear",
        SENSORS,
        "What ends needs no word for the sensor that was triggered. A charge point that is still Faulted has not ended.",
        actions=SN + NE,
        statuses=["!Faulted"],
        codes=HARMLESS,
        words=CLOSED_WORDS,
        and_words=ENDS,
    ),
    # -- 15: no error
    rule(
        14,
        "Reported Unavailable without an error counts as UNAVAILABLE",
        "raise",
        UNAVAILABLE,
        "Off: goes with “Reported Unavailable counts as UNAVAILABLE” for OCPP 1.6, where it must be asked before “No "
        "error”, which then no longer ends a fuse or sensor as long as the status is Unavailable.",
        enabled=False,
        actions=SN,
        codes=["NoError"],
        statuses=["Unavailable"],
    ),
    rule(
        15,
        "No error",
        "clear",
        "",
        "OCPP 1.6: there is no clear per error; a StatusNotification with NoError ends what the connector reported "
        "(EVerest docs). With status Faulted it says nothing (ev-server: Faulted with NoError right after boot). "
        "Information in vendorErrorCode is no alarm then (Amina AMINA_INFO).",
        actions=SN,
        codes=["NoError"],
        statuses=["!Faulted"],
    ),
    # -- 20: codes
    rule(
        20,
        "Over-current protection tripped",
        "raise",
        FUSE,
        SPEC16 + "OverCurrentFailure “Over current protection device has tripped”. " + BENDER + "in lower case.",
        actions=SN,
        codes=["OverCurrentFailure"],
    ),
    rule(
        20,
        "Ground fault interrupter activated",
        "raise",
        FUSE,
        SPEC16
        + "GroundFailure “Ground fault circuit interrupter has been activated”. Compleo reports RCD, breaker and "
        "the 6 mA sensor with it.",
        actions=SN,
        codes=["GroundFailure"],
    ),
    rule(
        20,
        "MREC over-current or ground failure",
        "raise",
        FUSE,
        MREC
        + "CX004 OverCurrentFailure, CX002 GroundFailure, and CX021, CX022, with which an isolation monitor trips; "
        "EVerest sends them as vendorErrorCode and techCode.",
        codes=["CX004", "CX002", "CX021", "CX022", "!NoError"],
    ),
    rule(
        20,
        "MREC emergency stop or cut cable",
        "raise",
        SENSORS,
        MREC + "CX008 EmergencyStop, CX026 CutCable. A judgement: both are triggered by a sensor.",
        codes=["CX008", "CX026", "!NoError"],
    ),
    rule(
        20,
        "MREC high temperature",
        "raise",
        SENSORS,
        MREC + "CX003 HighTemperature, CX018 and CX019 of the cable. A judgement, as for HighTemperature.",
        codes=["CX003", "CX018", "CX019", "!NoError"],
    ),
    rule(
        20,
        "EVgo isolation monitor",
        "raise",
        FUSE,
        EVGO + "F006 chassis resistance low, F007 chassis capacitance high: an isolation monitor trips.",
        vendors=["com.evgo.mrec"],
        codes=["F006", "F007", "!NoError"],
    ),
    rule(
        20,
        "EVgo emergency stop, hot or cut cable",
        "raise",
        SENSORS,
        EVGO + "A004 emergency stop pressed, F009 cable over temperature, F010 cut cable.",
        vendors=["com.evgo.mrec"],
        codes=["A004", "F009", "F010", "!NoError"],
    ),
    rule(
        20,
        "Residual current codes of makers",
        "raise",
        FUSE,
        "Zaptec WARNING_RCD_6MA and _30MA (Apollo firmware), go-e FiAc, FiDc, FiUnknown and RCCB (API v2 err).",
        codes=["WARNING_RCD_6MA", "WARNING_RCD_30MA", "FiAc", "FiDc", "FiUnknown", "RCCB", "!NoError"],
    ),
    rule(
        20,
        "Temperature codes of makers",
        "raise",
        SENSORS,
        "Zaptec WARNING_TEMPERATURE (Apollo firmware); WARNING_TEMPERATURE_ERROR is a sensor that cannot be read.",
        codes=["WARNING_TEMPERATURE", "!NoError"],
    ),
    rule(
        20,
        "High temperature",
        "raise",
        SENSORS,
        SPEC16 + "HighTemperature. A judgement: a temperature sensor was triggered.",
        actions=SN,
        codes=["HighTemperature"],
    ),
    rule(
        20,
        "Tampering detected",
        "raise",
        SENSORS,
        "OCPP security events: TamperDetectionActivated “The physical tamper detection sensor was triggered”, critical. "
        "It is never cleared, so the incident ends by itself.",
        actions=SE,
        codes=["TamperDetectionActivated"],
        momentary_s=86_400,
    ),
    rule(
        20,
        "EVerest sensor errors",
        "raise",
        SENSORS,
        EVEREST + "every error is EVSE.Problem; the techCode tells TiltDetected, WaterIngressDetected, EnclosureOpen; "
        "Tilted, Water and DoorOpen in older versions.",
        codes=[
            *("*TiltDetected", "*WaterIngressDetected", "*EnclosureOpen", "*TamperingDetected", "*/Tilted", "*/Water"),
            *("*/DoorOpen", "*MREC8EmergencyStop", "*MREC26CutCable", "*MREC3HighTemperature"),
            *("*MREC18CableOverTempDerate", "*MREC19CableOverTempStop", "*/OverTemperature", "!NoError"),
        ],
    ),
    rule(
        20,
        "EVerest ground failure",
        "raise",
        FUSE,
        EVEREST
        + "MREC2GroundFailure, MREC4OverCurrentFailure, MREC22ResistanceFault (isolation monitor), and the RCD’s "
        "own ac_rcd/AC and ac_rcd/DC.",
        codes=[
            *("*MREC2GroundFailure", "*MREC4OverCurrentFailure", "*MREC22ResistanceFault", "ac_rcd/AC", "ac_rcd/DC"),
            *("*/OverCurrentAC", "*/OverCurrentDC", "!NoError"),
        ],
    ),
    # -- 30: components and variables of OCPP 2.x
    rule(
        30,
        "OverCurrentProtection tripped",
        "raise",
        FUSE,
        SPEC2 + "OverCurrentProtection.Active = Tripped.",
        actions=NE,
        components=["OverCurrentProtection"],
        variables=["Active", "Tripped"],
    ),
    rule(
        30,
        "RCD tripped",
        "raise",
        FUSE,
        SPEC2 + "RCD.Tripped “Breaker opened (manual reset required)”.",
        actions=NE,
        components=["RCD"],
        variables=["Tripped", "Active"],
    ),
    rule(
        30,
        "Upstream protection tripped",
        "raise",
        FUSE,
        SPEC2 + "UpstreamProtectionTrigger.Tripped.",
        actions=NE,
        components=["UpstreamProtectionTrigger"],
        variables=["Tripped"],
    ),
    rule(
        30,
        "Ground isolation fault",
        "raise",
        FUSE,
        SPEC2 + "GroundIsolationProtection.Active “Leakage”, Problem.",
        actions=NE,
        components=["GroundIsolationProtection"],
        variables=["Active", "Problem"],
    ),
    rule(
        30,
        "Power contactor tripped",
        "raise",
        FUSE,
        SPEC2 + "PowerContactor.Tripped “Mirror contact protection tripped”; its Active is the normal closed state.",
        actions=NE,
        components=["PowerContactor"],
        variables=["Tripped"],
    ),
    rule(
        30,
        "Recloser fault",
        "raise",
        FUSE,
        SPEC2 + "OverCurrentProtectionRecloser and RCDRecloser.Problem.",
        actions=NE,
        components=["OverCurrentProtectionRecloser", "RCDRecloser"],
        variables=["Problem"],
    ),
    rule(
        30,
        "Protection reclosed by itself",
        "info",
        "",
        SPEC2 + "*.Operated “Breaker opened and auto-reclosed”: it healed itself; counted, not mailed.",
        actions=NE,
        variables=["Operated"],
    ),
    rule(
        30,
        "Closed contactor, connected link",
        "info",
        "",
        SPEC2 + "PowerContactor.Active is Closed and DataLink.Active is Connected: normal operation.",
        actions=NE,
        components=["PowerContactor", "DataLink"],
        variables=["Active"],
    ),
    rule(
        30,
        "Shock sensor",
        "raise",
        SENSORS,
        SPEC2 + "ShockSensor.Active “Shock”. A shock is a moment: without a clear the incident ends after an hour.",
        actions=NE,
        components=["ShockSensor"],
        variables=["Active"],
        momentary_s=3_600,
    ),
    rule(
        30,
        "Tilt sensor",
        "raise",
        SENSORS,
        SPEC2 + "TiltSensor.Active “Tilted”.",
        actions=NE,
        components=["TiltSensor"],
        variables=["Active"],
    ),
    rule(
        30,
        "Flood sensor",
        "raise",
        SENSORS,
        SPEC2 + "FloodSensor.Active “Flooding”, Tripped.",
        actions=NE,
        components=["FloodSensor"],
        variables=["Active", "Tripped"],
    ),
    rule(
        30,
        "Case opened",
        "raise",
        SENSORS,
        SPEC2 + "CaseAccessSensor.Active “Open”, Tripped.",
        actions=NE,
        components=["CaseAccessSensor"],
        variables=["Active", "Tripped"],
    ),
    rule(
        30,
        "Cable broken away",
        "raise",
        SENSORS,
        SPEC2 + "CableBreakawaySensor.Active, Tripped.",
        actions=NE,
        components=["CableBreakawaySensor"],
        variables=["Active", "Tripped"],
    ),
    rule(
        30,
        "Emergency stop",
        "raise",
        SENSORS,
        SPEC2 + "EmergencyStopSensor.Active “Pressed/Latched”, Tripped.",
        actions=NE,
        components=["EmergencyStopSensor"],
        variables=["Active", "Tripped"],
    ),
    rule(
        30,
        "Temperature over its limit",
        "raise",
        SENSORS,
        SPEC2 + "TemperatureSensor.Active “over MaxSet”.",
        actions=NE,
        components=["TemperatureSensor", "ExternalTemperatureSensor"],
        variables=["Active"],
    ),
    rule(
        30,
        "Operational sensors",
        "info",
        "",
        SPEC2 + "bay occupancy, connector holster, vehicle id, local availability and light are operation, no alarms.",
        actions=NE,
        components=[
            "BayOccupancySensor",
            "ConnectorHolsterSensor",
            "VehicleIdSensor",
            "LocalAvailabilitySensor",
            "LightSensor",
        ],
    ),
    rule(
        31,
        "A sensor is faulty",
        "raise",
        SENSORS,
        SPEC2 + "*Sensor.Problem: the sensor itself has a fault.",
        actions=NE,
        components=["*Sensor"],
        variables=["Problem"],
    ),
    # -- 40: words
    rule(
        40,
        "A breaker or fuse is said to have tripped",
        "raise",
        FUSE,
        BENDER + "“MCB of type 2 socket triggered”, “RCD triggered”; the same in German. OCPP 1.6 has no code for it "
        "beside OtherError and InternalError.",
        actions=SN,
        codes=HARMLESS,
        words=FUSE_WORDS,
        and_words=TRIP_WORDS,
    ),
    rule(
        40,
        "A fault current or short circuit is reported",
        "raise",
        FUSE,
        BENDER + "“Residual current detected via sensor”; ABB “residual current in the charge circuit”, alpitronic "
        "“Isolation Fault”, Delta “AC Output OCP”: what the protection acts upon.",
        actions=SN,
        codes=HARMLESS,
        words=FAULT_CURRENT_WORDS,
    ),
    rule(
        40,
        "A sensor is said to have triggered",
        "raise",
        SENSORS,
        "OCPP 1.6 has no sensor code: sensors come as OtherError or InternalError with the vendor’s text "
        "(Bender “The charge point is tilted”, EVerest TiltDetected).",
        actions=SN,
        codes=HARMLESS,
        words=SENSOR_WORDS,
    ),
    rule(
        41,
        "A breaker or fuse is said to have tripped (2.x)",
        "raise",
        FUSE,
        EVEREST + "every error is EVSE.Problem; what it is stands in techCode and techInfo.",
        actions=NE,
        variables=["!AvailabilityState"],
        words=FUSE_WORDS,
        and_words=TRIP_WORDS,
    ),
    rule(
        41,
        "A fault current or short circuit is reported (2.x)",
        "raise",
        FUSE,
        EVEREST + "every error is EVSE.Problem; what it is stands in techCode and techInfo.",
        actions=NE,
        variables=["!AvailabilityState"],
        words=FAULT_CURRENT_WORDS,
    ),
    rule(
        41,
        "A sensor is said to have triggered (2.x)",
        "raise",
        SENSORS,
        EVEREST + "every error is EVSE.Problem; what it is stands in techCode and techInfo.",
        actions=NE,
        variables=["!AvailabilityState"],
        words=SENSOR_WORDS,
    ),
    # -- 45: the end of an optional meaning of UNAVAILABLE
    rule(
        45,
        "Reported available again",
        "clear",
        UNAVAILABLE,
        "Off: goes with the optional rules for UNAVAILABLE; a warning beside an operative status ends it too.",
        enabled=False,
        actions=SN,
        statuses=OPERATIVE,
    ),
    # -- 50: known to be no alarm, and optional meanings of UNAVAILABLE
    rule(
        50,
        "Warnings of the vehicle and the network",
        "info",
        "",
        SPEC16
        + "EVCommunicationError is a warning; WeakSignal and LocalListConflict do not stop charging. With Faulted "
        "they are no warnings.",
        actions=SN,
        statuses=["!Faulted"],
        codes=["EVCommunicationError", "WeakSignal", "LocalListConflict"],
    ),
    rule(
        50,
        "Ordinary security events",
        "info",
        "",
        "OCPP security events that happen in normal operation.",
        actions=SE,
        codes=[
            "FirmwareUpdated",
            "SettingSystemTime",
            "StartupOfTheDevice",
            "ResetOrReboot",
            "SecurityLogWasCleared",
            "ReconfigurationOfSecurityParameters",
            "MaintenanceLoginAccepted",
        ],
    ),
    rule(
        50,
        "Reported Unavailable counts as UNAVAILABLE",
        "raise",
        UNAVAILABLE,
        "Off: UNAVAILABLE means silence here (seed). OCPP’s status Unavailable is mostly administrative.",
        enabled=False,
        actions=SN + NE,
        statuses=["Unavailable"],
    ),
    rule(
        50,
        "A data link problem counts as UNAVAILABLE",
        "raise",
        UNAVAILABLE,
        "Off: a station that says so still communicates. " + SPEC2 + "DataLink.Problem.",
        enabled=False,
        actions=NE,
        components=["DataLink"],
        variables=["Problem"],
    ),
    rule(
        51,
        "Any other fault counts as UNAVAILABLE",
        "raise",
        UNAVAILABLE,
        "Off: for operators who also want to hear of faults that are neither a fuse nor a sensor.",
        enabled=False,
        actions=SN + NE,
        statuses=["Faulted"],
    ),
    rule(
        60,
        "Faulted without a cause (2.x)",
        "info",
        "",
        "OCPP 2.x tells the cause in a NotifyEvent of its own.",
        actions=SN,
        protocols=["ocpp2"],
        statuses=["Faulted"],
    ),
]
