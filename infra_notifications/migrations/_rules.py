"""The mapping from what chargers say to the cases, as it comes with Signalbox.

Precedence: 10 is left to operators' own rules, 11 and 12 "no error", 13 resolutions, 19 and 20 codes, 30 components and
variables, 38 warnings, 40 words, 50 what is known to be no alarm, 55 the faults that are none of the others. Each rule names its source; all of
them can be changed in the administration.
"""

import re

from infra_notifications.rules.phrases import A_NAME, ENDS, FINE, GONE, NEGATIONS, participles

SN, NE, SE = ["StatusNotification"], ["NotifyEvent", "NotifyReport"], ["SecurityEventNotification"]
# The variables by which any part may say that it is broken.
DEFECTS = ["Problem", "Tripped", "Fault", "Failure", "Error", "Alarm"]
FUSE, SENSORS, UNAVAILABLE, OTHER_FAULT = "FUSE_TRIPPED", "SENSORS", "UNAVAILABLE", "OTHER_FAULT"
SPEC16 = "OCPP 1.6 edition 2, § 7.6 ChargePointErrorCode: "
SPEC2 = "OCPP 2.0.1 appendices v1.4 and 2.1 v2.0, standardised components: "
MREC = "ChargeX/INL minimum required error codes (vendorId https://chargex.inl.gov): "
EVGO = "EVgo Minimum Required Error Codes 1.0.1 (vendorId com.evgo.mrec): "
EVEREST = "EVerest error_mapping and error lists (module OCPP, OCPP201, evse_board_support, ac_rcd): "
BENDER = "Bender/ebee controllers 5.32 (Mennekes, Compleo, Webasto): "

# Codes of a warning. Unless the status is Faulted, texts beside them make them no graver.
WARNINGS = ["EVCommunicationError", "WeakSignal", "LocalListConflict"]
NOT_WARNINGS = [f"!{code}" for code in WARNINGS]

# What programs, networks and devices for pressure and force are spoken of with: the same letters mean something else.
CONNECTIONS = [
    *(
        f"!{link} {end}"
        for link in ("connection", "command", "session", "socket")
        for end in ("lost", "loss", "failed", "failure", "error", "down", "closed", "refused", "dropped", "rejected")
    ),
    *("!link lost", "!link loss", "!link down", "!link dropped"),  # "fuse link failed" is a fuse
    *("!lost connection", "!lost link", "!command not found", "!Verbindungs*", "!connexion perdue", "!liaison perdue"),
    *("!Verbindung verloren", "!Verbindung unterbrochen", "!Verbindung abgebrochen", "!Verbindung getrennt"),
    *("!conexión perdida", "!verbinding verbroken", "!verbinding verloren", "!connessione persa", "!comms", "!comm"),
    *("!server", "!cluster", "!transfer failed", "!upload*", "!download*", "!campaign*", "!app", "!apps"),
    *("!plugin", "!plugins", "!gateway", "!script", "!ticket*", "!API", "!queue"),
]
OF_OTHER_FORCES = [
    *("!pressure*", "!pression*", "!presión*", "!pressione*", "!*druck", "!*drukverschil", "!· pressure"),
    *("!torque*", "!weight ·", "!network ·", "!traffic ·", "!queue ·", "!· memory", "!memory ·", "!Drehmoment*"),
    # A difference of temperatures is none of currents.
    *("!· de température*", "!· de temperatura*", "!· di temperatura*", "!· di temperature"),
]
# Beside these, a part that protects or watches is broken itself or cannot be heard.
ITSELF = [
    *CONNECTIONS,
    *("!internal error*", "!internal fault*", "!internal failure*", "!interner Fehler", "!interne Störung"),
    *("!erreur interne", "!défaut interne", "!error interno", "!fallo interno", "!interne fout", "!interne storing"),
    *("!errore interno", "!guasto interno"),
    *("!*kommunikation*", "!communication*", "!comunica*", "!communicati*", "!comm", "!message*", "!timeout"),
    *("!time-out", "!timed out", "!Zeitüberschreitung", "!sensor fault*", "!sensor failure*", "!sensor error*"),
    *("!sensor defect*", "!detector fault*", "!detector failure*", "!device fault*", "!detection device"),
    *("!offline", "!not responding", "!no response", "!unreachable", "!not reachable", "!antwortet nicht"),
    *("!keine Antwort", "!ne répond*", "!no responde", "!reageert niet", "!non risponde"),
    *("!self-check*", "!self check*", "!sampling", "!*kalibr*", "!calibration", "!config*"),
]
# What protects: it must be said to have tripped. Behind "!": beside these, it is spoken of for another reason.
FUSE_WORDS = [
    *OF_OTHER_FORCES,
    *("CB", "GFD", "GFP", "ACB", "NH", "LTS"),
    *("RDCMB", "RDC-MB", "RDC-MD", "RDCMD", "RDC-PD", "RDCPD", "*automaat", "*-Automat"),
    *("shunt trip", "shunt release", "Arbeitsstromauslöser", "Leitungsschutz", "Erdschlussüberwachung"),
    *("Erdschlusswächter", "*schlussschutz", "!module fault*", "!module error*", "!module failure*", "!module broken"),
    # Directly behind the word that was found.
    *("!module defect*", "!· module", "!·-Modul*", "!· Modul*", "!Modul defekt", "!Modulfehler"),
    *("DDR", "OCP", "OCPD", "SCP", "AFCI", "Isowächter", "Isometer"),
    *("térmico", "termico", "relé térmico"),
    *("MCB", "MCBs", "RCBO", "RCD", "RCCB", "RCMB", "RCM", "EV-RCM", "GFCI", "GFI", "CCID*", "IMD", "SPD"),
    *(
        "fuse",
        "fuses",
        "breaker",
        "breakers",
        "circuit breaker",
        "surge protect*",
        "*arrester*",
        "*arrestor*",
    ),
    *("overcurrent protection", "over-current protection", "upstream protection", "isolation monitor*"),
    *("insulation monitor*", "LS-Schalter", "LSSchalter", "LS Schalter", "FI", "FI-Schalter", "Sicherung"),
    *("Sicherungen", "Sicherungsautomat", "Vorsicherung", "Hauptsicherung", "*schutzschalter", "*stromschutz"),
    *("*spannungsschutz", "Isolationswächter", "disjoncteur", "différentiel", "fusible", "fusibles", "parafoudre"),
    *("diferencial", "magnetotérmico", "interruptor automático", "aardlek", "aardlekschakelaar", "aardlekautomaat"),
    *("installatieautomaat", "zekering", "differenziale", "interruttore differenziale", "magnetotermico"),
    *("interruttore automatico", "fusibile", "*stroombeveiliging", "!rating"),
    *("!watchdog", *ITSELF),
    *("!*/vendor*", "!*/device*"),
    *("LSS", "LS", "*sicherung", "Isolationsüberwachung", "protection différentielle", "aardlek*", "*zekering"),
    *(
        "zekeringautomaat",
        "salvavita",
        "stroomonderbreker",
        "protección diferencial",
        "disyuntor",
        "lekstroombeveiliging",
        "residual current device",
        "ground fault interrupter",
    ),
    *("ELCB", "RDC-DD", "RDCDD", "RCMU", "MCCB", "AFDD", "GFDI", "main switch", "Hauptschalter", "hoofdschakelaar"),
    *("protective device", "protection device", "Schutzeinrichtung", "Schutzorgan", "dispositif de protection"),
    *("lightning protection", "Blitzschutz*", "protection contre les surtensions", "limitador de sobretensiones"),
    *("protector de sobretensiones", "overspanningsbeveiliging", "scaricatore", "limitatore di sovratensione"),
    *("automaat", "interruptor diferencial", "contrôleur d'isolement", "vigilante de aislamiento", "*automat"),
    *("isolatiebewaking", "controllo isolamento", "coupe-circuit", "interrupteur différentiel"),
    *(
        "stroomautomaat",
        "smeltveiligheid",
        "smeltzekering",
        "DPS",
        "earth leakage",
        "FI/LS",
        "FI-LS",
        "aardlekbeveiliging",
    ),
    *(
        "interruttore di protezione",
        "interruptor de protección",
        "*beveiligingsschakelaar",
        "PRCD",
        "*ableiter",
        "différentiel*",
        "diferencial*",
        "differenzial*",
        "disjonct*",
        "magnetot*",
        "salvavita*",
    ),
    *("fusib*", "*zekering*", "*sicherung*", "*schutzschalter*", "aardlek*", "trip unit", "cut-out", "RCDs", "RCBOs"),
    *("stotz", "FI-Schalter*", "FI-Schutz*", "LS-Automat*", "interruptor general", "interruttore generale"),
]
TRIP_WORDS = [
    *("doorgeslagen", "eruit", "afgevallen", "getript", "eruit geklapt", "saltaron", "fundió"),
    *(
        "saute",
        "sautent",
        "salta",
        "saltan",
        "scatta",
        "scattano",
        "springt",
        "springen",
        "fliegt",
        "fliegen",
        "weg",
        "raus",
    ),
    # Not "löst" alone: without its dots it is "lost".
    *(f"löst {how}" for how in ("aus", "immer", "ständig", "wieder", "sofort", "beim", "bei")),
    *("burn*", "melted", "broken", "dead", "ruptur*", "geschmolzen", "verbrannt", "verbrand*", "gesmolten", "stuk"),
    *("Fehler", "Störung", "défaut", "avería", "fout", "storing"),
    *("trip*", "trigger*", "blown", "open", "opened", "off", "fault", "error", "alarm", "activated"),
    *(
        "protection action",
        "ausgel*",
        "gefallen",
        "defekt",
        "durchgebrannt",
        "déclench*",
        "ouvert*",
        *participles("grillé"),
    ),
    *("fondu*", "disparad*", "fundid*", "uitgeschakeld", "uitgevallen", "uitgeslagen", "aangesproken", "gesprongen"),
    *("defect", "scattat*", "apert*", "bruciat*"),
    *(
        "*auslösung",
        "déclenchement",
        *participles("disjoncté"),
        "HS",
        "salto",
        "saltado",
        "disparo",
        "doorgebrand*",
        "uit",
    ),
    *("intervento", "intervenut*", "scatto", "fallo", "défectueux", "défectueuse"),
    *("defective", "end of life", "operated", "switched off", "disconnected", "dropped", "abgeschaltet"),
    *("angesprochen", "Auslösung", "rausgeflogen", "en alarme", *participles("sauté", "coupé"), "abierto*"),
    *("abierta*", "desconectad*", "quemad*", "averiad*", "defecte", "geactiveerd", "afgeschakeld"),
    *(
        "allarme",
        "intervenuta",
        "guasto",
        "attivat*",
        "activée",
        "activés",
        "activées",
        "activad*",
        "aktiviert",
        "pops",
        "popped",
        "gone",
    ),
    *(
        "fallen",
        "kaputt",
        "geflogen",
        "ha saltado",
        "saltada",
        "saltó",
        "è saltato",
        "saltat*",
        "disgiunt*",
        "staccat*",
    ),
]
# A switch or a fuse by the letters of circuit diagrams, which error codes do not use.
LABELS = ["QF*", *(f"{letters}{n}" for letters in ("FU", "FB", "FC", "KF", "QS") for n in range(1, 13))]
LABEL_STATES = ["open", "opened", "off", "offen", "ouvert*", "abiert*", "apert*", "uit", "fault", "error", "alarm"]
# The currents at which residual current protection acts.
RESIDUAL_SIZES = [f"{size}{gap}mA{kind}" for size in (6, 30, 300) for gap in ("", " ") for kind in ("", "DC", "AC")]
RESIDUAL_SIZES += [f"{kind}{size}mA" for size in (6, 30, 300) for kind in ("DC", "AC", "RCD", "RDC")]
RESIDUAL_SIZES += ["6m A", "30m A", "300m A"]  # as names fall apart that are run together
SIZE_STATES = [
    *("fault", "error", "alarm", "trip*", "trigger*", "detected", "exceed*", "*Fehler", "Störung", "ausgel*"),
    *("erkannt", "überschr*", "défaut", "déclench*", "dépass*", "fallo", "disparad*", "detectad*", "superad*"),
    *("guasto", "scattat*", "intervenut*", "superat*", "*-fout", "fout", "aangesproken", "overschr*"),
]
BLOWN_IN_DUTCH = ["uitgevallen", "uitgeslagen", "gesprongen", "doorgeslagen", "doorgebrand", "gesmolten", "eruit"]
BLOWN_IN_DUTCH += ["afgevallen", "getript"]
# Fuses by names that mean something else as well, a stop, a seal or a valve: only together with what fuses do.
FUSES_OF_THE_HOUSE = [
    f"{name} {state}"
    for names, states in (
        (
            ("ALS", "ALS is", "stop", "stop is", "stoppen", "stoppen zijn"),
            BLOWN_IN_DUTCH,
        ),
        (("plomb", "plomb a", "plomb est", "plombs", "plombs ont", "plombs sont"), ["saut*", "fondu*", "grill*"]),
        (("plomos", "plomos han", "plomo"), ["saltado*", "fundido*", "quemado*"]),
        (("saltado los", "saltaron los", "saltan los", "saltado el"), ["plomos", "plomo"]),
        (("valvola", "valvola è", "valvole", "valvole sono"), ["saltat*", "bruciat*", "fus*"]),
    )
    for name in names
    for state in states
]
INSULATION_RESISTANCE = [
    *("Riso", "R_iso", "R iso", "Iso-Widerstand", "aislamiento", "isolamento", "isolement", "Isolationswert*"),
    *("insulation resistance", "isolation resistance", "insulation impedance", "Isolationswiderstand*"),
    *("résistance d'isolement", "resistencia de aislamiento", "isolatieweerstand", "resistenza di isolamento"),
    *("resistenza d'isolamento", *ITSELF),
]
TOO_LOW = [
    *("low", "too low", "below*", "fault", "error", "alarm", "bad", "poor", "zu niedrig", "zu gering", "niedrig"),
    *("unterschritten", "Fehler", "schlecht", "faible", "bas", "basse", "insuffisante", "trop basse", "mauvais*"),
    *("baja", "bajo", "insuficiente", "laag", "te laag", "slecht", "bassa", "basso", "insufficiente"),
]
TRIPPED_WORDS = [
    *("tripped", "trips", "trip", "blown", "triggered", "ausgelöst", "durchgebrannt", "gefallen", "rausgeflogen"),
    *(
        "déclench*",
        *participles("disjoncté"),
        *participles("grillé"),
        "disparad*",
        "saltad*",
        "fundid*",
        "gesprongen",
        "uitgevallen",
        "scattat*",
    ),
    *("intervenut*", "bruciat*", "6mA", "6 mA", "exceed*", "too high", "over limit", "zu hoch", "detected", "erkannt"),
]
# What the protection acts upon: to say it is enough.
SURGE_ARRESTERS = [
    *("SPD", "SPDs", "surge protect*", "surge suppress*", "*arrester*", "*arrestor*", "Überspannungsschutz*"),
    *("Überspannungsableiter", "parafoudre*", "protector de sobretensiones", "limitador de sobretensiones"),
    *("overspanningsbeveiliging", "scaricatore", "limitatore di sovratensione", "lightning protection*"),
    *(word for word in ITSELF if word != "!device fault*"),
]
FAILED = [
    *("fail*", "fault*", "error", "replace*", "worn", "exhausted", "verschlissen", "verbraucht", "ausgefallen"),
    *("Fehler", "Störung", "Ausfall", "tauschen", "usé*", "à remplacer", "en panne", "agotad*", "fallo", "averiad*"),
    *("defecto", "versleten", "vervangen", "kapot", "storing", "esaurito", "guasto", "da sostituire"),
]
# A current above what is allowed, in whatever words.
CURRENT = [
    *(
        "current",
        "currents",
        "intensidad",
        "*strom",
        "courant",
        "corriente",
        "*stroom",
        "corrente",
        "!limit active",
        "!limit reached",
        "!limited",
        "!limit set*",
        "!limit changed",
        "!current limit*",
    ),
    *(
        "!component",
        "!DC injection",
        "!balancing",
        "!*begrenz*",
        "!setpoint",
        "!*sollwert*",
        "!configur*",
        "!konfigur*",
        "!pilot*",
        *ITSELF,
    ),
]
TOO_HIGH = [
    *("te hoge", "zu hoher", "zu hohen", "zu hohem", "zu hohe", "troppo elevat*", "demasiado elevad*"),
    *("more", "meer", "più", "más"),
    *("exceed*", "above", "too high", "too much", "higher than", "over limit", "over the limit", "out of limit*"),
    *("zu hoch", "über dem*", "über den*", "überschr*", "überstieg*", "mehr", "trop élevé*", "dépass*", "supérieur*"),
    *("demasiado alta", "demasiada", "excesiv*", "supera", "superó", "superior", "te hoog", "overschr*", "boven"),
    *("troppo alta", "eccessiv*", "superat*", "oltre"),
]
# A test of the insulation that failed found it bad; one of the monitor by itself did not.
INSULATION_TESTS = [
    *(
        f"{of} {test} {failed}"
        for of in ("insulation", "isolation")
        for test in ("test", "check", "detection", "measurement")
        for failed in ("fail*", "fault*", "error", "not passed", "nok")
    ),
    *("Isolationsprüfung fehlgeschlagen", "Isolationstest fehlgeschlagen", "Isolationsmessung fehlgeschlagen"),
    *("test d'isolement échoué", "échec du test d'isolement", "prueba de aislamiento fallida", "isolatietest mislukt"),
    *("test di isolamento fallito", "prova di isolamento fallita", "!·ed to start", "!·ed to run"),
]
# Compounds of such a current with what reports it: "Überstromalarm", "foutstroommelding".
REPORTED_CURRENTS = [
    current + reported
    for currents, reports in (
        (
            (
                *("Überstrom", "Fehlerstrom", "Kurzschluss", "Erdschluss", "Überlast", "Überlastungs", "Isolations"),
                *("Differenzstrom", "Ableitstrom", "Leckstrom", "Fehlerstromschutz", "Fehlerstromüberwachungs"),
            ),
            ("alarm*", "fehler*", "meldung*", "warnung*", "störung*", "abschaltung*", "auslösung*"),
        ),
        (
            ("overstroom", "foutstroom", "lekstroom", "kortsluit", "aardlek", "aardfout", "overbelastings", "isolatie"),
            ("alarm*", "fout*", "melding*", "storing*", "uitschakeling*"),
        ),
    )
    for current in currents
    for reported in reports
]
FAULT_CURRENT_WORDS = [
    *OF_OTHER_FORCES,
    *REPORTED_CURRENTS,
    *("corrente residua", "correnti residue", "corrente di fuga", "courant de défaut", "corriente de defecto"),
    *("foutstroom", "lekkage naar aarde", "over curr", "over-curr", "overcurr", "ovrcurr", "OC fault", "OC trip"),
    *("OC protection", "!weld*", "!*schweißt*", "!verklebt*", "!kleb*", "!soudé*", "!soldad*", "!saldat*"),
    *("!vastgesmolten", "!PP", "!set to", "!set at", "!eingestellt*", "!réglé*", "!ajustad*", "!ingesteld*"),
    *("!impostat*", *INSULATION_TESTS),
    *FUSES_OF_THE_HOUSE,
    *("Iso-Fehler", "Isofehler", "iso fault", "iso error", "défaut iso", "Iso-Alarm"),
    # As two words.
    *("sobre corriente", "sobre intensidad", "sur intensité", "sovra corrente", "over stroom", "over belasting"),
    *("!aviso sobre", "!datos sobre", "!info* sobre", "!information* sur"),
    *("fase a tierra", "fases a tierra", "salida a tierra", "descarga a tierra"),
    *("fault to earth", "fault to ground", "fault to PE", "Phasenschluss", "Schluss gegen Erde"),
    *("short between", "short L1", "short L2", "short L3", "shorting"),
    *("short to ground", "short to earth", "short to PE", "bus short", "output short", "phase short", "Idn exceeded"),
    *("I_delta_n exceeded", "IΔn exceeded", "IΔn überschritten", "Idn überschritten"),
    *("over-consumption", "overconsumption", "surconsommation", "sobreconsumo", "*überstrom", "*überlast"),
    *("*überlastung", "*kurzschluss", "*erdschluss", "*leckstrom", "*leckströme", "*ableitstrom", "*overstroom"),
    *("*kortsluiting", "*lekstroom", "*aardfout", "*overbelasting"),
    *("arrester failure", "arrestor failure", "MCB failure", "MCCB failure", "différentiel activé"),
    *("disjoncteur activé", "parafoudre activé", "DC fault detected", "DC fault current", "DC leakage", "AC leakage"),
    *("!diode*", *ITSELF),
    *("*kurzgeschloss*", "differentieel*", "reststroom", "reststroomfout", "leak current"),
    *("residual DC current", "residual AC current", "DC residual", "residual DC"),
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
    *("insulation error", "isolation error", "Differenzstrom", "Ableitstrom", "Sicherungsfall", "défaut à la terre"),
    *("fallo a tierra", "fuga de corriente", "dispersione", "fuse failure", "isolation failure", "défaut différentiel"),
    *(
        "defecto de aislamiento",
        "corto circuito",
        "insulation alarm",
        "défaut isolement",
        "perdita di isolamento",
        "!limit",
    ),
    *("kortsluit*", "Kurzschl*", "court-circuit*", "cortocircuit*", "surintens*", "sobreintens*", "sovracorrent*"),
    *(
        "isolatiefout*",
        "aardfout*",
        "lekstroom",
        "lekstromen",
        "lekstroomfout",
        "lekstroomdetectie",
        "earth leak*",
        "leakage current*",
        "défaut d'isolation",
        "défaut isolation",
    ),
    *("défaut terre", "guasto isolamento", "guasto di terra", "guasto a massa", "masseschluss", "Körperschluss"),
    *("fallo aislamiento", "!temperature sensor*", "!Temperatursensor*", "!thermistor", "!NTC", "!PT100"),
    *("!sonda", "!sonde", "!temperatuursensor"),
    *("Überlast*", "Überstrom", "Überströme", "Überstromfehler", "Überstromabschaltung", "Überstromauslösung"),
    *("*fehlerstrom", "Fehlerströme", "Fehlerstromerkennung", "Fehlerstromauslösung", "Fehlerstromabschaltung"),
    *("Fehlerstromalarm", "Fehlerstromfehler", "Kurzschluß", "Kurzschlüsse", "Erdfehler"),
    *("Erdschluß", "Isolationsverlust", "Isolationsproblem", "surcharge", "surcharges", "fuite à la terre"),
    *("fuite de courant", "sobrecarga*", "corriente de fuga", "corriente diferencial", "fallo de tierra"),
    *("defecto a tierra", "overbelast*", "aardlekstroom", "reststroom", "aardsluiting", "isolatiedefect"),
    *("verschilstroom", "sovraccaric*", "guasto verso terra", "dispersione verso terra", "corto circuito"),
    *("difetto di isolamento", "perdita d'isolamento", "excess current", "current too high", "shorted"),
    *("Strom zu hoch", "courant trop élevé", "corriente demasiado alta", "stroom te hoog", "corrente troppo alta"),
    *("!liquid", "!coolant", "!water", "!oil", "!fluid", "!server", "!CPU", "!memory", "!EV battery", "!charging fee"),
    *("SPD failure", "surge protection failure", "breaker failure", "!pilot*", "!proximity"),
]
# The vehicle and its battery are hot or wet without a sensor of the station.
OF_THE_VEHICLE = [
    *("!pack", "!cell", "!cells", "!celda*", "!*zelle*", "!cellule*", "!cella", "!celle", "!on-board", "!onboard"),
    *(
        "!OBC",
        "!BMS",
        "!battery*",
        "!Batterie*",
        "!batteries",
        "!baterías",
        "!batería",
        "!batterij*",
        "!batteria",
        "!*batterie*",
    ),
    *("!*akku*", "!accu*"),
]
# Switches that close when something is wrong.
ALARM_CONTACTS = [
    f"{part} {switch} closed"
    for part in ("flood", "water", "leak", "smoke", "tilt", "shock", "vibration", "heat")
    for switch in ("switch", "contact")
]
# What a station watches, as one word with its watching: "Waterdetectie", "Wassermeldung".
WATCHING = [
    watched + watching
    for watched_things, watchings in (
        (
            ("water", "lek", "lekkage", "vocht", "rook", "brand", "inbraak", "kantel", "schok", "tril", "diefstal"),
            ("detectie", "melding", "bewaking"),
        ),
        (
            ("Wasser", "Leck", "Leckage", "Feuchte", "Rauch", "Brand", "Einbruch", "Kipp", "Schock", "Diebstahl"),
            ("detektion", "erkennung", "meldung", "warnung"),
        ),
    )
    for watched in watched_things
    for watching in watchings
]
# What protects against people, by what it protects against.
AGAINST_PEOPLE = [
    *(
        prefix + harm
        for harm in (
            *(
                "tamper*",
                "theft",
                "vandal*",
                "intrusion*",
                "sabotage*",
                "manipulation*",
                "vol",
                "effraction",
                "sabotaje",
            ),
            *("manipula*", "intrusión", "robo", "manomission*", "effrazion*", "furto", "intrusion*", "vandalism*"),
            *("sabotagg*", "diefstal*", "inbraak*", "tilt"),
        )
        for prefix in ("anti", "anti-")
    ),
    "antirrobo*",
    *(
        harm + protection
        for harm in ("Diebstahl", "Sabotage", "Manipulations", "Einbruch", "Vandalismus", "diefstal", "inbraak")
        for protection in ("schutz*", "sicherung", "überwachung", "beveiliging")
    ),
]
# What is noticed, in the forms that verbs take and together with what notices it, but no names that begin so.
NOTICED = [
    noticed + ending
    for noticed in ("tilt", "crash", "flood")
    for ending in (
        "",
        "s",
        "es",
        "ed",
        "ing",
        "sensor*",
        "detect*",
        "alarm*",
        "switch*",
        "contact*",
        "fault*",
        "error*",
    )
]
# Alarms by what they tell of, where it stands behind them or is one word with them.
ALARMS_OF = [
    alarm + what
    for alarms, whats in (
        (
            ("allarme ", "allarme di ", "allarme per "),
            (
                *("furto", "furti", "fuoco", "fumo", "fumi", "incendio", "porta", "portello", "temperatura", "acqua"),
                *("allagamento", "intrusione", "manomissione", "urto", "vibrazione", "inclinazione", "calore"),
            ),
        ),
        (
            ("alarme ", "alarme de ", "alarme d'", "alarme anti-"),
            (
                *("fumée", "fumées", "incendie", "feu", "porte", "capot", "vol", "intrusion", "eau", "inondation"),
                *("choc", "vibration", "température", "effraction", "inclinaison", "chaleur"),
            ),
        ),
        (
            ("alarma ", "alarma de ", "alarma por ", "alarma anti"),
            (
                *("humo", "humos", "incendio", "incendios", "fuego", "puerta", "robo", "agua", "inundación", "calor"),
                *("temperatura", "golpe", "vibración", "intrusión", "inclinación", "sabotaje"),
            ),
        ),
        (
            ("alarm ",),
            ("rook", "brand", "deur", "inbraak", "water", "temperatuur", "diefstal", "kanteling", "schok", "vocht"),
        ),
        (
            (
                *("rook", "brand", "deur", "inbraak", "water", "temperatuur", "diefstal", "kantel", "schok", "vocht"),
                *("Rauch", "Brand", "Feuer", "Tür", "Einbruch", "Diebstahl", "Wasser", "Temperatur", "Neigungs"),
                *("Erschütterungs", "Sabotage", "Hitze", "Feuchte"),
            ),
            ("alarm*",),
        ),
    )
    for alarm in alarms
    for what in whats
]
# What protects against heat, by the letters of data sheets and by what it protects.
HEAT_PROTECTION = [
    f"{part} {letters}"
    for part in (
        *("plug", "connector", "gun", "cable", "charger", "module", "cabinet", "board", "PCB", "internal", "relay"),
        *("heatsink", "input", "output", "ambient", "terminal", "socket", "inlet", "outlet", "coupler", "MOS", "IGBT"),
    )
    for letters in ("OTP", "overtemp", "over temp", "over-temp", "ultra temp")
]
HEAT_PROTECTION += ["ultra temp", "running hot", "is hot", "very hot", "getting hot", "gets hot"]
SENSOR_WORDS = [
    *CONNECTIONS,
    *("humidity warning", "humidity alert", "temperature warning", "temperature alert", "surriscaldat*", "oververhit*"),
    *(*participles("surchauffé"), "sobrecalentad*", "séisme*", "seismic sensor*", "seismic alarm*"),
    *("seismic event*", "sensor sísmic*", "sensore sismic*", "earthquake*", "Erdbeben*", "terremoto", "aardbeving*"),
    *("thermistor trip*", "PTC trip*", "Thermistor ausgelöst", "Kaltleiter ausgelöst"),
    *("termistor disparad*", "termistore scattat*", "thermistance déclench*", "thermistor aangesproken"),
    *ALARM_CONTACTS,
    *ALARMS_OF,
    *HEAT_PROTECTION,
    *WATCHING,
    *AGAINST_PEOPLE,
    *OF_THE_VEHICLE,
    *("Übertemperatur", "Überhitzung", "Überschwemmung"),
    *("thermal derat*", "thermal throttl*", "thermal limit*", "thermal cut*", "Anprall*"),
    *("gegen Säule", "gegen die Säule", "rammt", "reingefahren", "nass", "ist feucht", "is nat"),
    *(
        "waterinfiltrati*",
        "been hit",
        "was hit",
        "got hit",
        "überflut*",
        "geflutet",
        "unter Wasser",
        "onder water",
        "sous l'eau",
    ),
    *(
        "bajo el agua",
        "sott'acqua",
        "chute de",
        "borne tombée",
        "est tombée",
        "caída del",
        "se ha caído",
        "caduta della",
    ),
    *("is fallen", "door alarm", "temperature alarm", "theft alarm", "fire detected", "on fire"),
    *("soggy", "is wet", "wet inside", "wet connector", "drenched", "durchnässt", *participles("mouillé"), "mojad*"),
    *("bagnat*", "smoking", "sensor reading high", "sensor reading too high", "sensor reads high"),
    *("immersion", "immersed", "heat detected", "under water", "access control open*"),
    *("!in case of",),
    # moved, hit, broken into
    *NOTICED,
    *("ERR_TILT*", "*TiltDetected", "gekippt", "Kippsensor", "Neigungssensor", "inclin*", "kantel*"),
    *(
        "gekanteld",
        "shock",
        "shocks",
        "shock sensor",
        "impact",
        "collision*",
        "vibration*",
        "tamper*",
        "vandalism",
        "Erschütterung*",
    ),
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
    *("water ingress", "*WaterIngressDetected", "water detected", "water leak*", "water alarm", "moisture"),
    *("warning humidity", "Wassereintritt", "Wasser erkannt", "Feuchtigkeit", "Überflutung", "infiltration d'eau"),
    *("présence d'eau", "inondation", "entrada de agua", "inundación", "water gedetecteerd", "waterindringing"),
    *("infiltrazione d'acqua", "allagamento", "smoke", "fire alarm", "Rauch*", "Brandmelder", "fumée", "humo", "rook"),
    *("fumo", "over temp*", "over-temp*", "overtemp*", "high temp*", "temperature too high", "temphigh", "too hot"),
    *("temperature is too high", "temperature outside limits", "abnormal temperature", "critical temp*"),
    *("*Übertemperatur", "Temperatur zu hoch", "*Temperatur hoch"),
    *("zu heiß", "Temperaturgrenzwert überschritten", "Temperatur auffällig", "Überhitzung", "surchauffe"),
    *("température trop élevée", "surtempérature", "température anormale", "sobretemperatura", "temperatura anómala"),
    *("sobre temperatura", "sur température", "sovra temperatura", "over temperatuur"),
    *("temperatura demasiado alta", "oververhitting", "temperatuur te hoog", "sovratemperatura"),
    *("temperatura troppo alta",),
    # cut off
    *("cable cut", "cut cable", "cable theft", "stolen"),
    *("Kabel durchtrennt", "Kabeldiebstahl", "câble sectionné", "vol de câble", "cable cortado", "robo de cable"),
    *("kabel doorgeknipt", "kabeldiefstal", "cavo tagliato", "furto di cavo"),
    # beside these, it is spoken of for another reason
    *("!communication", "!diode", "!hazard", "!CP", "!process", "!firmware", "!application", "!software", "!watchdog"),
    *("!Anwendung", "!battery", "!Batterie*", "!batteries", "!baterías", "!impact on", "!on charging"),
    # the same in other words
    *(
        "intrusion",
        "anti-theft",
        "theft",
        "door not closed",
        "doors not closed",
        "door switch open",
        "ingress of water",
    ),
    *("liquid detected", "overheat*", "temperature above", "temperature exceeded", "max temperature"),
    *("Schieflage", "umgefahren", "Aufprall*", "Wassereinbruch"),
    *("*kontakt offen", "überhitzt", "gestohlen", "abgeschnitten", "coffret ouvert"),
    *("ouverture de porte", "température excessive", "apertura de puerta", "sobrecalentamiento"),
    *("deurcontact open", "vandalisme", "temperatuur overschreden", "oververhit", "anta aperta"),
    *("surriscaldamento", "temperatura alta", "neigung*", "basculement", "!report", "!call", "!light*"),
    *("schok*", "schock*", "Stoß*", "sabot*", "Wasseralarm*", "wateralarm*", "wateroverlast", "tamper*"),
    *("intrusi*", "intrusie", "urtat*", "golpead*", "omgereden", "knocked*", "vocht*", "brandalarm*", "incend*"),
    *("Wasserstand*", "hot connector", "connector hot", "fell over"),
    *(
        "colpit*",
        *participles("heurté"),
        "gerammt",
        "rammed",
        "umgekippt",
        "overturned",
        "ouverture non autorisée",
        "vandali*",
    ),
    *(
        "aufgebrochen",
        "forced open",
        "forcée",
        "forcées",
        "a été forcé",
        "coffret forcé",
        "capot forcé",
        "verrou forcé",
        "gekantelt",
        "scheefstand",
        "aufgeheizt",
        "verbrannt",
        "burn*",
    ),
    *("brûl*", "quemado el conector", "verbrand*", "verschroeid", "melted", "geschmolzen", "Feuer*", "fire"),
    *("kipp*", "Schräg*", "schief", "scheef", "penchée", "umgestürzt", "umgefallen", "angefahren", "Anfahr*"),
    *("Kollision*", "Zusammenstoß", "knocked over", "fallen over", "hit by", "leaning", "accelerometer"),
    *("collisione", "colisión", "aanrijding*", "aangereden", "botsing*", "omgevallen", "renversée", "percutée"),
    *("volcad*", "inclinad*", "ribaltat*", "manipul*", "vandal*", "unauthorised access", "unauthorized access"),
    *("unbefugt*", "accès non autorisé", "acceso no autorizado", "break-in", "Einbruch*", "effraction", "inbraak"),
    *("effrazione", "thermal shutdown", "thermal protection", "thermal trip", "Temperaturabschaltung", "hot plug"),
    *("arrêt thermique",),
    *("flooding", "überschwemm*"),
    *(
        "Hochwasser",
        *participles("inondé"),
        "inundad*",
        "overstroming",
        "allagat*",
        "Rauchentwicklung",
        "too warm",
        "zu warm",
    ),
    *("trop chaud*", "demasiado caliente", "te heet", "te warm", "troppo cald*", "kabelbruch", "!animation"),
    *("!display", "!absorber", "!service due", "!temperature sensor fault", "!tilt sensor fault", "!not reachable"),
    *("!low battery", "!battery low", "!mounting", "!maintenance"),
]
# "Emergency", as displays without room for it write it.
EMERGENCY_SHORT = ["emg", "emg.", "emerg", "emerg.", "emer", "emer.", "emgcy", "emcy", "emrg", "emgy"]
# A stop that is tried on purpose.
ON_PURPOSE = [
    *("!· test*", "!·test*", "!·-test*", "!test ·", "!test d'·", "!test dell'·", "!test van ·", "!test de l'·"),
    *("!prueba de ·", "!prova di ·", "!essai ·", "!essai d'·", "!· drill", "!· exercise", "!·-Übung", "!· inspection"),
]
# Stops by hand: what was activated is what protects.
EMERGENCY_WORDS = [
    *ON_PURPOSE,
    *(f"{short} {part}" for short in EMERGENCY_SHORT for part in ("stop*", "button", "switch", "off", "btn", "pb")),
    *(f"{short} {done}" for short in EMERGENCY_SHORT for done in ("press*", "push*", "activ*", "trigger*", "latched")),
    *(
        f"{short} {done}"
        for short in EMERGENCY_SHORT
        for done in ("betätigt", "gedrückt", "premut*", "pulsad*", "appuy*")
    ),
    *("em stop", "em. stop", "e/stop", "e. stop", "e.stop", "nood stop", "BAU", "stop d'urgence", "stop emerg*"),
    *("mushroom*", "Schlagtaster", "Pilztaster", "Pilzknopf", "Nottaster", "Not-Taster", "seta pulsad*"),
    *("seta enclavad*", "seta activad*", "fungo premut*"),
    *("emergency stop*", "emergency pressed", "emergency button", "E-stop", "estop", "EMO", "Not-Aus"),
    *("Notaus", "Not-Halt", "arrêt d'urgence", "parada de emergencia", "paro de emergencia"),
    *("seta de emergencia", "noodstop", "pulsante di emergenza", "arresto di emergenza", "emergenza", "EPO"),
    *("emergency", "Nothalt", "Notschalter", "Notstopp", "arrêt urgence", "coup de poing", "emergencia"),
    *("noodknop", "bouton d'urgence", "pulsador de emergencia", "Notausschalter", "Not-Aus*", "Notaus*"),
    *("Not-Halt*", "emergency switch", "emergency off", "panic button", "e-stop*", "noodstop*"),
    "arresto d'emergenza",
    *(word for word in SENSOR_WORDS if word.startswith("!") and word not in (*CONNECTIONS, "!watchdog")),
]
# Of what sensors notice, what is gone because somebody took it.
STOLEN = re.compile("cab|kabel|câble|cavo|stol|gestohl|theft|vol|robo|furto|diefstal|diebstahl|abgesch", re.IGNORECASE)
# Parts and their states, in whatever order a charger names them.
DOORS = [
    *CONNECTIONS,
    *("*abdeckung", "*haube", "*gehäuse", "*schrank", "*blende", "Türschalter*", "*deur", "*paneel", "*klep", "*kast"),
    *("*deksel", "*luik", "*behuizing", "bezel", "shroud", "carter", "caperuza", "frontalino"),
    *("Gehäusetür", "Schaltschranktür", "Schranktür", "Servicetür", "Wartungstür", "Fronttür", "Säulentür"),
    *("portello", "portellone", "vandal panel", "anti-tamper switch", "tamper*", "Wartungsklappe", "luik", "paneel"),
    *("door", "doors", "cover", "lid", "hatch", "enclosure", "housing", "cabinet", "panel", "door switch", "flap"),
    *("door contact", "tamper contact", "tamper switch", "Tür", "Türe", "*tür", "Türkontakt*", "*kontaktschalter"),
    *("Gehäuse", "Deckel", "Abdeckung", "Klappe", "*klappe", "*deckel", "Sabotagekontakt", "porte", "capot"),
    *("boîtier", "coffret", "armoire", "contact de porte", "trappe", "couvercle", "puerta", "tapa", "armario"),
    *("contacto de puerta", "cubierta", "carcasa", "deur", "deurcontact", "behuizing", "kast", "klep", "deksel"),
    *("kastdeur", "porta", "sportello", "coperchio", "armadio", "contatto porta", "involucro", "anta", "pannello"),
    *("!SIM", "!lock*", "!*schloss", "!*riegel", "!verrou*", "!serrure*", "!cerradura*", "!*slot", "!serratura*"),
    *(
        "!cierre*",
        "!capteur*",
        "!sensore*",
        "!*sensor",
        "!vehicle",
        "!Fahrzeug",
        "!display",
        "!port",
        "!session",
        "!circuit",
    ),
    *("!fuel", "!motor"),
]
# Of these, what is there to be opened: a fan of a cabinet breaks as well, and a door is named when it is open.
LEAVES = [
    *("door", "doors", "hatch", "flap", "Tür", "Türe", "*tür", "*klappe", "porte", "trappe", "puerta", "deur", "*deur"),
    *("luik", "porta", "sportello", "portello", "portellone", "anta", "tamper contact", "tamper switch"),
    *(word for word in DOORS if word.startswith("!")),
]
DOOR_STATES = [
    *("abgenommen", "fehlt", "missing", "manquant*", "falta", "manca", "ontbreekt", "weggenomen", "breach*"),
    *("nicht verschlossen", "nicht verriegelt", "not locked", *participles("non verrouillé"), "niet vergrendeld"),
    *participles("pas verrouillé"),
    *("open*", "ajar", "removed", "not closed", "unlocked", "triggered", "tripped", "activated", "alarm", "forced"),
    *("offen", "steht offen", "geöffnet", "entfernt", "nicht geschlossen", "nicht zu", "ausgelöst", "aufgebrochen"),
    *(
        "unverschlossen",
        "ouvert*",
        *participles("retiré"),
        *participles("pas fermé"),
        *participles("non fermé"),
        *participles("mal fermé"),
        "abiert*",
        "retirad*",
    ),
    *("no cerrad*", "no está cerrad*", "sin cerrar", "forzad*", "open", "geopend", "niet gesloten", "niet dicht"),
    *("verwijderd", "apert*", "rimoss*", "non chius*", "forzat*", "scassinat*", "alarme", "alarma", "allarme"),
    *(*participles("déclenché"), "activad*", "geactiveerd", "attivat*", "ouverture", "apertura", "opening", "Öffnung"),
]
HEAT = [
    *("temperature range", "Temperaturbereich*", "*temperatuurbereik*", "plage de température", "rango de temperatura"),
    *("campo di temperatura", "!takes over", "!take over", "!took over", "!taken over", "!switched over", "!over to"),
    *("hot", "heiß", *participles("chaud"), "caliente", "heet", "caldo", "!hot standby", "!hot swap*"),
    *("Temperaturgrenz*", "Temperaturlimit*", "Temperaturschwelle", "*temperaturen", "*temperatuur", "temperatures"),
    *("températures", "temperaturas", "temperature di", "temperatuurgrens", "temperatuurlimiet", "thermal"),
    *OF_THE_VEHICLE,
    *("temperature", "*temperatur", "*temperature", "température*", "temperatura", "temperatuur", "humidity"),
    *("*feuchte", "*feuchtigkeit", "humidité", "humedad", "vochtigheid", "*vochtigheid", "umidità", "temp", "heat"),
    *ITSELF,
    *("!sensor out of*", "!sensor outside*", "!sensor abnormal*", "!vehicle", "!Fahrzeug*", "!EV", "!CPU"),
    *("!batterie", "!batterij", "!batteria", "!batería", "!véhicule", "!vehículo", "!voertuig", "!veicolo"),
]
HEAT_STATES = [
    *("überschreit*", "übersteig*", "too fast", "too quickly", "zu schnell", "te snel", "trop vite", "trop rapide*"),
    *("demasiado rápid*", "troppo velocemente", "troppo rapid*"),
    *("hoge", "hohe", "haute", *participles("élevé"), "supérieur*", "superior*", "higher than", "hoger dan"),
    *("höher als", "mehr als", "more than", ">*"),
    *(*participles("trop élevé"), "demasiado alto", "troppo alto", "elevato", "te groot", "zu groß"),
    *("reached", "erreicht", *participles("atteint"), "alcanzad*", "raggiunt*", "bereikt", "über", "au-delà", "sopra"),
    "over",
    *("derat*", "reduc*", "throttl*", "reduzier*", "gedrosselt", "réduit*", "ridott*", "verlaagd", "über Grenz*"),
    *("über dem*", "über Limit", "überhöht", "au-dessus*", "dépasse*", "por encima*", "supera", "boven*", "oltre"),
    *("too high", "high", "exceed*", "above*", "over limit", "alarm", "critical", "excess*", "abnormal", "shutdown"),
    *("zu hoch", "hoch", "erhöht", "überschritten", "kritisch", "Abschaltung", "excessi*", "élevée", "trop haute"),
    *("dépassée", "critique", "excesiv*", "exceso", "alta", "elevada", "superad* el límite", "crítica", "te hoog"),
    *("overschreden", "hoog", "kritiek", "eccessiv*", "troppo alta", "elevata", "superata la soglia", "critica"),
    *("alarme", "alarma", "allarme", "outside limits", "out of range"),
]
# "A sensor was triggered", whatever it watches.
DETECTORS = [
    *("*sensor*", "capteur*", "détecteur*", "*detector*", "*detektor*", "*melder*", "sensore*", "rilevatore*"),
    *("sonda", "sonde", "*wächter*", "!proximity", "!occupancy", "!parking", "!light*", "!current", "!vehicle"),
    *("!communication", "!battery", "!CP", "!pilot", "!Strom*", "!courant", "!corriente", "!corrente", "!metal*"),
    *("!meter", "!bay", "!presence", "!radar", "!lock*", "!motion"),
]
TRIGGERED = [
    *("trigger*", "tripped", "activated", "alarm", "ausgelöst", "angesprochen", "hat ausgelöst", "Alarm", "aktiviert"),
    *(
        "déclench*",
        "activée",
        "activés",
        "activées",
        "alarme",
        "activad*",
        "disparad*",
        "alarma",
        "geactiveerd",
        "aangesproken",
        "getriggerd",
    ),
    *("afgegaan", "attivat*", "scattat*", "intervenut*", "allarme", "went off", "in alarm", "schlägt an"),
]
# That it rises is an alarm only of what is broken anyway.
HEAT_RISES = ["temperature increase*", "temperature rise*", "increase in temperature", "Temperaturanstieg*"]
HEAT_RISES += ["aumento di temperatura*", "aumento de temperatura*", "hausse de température*", "temperatuurstijging*"]
CABLE = ["cable", "*kabel", "câble", "cavo", "Leitung", "laadkabel"]
CABLE_STATES = [
    *("weg", "manquant", "falta", "faltante", "manca", "mancante", "ontbreekt", "verdwenen", "is gone"),
    *("gekappt", "abgetrennt", "durchgetrennt", "geklaut", "vandali*", "chopped", "snipped"),
    *("cut", "severed", "stolen", "theft", "missing", "ripped", "torn", "durchtrennt", "durchgeschnitten", "gestohlen"),
    *("abgerissen", "abgeschnitten", "fehlt", "entwendet", "coupé", "sectionné", "volé", "arraché", "cortado"),
    *("robado", "arrancado", "doorgesneden", "doorgeknipt", "gestolen", "tagliato", "rubato", "reciso", "strappato"),
]
DAMP = [
    *("water", "Wasser", "eau", "d'eau", "l'eau", "agua", "acqua", "d'acqua", "liquid", "fluid", "coolant", "smoke"),
    *("fire", "Rauch*", "Brand*", "Feuer*", "fumée", "incendie", "humo", "incendio", "rook*", "brand", "fumo"),
    *("Flüssigkeit", "Kühlmittel", "liquide", "líquido", "vloeistof", "liquido", "leak sensor", "leak detector"),
    *(
        "leak",
        "Leck",
        "lek",
        "Lecksensor",
        "lekkage*",
        "Leckage*",
        "fuite",
        "condens*",
        "Kondens*",
        "moisture",
        "!pump",
        "!battery",
    ),
    *("!firewall", "!firmware", "!flow", "!test", "!electric*", "!courant", "!current", "!corriente", "!corrente"),
    *("!*strom", "!*stroom", "!gaz", "!gas", *OF_THE_VEHICLE, *ITSELF),
]
DAMP_STATES = [
    *("detected", "detection", "alarm", "inside", "in cabinet", "in the cabinet", "in enclosure", "triggered"),
    *("activated", "active", "leak*", "ingress", "intrusion", "level", "leak sensor", "erkannt", "ausgelöst"),
    *(
        "im Gehäuse",
        "eingedrungen",
        "im Schrank",
        "Austritt",
        "Leck*",
        *participles("détecté"),
        "présence",
        "activée",
        "activés",
        "activées",
        "dans",
    ),
    *(
        *participles("déclenché"),
        "fuite",
        "detectad*",
        "activad*",
        "presencia",
        "dentro",
        "en el interior",
        "fuga",
        "gedetecteerd",
    ),
    *("in de kast", "in de behuizing", "actief", "geactiveerd", "rilevat*", "presenza", "attiv*", "all'interno"),
    *("perdita", "alarme", "alarma", "allarme", "lekkage", "aangetroffen", "sensor", "in the", "im", "nel", "nell*"),
    *("nella", "en el", "en la", "cooling", "eingetreten", "entrad*", "entrat*", "infiltr*", "binnen*"),
]
# What ends as a door does: it needs no word that it was open.
CLOSED_WORDS = [
    *("*temperature", "*temperatur", "Türkontakt", "coffret", "armario", "kast", "coperchio"),
    *("door", "doors", "cover", "lid", "enclosure", "housing", "Tür", "Gehäuse", "Deckel", "Abdeckung", "porte"),
    *("capot", "boîtier", "puerta", "tapa", "deur", "behuizing", "porta", "sportello", "temperature", "Temperatur"),
    *("température", "temperatura", "temperatuur", "alarm d'eau", "water", "Wasser"),
]
FAULT_WORDS = [
    *("leak", "leakage", "fuga", "fugas", "fuite", "dispersione", "lek"),
    *("fault", "faults", "error", "errors", "alarm", "alarms", "problem", "trip", "Fehler", "Störung", "Störungen"),
    *("Alarm", "Auslösung", "défaut", "défauts", "erreur", "alarme", "déclenchement", "fallo", "fallos", "error"),
    *("alarma", "avería", "fout", "fouten", "storing", "storingen", "guasto", "guasti", "errore", "errori", "allarme"),
]
# Sensors of a residual current: that such a one has triggered is what a breaker does that trips; that it is broken
# is not.
RESIDUAL_SENSORS = [
    *("*fehlerstromsensor*", "*differenzstromsensor*", "*stromwächter", "*fehlerstromüberwachung", "RCM-Sensor"),
    *("residual current sensor*", "residual current monitor*", "leakage current sensor*", "ground fault sensor*"),
    *("leakage sensor*", "capteur de courant résiduel", "capteur différentiel", "sensor de corriente residual"),
    *("sensor de fuga", "sensore di corrente residua", "sensore differenziale", "*lekstroomsensor*"),
    *("*reststroomsensor*", "6mA sensor", "6 mA sensor", "6mA-Sensor", "6 mA-Sensor", "DC-Sensor"),
]
# A part that is broken itself, or is spoken of for another reason.
# What holds the word of an end and is none: a part that is closed and ought not to be, an end that is asked for.
NOT_OVER = [
    *("!stuck closed", "!welded closed", "!fused closed", "!jammed closed", "!frozen closed", "!failed closed"),
    *("!welded", "!verschweißt", "!verklebt", "!klebt", "!collé*", "!soudé*", "!pegad*", "!soldad*"),
    *("!vastgelast", "!vastgebrand", "!incollat*", "!saldat*"),
    *("!unexpected*", "!unerwartet*", "!inattendu*", "!inesperad*", "!inaspettat*", "!onverwacht*", "!unintended*"),
    *("!by force", "!forced", "!locked out", "!limit reached", "!after open*", "!despite", "!although"),
    *("!closed error", "!closed fault", "!closed failure", "!closed sensor"),
]
# A restart that is asked for is none.
NOT_DONE = [
    *("!restart required", "!reboot required", "!reset required", "!requires restart", "!requires reboot"),
    *("!please restart", "!please reboot", "!waiting for restart", "!waiting for reboot", "!Neustart erforderlich"),
    *("!Neustart nötig", "!bitte neu starten", "!redémarrage nécessaire", "!redémarrage requis", "!limit reached"),
    *("!reinicio necesario", "!reinicio requerido", "!herstart vereist", "!herstart nodig", "!riavvio necessario"),
    # Nor is a limit that is passed.
    *("!superó", "!superad*", "!superat*", "!exceeded", "!exceeds", "!überschr*", "!dépass*", "!overschr*"),
    *("!riavvio richiesto", "!power module*", "!times"),
]
NOT_TRIPPED = [
    *ITSELF,
    *("!test*", "!*test", "!*tests", "!button", "!communication*", "!module", "!watchdog", "!firmware", "!rating"),
    *("!installed", "!fitted", "!type A", "!type B", "!typ A", "!typ B", "!type F", "!installiert", "!eingebaut"),
    *("!verbaut", *participles("!installé"), "!instalad*", "!geïnstalleerd", "!installat*"),
    *(
        f"!{ampere}{gap}A"
        for ampere in (6, 10, 13, 16, 20, 25, 32, 35, 40, 50, 63, 80, 100, 125, 160)
        for gap in ("", " ")
    ),
    *("!sensor*", "!monitoring", "!config*", "!version", "!mismatch", "!calibration", "!contactor"),
    *(
        "!Prüf*",
        "!Modul*",
        "!Kommunikation*",
        "!essai",
        "!prueba",
        "!prova",
        "!relay",
        "!welded",
        "!failure",
        "!unknown",
    ),
]
INSULATION = ["Isolation*", "insulation*", "isolement*", "aislamiento*", "isolatie*", "isolamento*"]
CALM_SUBJECTS = [
    word
    for word in (
        *FAULT_WORDS,
        *FUSE_WORDS,
        *FAULT_CURRENT_WORDS,
        *SENSOR_WORDS,
        *EMERGENCY_WORDS,
        *CLOSED_WORDS,
        *DOORS,
        *HEAT,
        *DAMP,
        *DETECTORS,
        *INSULATION,
    )
    if not word.startswith("!")
]
# What denies that a value can be believed says that it is not in order.
IMPLAUSIBLE = [
    f"!{no} {right}"
    for no in ("not", "nicht", "non", "pas", "no", "niet")
    for right in ("plausib*", "valid*", "gültig*", "válid*", "geldig*", "possible", "möglich", "possibile", "mogelijk")
]
# A test of it that failed says that it is not in order.
SELF_TEST_FAILED = [
    f"!{test} {failed}"
    for test in ("self test", "selftest", "Selbsttest", "autotest", "autodiagnostic", "autodiagnóstico", "zelftest")
    for failed in ("failure*", "error*", "fault*", "fail", "nok", "Fehler*", "erreur*", "échec*", "fallo*", "fout*")
]
TEST_FAILED = [
    *SELF_TEST_FAILED,
    *("!failed", "!fails", "!fehlgeschlagen", "!nicht bestanden", "!échoué*", "!échec", "!fallid*", "!falló"),
    *("!· bestanden", "!· passed", "!· réussi*", "!· superad*", "!· geslaagd", "!· superat*", "!· riuscit*"),
    *("!no superad*", "!mislukt*", "!niet geslaagd", "!fallit*", "!non superat*", "!non riuscit*"),
]
# What a station does for itself, which nobody has to come for.
HOUSEKEEPING = [
    *("remote shutdown", "manual shutdown", "swip*", "swipe"),
    *("firmware*", "software*", "update*", "upgrade*", "reboot*", "restart*", "rebooting", "power-on", "reset due"),
    *("*update", "Neustart*", "aktualisier*", "redémarrage*", "mise à jour", "reinicio*", "actualiza*", "herstart*"),
    *(
        "bijgewerkt",
        "riavvio*",
        "aggiorna*",
        "Wi-Fi",
        "WiFi*",
        "WLAN*",
        "backend",
        "Ethernet",
        "4G",
        "3G",
        "LTE",
        "DHCP",
    ),
    *("uploaded", "hochgeladen"),
    *("signal weak", "schwaches Funksignal", "signal faible", "authorization timeout", "AuthorizationTimeout"),
    *("token", "stopped remotely", "stopped manually", "stopped normally", "ferngestoppt", "manuell beendet"),
    *("normal beendet", "arrêt à distance", "arrêtée manuellement", "arrêt normal", "de forma remota"),
    *("detenida manualmente", "con normalidad", "USB*", "load balancing", "reconnect*", "config*"),
    *("Konfiguration*", "LIMITED_BY_CONFIG", "SIGNAL_WEAK", "calibrat*", "scheduled", "report uploaded", "loaded"),
    *(
        "alles in orde",
        "todo correcto",
        "tutto regolare",
        "alles in Ordnung",
        "all OK",
        "tout va bien",
        "RAS",
        "locked",
    ),
    *("maintenance mode", "Wartung*", "VendorWarning", "auto recovery", "NoInternet", "connection*", "WeakSignal"),
    *("limit*", "LIMIT_toNoPower", "vehicle*", "Fahrzeug*", "véhicule*", "vehículo*", "voertuig*", "veicolo*"),
    *("normaal", "AUTO_RECOVERY", "started"),
]
SELF_TESTS = ["zelftest*", "autotest*", "autodiagn*", "Selbsttest*", "tested", "self test"]
SELF_TESTS += [word for word in TEST_FAILED if "·" not in word]
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
# While one of these says so, nobody can charge, though it is not Faulted.
STOPPED = ["Unavailable", "SuspendedEVSE"]


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
    # -- 11 and 12: no error
    rule(
        11,
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
        12,
        "No error",
        "clear",
        "",
        "OCPP 1.6: there is no clear per error; a StatusNotification with NoError ends what the connector reported "
        "(EVerest docs). With status Faulted it says nothing (ev-server: Faulted with NoError right after boot). "
        "Information in vendorErrorCode is no alarm then (Amina AMINA_INFO).",
        actions=SN,
        codes=["NoError"],
        statuses=[*OPERATIVE, "Unavailable"],
    ),
    # -- 13: resolutions
    rule(
        13,
        "Breaker or RCD reconnected",
        "clear",
        FUSE,
        BENDER + "“MCB type 2 reconnected”, “RCD reconnected”, “Residual current situation resolved” end a fault while "
        "the error code still stands.",
        actions=SN,
        words=["reconnected", "situation resolved"],
    ),
    rule(
        13,
        "A breaker or fuse is said to be in order again",
        "clear",
        FUSE,
        EVEREST + "“Error MREC2GroundFailure resolved” comes while another error remains; others say “RCD re-armed”.",
        actions=SN + NE,
        words=[*FUSE_WORDS, *FAULT_CURRENT_WORDS, *EMERGENCY_WORDS, *NOT_OVER],
        and_words=ENDS,
        codes=NOT_WARNINGS,
    ),
    rule(
        13,
        "A sensor is said to be quiet again",
        "clear",
        SENSORS,
        EVEREST + "“Error TiltDetected resolved” comes while another error remains; others say “door closed”.",
        actions=SN + NE,
        words=SENSOR_WORDS,
        and_words=ENDS,
        codes=NOT_WARNINGS,
    ),
    rule(
        13,
        "A door is said to be closed, a temperature to be normal",
        "clear",
        SENSORS,
        "What ends needs no word for the sensor that was triggered. What is Faulted still is so for another reason.",
        actions=SN + NE,
        words=[*CLOSED_WORDS, *NOT_OVER],
        and_words=ENDS,
        codes=NOT_WARNINGS,
    ),
    *(
        rule(
            13,
            f"A fault {of} is said to be gone",
            "clear",
            case,
            "“Overcurrent gone”, “Überstrom weg”: what flows or burns is over when it is gone; a part that is gone is not.",
            actions=SN + NE,
            words=words,
            and_words=GONE,
            codes=NOT_WARNINGS,
        )
        for of, case, words in (
            ("current", FUSE, [*FAULT_CURRENT_WORDS, *EMERGENCY_WORDS]),
            ("that a sensor noticed", SENSORS, [*(word for word in SENSOR_WORDS if not STOLEN.search(word)), *DAMP]),
        )
    ),
    # -- 20: codes
    rule(
        20,
        "Over-current protection tripped",
        "raise",
        FUSE,
        SPEC16 + "OverCurrentFailure “Over current protection device has tripped”. " + BENDER + "in lower case.",
        actions=SN + NE,
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
        actions=SN + NE,
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
        codes=["CX004", "CX002", "CX021", "CX022"],
    ),
    rule(
        20,
        "MREC emergency stop",
        "raise",
        FUSE,
        MREC + "CX008 EmergencyStop. A judgement: a safety mechanism was activated.",
        codes=["CX008", "*MREC8EmergencyStop"],
    ),
    rule(
        20,
        "MREC cut cable",
        "raise",
        SENSORS,
        MREC + "CX026 CutCable. A judgement: a sensor is triggered.",
        codes=["CX026"],
    ),
    rule(
        20,
        "MREC high temperature",
        "raise",
        SENSORS,
        MREC + "CX003 HighTemperature, CX018 and CX019 of the cable. A judgement, as for HighTemperature.",
        codes=["CX003", "CX018", "CX019"],
    ),
    rule(
        20,
        "EVgo isolation monitor",
        "raise",
        FUSE,
        EVGO + "F006 chassis resistance low, F007 chassis capacitance high: an isolation monitor trips.",
        vendors=["com.evgo.mrec"],
        codes=["F006", "F007"],
    ),
    rule(
        20,
        "EVgo emergency stop",
        "raise",
        FUSE,
        EVGO + "A004 emergency stop pressed.",
        vendors=["com.evgo.mrec"],
        codes=["A004"],
    ),
    rule(
        20,
        "EVgo hot or cut cable",
        "raise",
        SENSORS,
        EVGO + "F009 cable over temperature, F010 cut cable.",
        vendors=["com.evgo.mrec"],
        codes=["F009", "F010"],
    ),
    rule(
        20,
        "Residual current codes of makers",
        "raise",
        FUSE,
        "Zaptec WARNING_RCD_6MA and _30MA (Apollo firmware), go-e FiAc, FiDc, FiUnknown and RCCB (API v2 err).",
        codes=["WARNING_RCD_6MA", "WARNING_RCD_30MA", "FiAc", "FiDc", "FiUnknown", "RCCB"],
    ),
    rule(
        20,
        "A code that only names what protects",
        "raise",
        FUSE,
        "“RCD” as the whole of a vendor’s code says that it acted; a text that says more is read by its words.",
        actions=SN,
        words=[
            f"={name}"
            for name in (
                *(
                    "RCD",
                    "RCM",
                    "RCMB",
                    "RCBO",
                    "RDC-DD",
                    "RDC-MD",
                    "MCB",
                    "GFCI",
                    "GFI",
                    "CCID",
                    "IMD",
                    "AFDD",
                    "AFCI",
                ),
                *("RDC6", "RDC6mA", "6mA", "DC6", *("".join(size.split()) for size in RESIDUAL_SIZES if "C" in size)),
                *("6mA DC", "DC 6mA", "DC 6 mA", "6 mA DC", "DC_6mA", "DC-6mA", "6mA_DC", "DC_LEAK", "DC_LEAKAGE"),
                *("DC leak", "DC-LEAK", "DCLEAK", "EMG", "EMERG", "EMCY", "EMGCY", "EMG_STOP", "EMGSTOP", "EM_STOP"),
            )
        ],
    ),
    rule(
        40,
        "An arc is reported",
        "raise",
        FUSE,
        "An arc fault is what an arc fault detection device (AFDD, AFCI) breaks the circuit for.",
        actions=SN + NE,
        codes=NOT_WARNINGS,
        words=[
            *(
                "arc fault*",
                "arc detect*",
                "arcing fault*",
                "arcing detect*",
                "arc flash*",
                "electric arc*",
                "series arc*",
                "parallel arc*",
            ),
            *("*lichtbogen*", "arc électrique*", "défaut d'arc*", "arc détecté*", "arco eléctrico*", "fallo de arco*"),
            *("falla de arco*", "vlamboog*", "arco elettrico*", "guasto da arco*", "arco voltaico*", "arcfault*"),
            *ITSELF,
        ],
    ),
    rule(
        40,
        "A switch is said to have tripped",
        "raise",
        FUSE,
        "Italians, Spaniards, French and Dutch call a circuit breaker a switch; what trips is one, but for those of doors.",
        actions=SN + NE,
        codes=NOT_WARNINGS,
        words=[
            *(
                "interruttore",
                "interruttori",
                "interruptor",
                "interruptores",
                "interrupteur",
                "interrupteurs",
                "schakelaar",
            ),
            *(
                "!porta*",
                "!portell*",
                "!puerta*",
                "!porte*",
                "!portière",
                "!deur*",
                "!luce",
                "!luz",
                "!lumière",
                "!licht",
            ),
            *("!inclina*", "!tamper*", "!antimanom*", "!kantel*", "!incl*", *ITSELF),
        ],
        and_words=[
            *("scattat*", "intervenut*", "saltat*", "disgiunt*", "sganciat*", "disparad*", "saltad*", "disyuntad*"),
            *(*participles("déclenché"), *participles("disjoncté"), "sauté*", "getript", "uitgevallen", "uitgeslagen"),
            *("eruit", "afgevallen", "ha saltado", "è scattato", "uitgeschakeld"),
        ],
    ),
    rule(
        20,
        "Temperature codes of makers",
        "raise",
        SENSORS,
        "Zaptec WARNING_TEMPERATURE (Apollo firmware); WARNING_TEMPERATURE_ERROR is a sensor that cannot be read.",
        codes=["WARNING_TEMPERATURE"],
    ),
    rule(
        20,
        "High temperature",
        "raise",
        SENSORS,
        SPEC16 + "HighTemperature. A judgement: a temperature sensor was triggered.",
        actions=SN + NE,
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
            *("*/DoorOpen", "*MREC26CutCable", "*MREC3HighTemperature"),
            *("*MREC18CableOverTempDerate", "*MREC19CableOverTempStop", "*/OverTemperature"),
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
            *("*/OverCurrentAC", "*/OverCurrentDC"),
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
        variables=[*DEFECTS, "Active"],
    ),
    rule(
        30,
        "RCD tripped",
        "raise",
        FUSE,
        SPEC2 + "RCD.Tripped “Breaker opened (manual reset required)”.",
        actions=NE,
        components=["RCD"],
        variables=[*DEFECTS, "Active"],
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
        variables=[*DEFECTS, "Active"],
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
        variables=DEFECTS,
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
        SPEC2 + "FloodSensor.Active “Flooding”, Tripped; makers’ sensors of smoke, fire, water and tampering likewise.",
        actions=NE,
        components=[
            *("FloodSensor", "SmokeSensor", "FireSensor", "WaterSensor", "LeakSensor", "MoistureSensor", "DoorSensor"),
            *("TamperSensor", "ImpactSensor", "VibrationSensor", "OverheatSensor"),
        ],
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
        FUSE,
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
        variables=[f"!{variable}" for variable in DEFECTS],
    ),
    rule(
        30,
        "An operational sensor is faulty",
        "raise",
        OTHER_FAULT,
        SPEC2 + "*Sensor.Problem: the sensor itself has a fault, but it watches no danger.",
        actions=NE,
        components=[
            *("BayOccupancySensor", "ConnectorHolsterSensor", "VehicleIdSensor", "LocalAvailabilitySensor"),
            "LightSensor",
        ],
        variables=DEFECTS,
    ),
    rule(
        31,
        "A sensor is faulty",
        "raise",
        SENSORS,
        SPEC2 + "*Sensor.Problem: the sensor itself has a fault; *Sensor.Tripped: what it watches for is so.",
        actions=NE,
        components=["*Sensor"],
        variables=DEFECTS,
    ),
    # -- 38: warnings
    rule(
        38,
        "A warning beside a status that lets one charge",
        "clear",
        "",
        SPEC16
        + "a station has one error code at a time. One that always reports WeakSignal never says NoError, and what "
        "it reported before is over when it lets one charge.",
        actions=SN,
        statuses=OPERATIVE,
        codes=WARNINGS,
    ),
    rule(
        38,
        "Warnings of the vehicle and the network",
        "info",
        "",
        SPEC16
        + "EVCommunicationError is a warning; WeakSignal and LocalListConflict do not stop charging. With Faulted "
        "they are no warnings.",
        actions=SN,
        statuses=["!Faulted"],
        codes=WARNINGS,
    ),
    # -- 40: words
    rule(
        40,
        "A breaker or fuse is said to have tripped",
        "raise",
        FUSE,
        BENDER + "“MCB of type 2 socket triggered”, “RCD triggered”; the same in German. OCPP 1.6 has no code for it "
        "beside OtherError and InternalError; in 2.x it stands in techCode and techInfo.",
        actions=SN + NE,
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
        actions=SN + NE,
        words=FAULT_CURRENT_WORDS,
    ),
    rule(
        40,
        "A residual current sensor is said to have triggered",
        "raise",
        FUSE,
        "PC Electric EV11.3 “DC Fehlerstromsensor ausgelöst”: it acts as the breaker does; one that is broken does not.",
        actions=SN + NE,
        words=RESIDUAL_SENSORS,
        and_words=[*TRIGGERED, "detected", "erkannt", *participles("détecté"), "detectad*", "rilevat*", "gedetecteerd"],
    ),
    rule(
        40,
        "A surge arrester is said to have failed",
        "raise",
        FUSE,
        "alpitronic “Surge Arrester Error”: it acted, and protects no longer.",
        actions=SN + NE,
        words=SURGE_ARRESTERS,
        and_words=FAILED,
    ),
    rule(
        40,
        "A current is said to be too high",
        "raise",
        FUSE,
        "OCPP’s OverCurrentFailure in other words: Absina “Der Ladestrom liegt über dem Maximalwert”, Hager “the EV charges "
        "at too high current”.",
        actions=SN + NE,
        words=CURRENT,
        and_words=TOO_HIGH,
    ),
    rule(
        40,
        "An insulation resistance is said to be too low",
        "raise",
        FUSE,
        "Sungrow “Low insulation impedance alarm”: an isolation monitor trips.",
        actions=SN + NE,
        words=INSULATION_RESISTANCE,
        and_words=TOO_LOW,
    ),
    rule(
        40,
        "An emergency stop is said to be pressed",
        "raise",
        FUSE,
        "The seed’s “safety mechanism was activated”: it cuts the power as a breaker does. "
        "OCPP 1.6 has no code for it.",
        actions=SN + NE,
        words=EMERGENCY_WORDS,
    ),
    rule(
        40,
        "A fuse is named by its letter",
        "raise",
        FUSE,
        "Labels of circuit diagrams (IEC 81346-2: F protects), and RDC, the direct current that a sensor detects.",
        actions=SN + NE,
        words=[*(f"F{n}" for n in range(1, 13)), *(f"Q{n}" for n in range(1, 7)), "RDC"],
        and_words=TRIPPED_WORDS,
    ),
    rule(
        40,
        "A breaker is named by the letters of its diagram",
        "raise",
        FUSE,
        "Labels such as QF1 (IEC 81346-2 and its forerunners), which stations show as they stand on the breaker.",
        actions=SN + NE,
        words=[*LABELS, *ITSELF],
        and_words=[*TRIPPED_WORDS, *LABEL_STATES],
    ),
    rule(
        40,
        "A residual current is named by its size",
        "raise",
        FUSE,
        "“6 mA DC fault”: residual current protection is known by the current at which it acts (IEC 62955, IEC 61008).",
        actions=SN + NE,
        words=[*RESIDUAL_SIZES, *ITSELF, "!test*", "!*test", "!module", "!sensor*"],
        and_words=SIZE_STATES,
    ),
    rule(
        40,
        "A sensor is said to have triggered",
        "raise",
        SENSORS,
        "OCPP 1.6 has no sensor code: sensors come as OtherError or InternalError with the vendor’s text "
        "(Bender “The charge point is tilted”, EVerest TiltDetected).",
        actions=SN + NE,
        words=SENSOR_WORDS,
    ),
    *(
        rule(
            40,
            name,
            "raise",
            SENSORS,
            "Stations name the part and its state in any order: “Door contact open”, “Tür ist offen”, “Water in cabinet”.",
            actions=SN + NE,
            words=parts,
            and_words=states,
        )
        for name, parts, states in (
            ("A door is said to be open", DOORS, DOOR_STATES),
            ("A temperature or humidity is said to be too high", HEAT, HEAT_STATES),
            ("A detector is said to have triggered", DETECTORS, TRIGGERED),
            ("A cable is said to be cut or stolen", CABLE, CABLE_STATES),
            ("Water or smoke is reported", DAMP, DAMP_STATES),
        )
    ),
    rule(
        42,
        "A current is said to be high beside a fault",
        "raise",
        FUSE,
        "“High charge current”, “Courant de charge élevé”: what is merely high is no alarm unless the status is Faulted.",
        actions=SN,
        statuses=["Faulted"],
        words=[
            *CURRENT,
            "!*voltage*",
            "!tension*",
            "!tensión*",
            "!tensione*",
            "!*spannung*",
            "!*spanning*",
            "!*sensor*",
        ],
        and_words=[
            *("high", "hoch", "hohe", "hoher", *participles("élevé"), "excessif*", "fort", "alta", "alto", "elevad*"),
            *("elevat*", "hoog", "hoge"),
        ],
    ),
    *(
        rule(
            precedence,
            f"{what} is named beside a fault{name}",
            "raise",
            case,
            "What is broken anyway and names such a part and nothing else, in whatever words: “Sicherung durch”, “Zekering "
            "stuk”, “Wasser in der Säule”.",
            words=[*words, *NOT_TRIPPED],
            **conditions,
        )
        for what, case, words in (
            ("A breaker, fuse or insulation", FUSE, [*FUSE_WORDS, *INSULATION]),
            ("A door, water or smoke", SENSORS, [*LEAVES, *DAMP, *HEAT_RISES]),
        )
        for precedence, name, conditions in (
            (42, "", {"actions": SN + NE, "statuses": ["Faulted"]}),
            (42, " (2.x)", {"actions": NE, "variables": ["Problem", "Tripped"]}),
            # A code that says no more than that something is wrong; asked after what says that all is well.
            (
                52,
                " that stops charging",
                {"actions": SN, "statuses": STOPPED, "codes": ["OtherError", "InternalError"]},
            ),
        )
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
        49,
        "A fault is said to be over",
        "clear",
        OTHER_FAULT,
        "“Vehicle error resolved”, “Back to normal” beside an error code, as long as the status is not Faulted.",
        actions=SN,
        statuses=["!Faulted"],
        words=[*ENDS, *NOT_OVER],
    ),
    rule(
        50,
        "A part is said to be in order",
        "info",
        "",
        "“RCD self test passed”, “Kein Fehlerstrom”: what is denied is no fault as long as the status is not Faulted.",
        actions=SN,
        statuses=["!Faulted"],
        codes=["OtherError", "InternalError"],
        words=[A_NAME, *CALM_SUBJECTS, *TEST_FAILED, *IMPLAUSIBLE],
        and_words=[*NEGATIONS, *FINE, *ENDS],
    ),
    rule(
        51,
        "Housekeeping of the station",
        "info",
        "",
        "Updates, restarts, the network and the ordinary end of charging, as long as the status is not Faulted.",
        actions=SN,
        statuses=["!Faulted"],
        codes=["OtherError", "InternalError"],
        words=[*HOUSEKEEPING, *NOT_DONE],
    ),
    rule(
        51,
        "A self-test of the station",
        "info",
        "",
        "One that failed is none of it.",
        actions=SN,
        statuses=["!Faulted"],
        codes=["OtherError", "InternalError"],
        words=SELF_TESTS,
    ),
    rule(
        19,
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
    # -- 55: the faults that are none of the others
    rule(
        55,
        "Other standard errors",
        "raise",
        OTHER_FAULT,
        SPEC16
        + "each of them stops charging or may stop it. What text and vendor code beside them tell was asked before.",
        actions=SN,
        codes=[
            *("ConnectorLockFailure", "OverVoltage", "UnderVoltage", "PowerMeterFailure", "PowerSwitchFailure"),
            *("ReaderFailure", "ResetFailure"),
        ],
    ),
    rule(
        55,
        "MREC faults of the station",
        "raise",
        OTHER_FAULT,
        MREC + "of lock, voltage, pilot, contactor and connector. What is the vehicle’s or the network’s is none.",
        codes=[f"CX{number:03}" for number in (1, 5, 6, 11, 12, 14, 15, 17, 23, 24, 25)],
    ),
    rule(
        55,
        "Warnings of the vehicle and the network while faulted",
        "raise",
        OTHER_FAULT,
        SPEC16 + "EVCommunicationError, WeakSignal and LocalListConflict are warnings, but not beside Faulted.",
        actions=SN,
        statuses=["Faulted"],
        codes=WARNINGS,
    ),
    rule(
        56,
        "Faulted without a cause",
        "raise",
        OTHER_FAULT,
        "OCPP 1.6 with NoError (ev-server: right after boot). OCPP 2.x tells the cause in a NotifyEvent of its own; as "
        "long as that one’s case is open, this belongs to it.",
        actions=SN,
        statuses=["Faulted"],
        codes=["NoError"],
    ),
    rule(
        56,
        "Faulted without a cause (2.x)",
        "raise",
        OTHER_FAULT,
        "OCPP 2.x tells the cause in a NotifyEvent of its own; as long as that one’s case is open, this belongs to it.",
        actions=SN,
        protocols=["ocpp2"],
        statuses=["Faulted"],
    ),
]

# Makers have security events of their own, of which type and techInfo are texts as others are; so are their ends, which
# names of events tell in further words: "TamperingStopped".
for seeded in RULES:
    if seeded["precedence"] == 40:
        seeded["actions"] = SN + NE + SE
RULES += [
    rule(
        13,
        f"A security event says that {what} is over",
        "clear",
        case,
        "Makers’ own events come in pairs: DoorOpened and DoorClosed, TamperingDetected and TamperingEnded.",
        actions=SE,
        words=words,
        and_words=[*ENDS, "stopped", "ended", "end", "ends", "finished", "deactivated", "inactive", "normal", "ok"],
    )
    for what, case, words in (
        ("an emergency stop or a fuse", FUSE, [*FUSE_WORDS, *FAULT_CURRENT_WORDS, *EMERGENCY_WORDS]),
        ("what a sensor noticed", SENSORS, [*SENSOR_WORDS, *CLOSED_WORDS, *(word for word in DOORS if word[0] != "!")]),
    )
]
