"""The words of six languages (en, de, fr, es, nl, it) that deny a fault, end it, or say that all is well."""

from __future__ import annotations


def participles(*stems: str) -> list[str]:
    """The forms of French participles. Not their beginning: without accents "levé…" is that of "level", and "réarmé…"
    that of "réarmer", which asks for it."""
    return [stem + ending for stem in stems for ending in ("", "e", "s", "es")]


# Beginnings (`*`) and words that say that a fault is over, as a rule's `and_words` take them.
ENDS = [
    *("sostituit*", "sustituid*", "ausgetauscht", "getauscht", "erneuert", "wieder im Normal*", "wieder im grünen*"),
    *("resolved", "cleared", "reconnected", "rearmed", "re-armed", "released", "recovered", "restored", "reset"),
    *(
        "back to normal",
        "back on",
        "closed",
        "closed again",
        "replaced",
        "acknowledged",
        "alarm gone",
        "fault gone",
        "error gone",
        "smoke gone",
    ),
    *("behoben", "zurückgesetzt", "entriegelt", "quittiert", "wieder ein*", "wieder geschlossen", "geschlossen"),
    *("wieder normal", "ersetzt"),
    *(
        *participles("réarmé"),
        *participles("résolu"),
        *participles("refermé"),
        *participles("fermé"),
        *participles("relâché"),
        *participles("disparu"),
        "retour à la normale",
        "revenue à la normale",
    ),
    *("rearmad*", "resuelt*", "cerrad*", "liberad*", "normalizad*", "hersteld", "opgelost", "gesloten", "ontgrendeld"),
    *("vervangen", "riarmat*", "risolt*", "chius*", "sbloccat*", "rientrat*"),
    *(
        "problem disconnected",
        "ended",
        "finished",
        "is over",
        "no longer*",
        "unlatched",
        "re-closed",
        "reclosed",
        "back within limits",
    ),
    *(
        "back within*",
        "removed again",
        "back in operation",
        "reenabled",
        "re-enabled",
        "rectified",
        "fixed",
        "repaired",
    ),
    *("switched on again", "normalised", "normalized", "within limits again", "went away", "disappeared"),
    *(
        "beseitigt",
        "fault over",
        "alarm over",
        "beendet",
        "aufgehoben",
        "nicht mehr*",
        "zurückgezogen",
        "herausgezogen",
        "gelöst",
        "abgeklungen",
    ),
    *("wieder zu", "wieder in ordnung", "wieder unter*", "zurückgestellt", "wiederhergestellt", "wieder aktiv"),
    *(
        *participles("rétabli"),
        *participles("réenclenché"),
        *participles("terminé"),
        *participles("déverrouillé"),
        "n'est plus*",
        "plus de",
        *participles("éliminé"),
        *participles("levé"),
    ),
    *(
        *participles("acquitté"),
        *participles("corrigé"),
        *participles("réinitialisé"),
        *participles("remplacé"),
        "de nouveau normal*",
        "rearme",
        "restablecid*",
        "solucionad*",
    ),
    *("corregid*", "ya no", "desenclavad*", "reparad*", "eliminad*", "verholpen", "teruggezet", "weer dicht"),
    *(
        "weer gesloten",
        "weer ingeschakeld",
        "weer normaal",
        "opgeheven",
        "niet meer*",
        "gereset",
        "beëindigd",
        "afgelopen",
    ),
    *("hersteld", "richius*", "ripristinat*", "rientrat*", "non più*", "terminat*", "cessat*", "eliminat*"),
    *("tornat* alla normalità", "tornata nella norma", "di nuovo chius*", "resettat*"),
]
# What says so of a current, of heat, smoke or water, and not of a part: "fuse gone" is a fault.
GONE = [
    *("gone", "vanished", "subsided", "ceased", "is past", "alarm off", "inactive", "deasserted", "de-asserted"),
    *("weg", "vorbei", "vorüber", "verschwunden", "abgeklungen", "inaktiv", *participles("passé", "cessé", "dissipé")),
    *("desaparecid*", "desapareció", "cesad*", "cesó", "inactiv*", "voorbij", "verdwenen", "inactief", "scompars*"),
    *("sparit*", "inattiv*"),
]
# What says that something is broken all the same, whatever else is said to be over: "reclosed 3 times, locked out".
STILL = [
    *(
        "locked out",
        "lockout",
        "lock-out",
        "lock out",
        "defect*",
        "faulty",
        "broken",
        "required",
        "needed",
        "necessary",
    ),
    *(
        "tripped again",
        "trips again",
        "again tripped",
        "still *",
        "remains *",
        "persist*",
        "not possible",
        "service call",
    ),
    *("erforderlich", "nötig", "notwendig", "defekt*", "kaputt", "weiterhin *", "immer noch *", "noch immer *"),
    *(
        "erneut ausgelöst",
        "wieder ausgelöst",
        "gesperrt",
        "nécessaire*",
        "requis*",
        "défectueu*",
        "en panne",
        "toujours *",
    ),
    *(*participles("à nouveau déclenché", "de nouveau déclenché", "verrouillé"), "necesari*", "requerid*", "averiad*"),
    *("sigue *", "disparado de nuevo", "vereist", "nodig", "kapot", "nog steeds *", "opnieuw uitgevallen", "richiest*"),
    *("difettos*", "guast*", "ancora *", "scattato di nuovo", "di nuovo scattat*", "necessari*"),
]
# What denies, and what says that all is well; "no. 4" and "Not-Aus" do not.
NEGATIONS = [
    *("no", "not", "none", "never", "without", "kein*", "nicht", "ohne", "pas", "aucun*", "sans", "sin", "ningun*"),
    *("hasn't", "haven't", "hadn't", "didn't", "isn't", "wasn't", "doesn't", "aren't", "weren't", "nie", "niemals"),
    *("jamais", "nunca", "nooit", "mai"),
    *("ningún*", "geen", "0", "niet", "zonder", "nessun*", "non", "senza", "NO_FAULT", "no fault"),
]
FINE = [
    *("available", "installed", "fitted", "verfügbar", "installiert", "disponible", "disponibile", "beschikbaar"),
    *(*participles("installé"), "instalad*", "geïnstalleerd", "installato", "installata"),
    *("ok", "okay", "passed", "normal*", "armed", "enabled", "calibrated", "configured", "scheduled", "tested"),
    *("successful*", "succeeded", "disabled", "deactivated", "within limits", "in range", "dry", "completed", "ready"),
    *(
        "initialised",
        "initialized",
        "freigegeben",
        "locked",
        "healthy",
        "fine",
        "done",
        "self test*",
        "self-test*",
        "selftest*",
        "geprüft",
        "bestanden",
        "erfolgreich",
    ),
    *("in ordnung", "im Normalbereich", "deaktiviert", "trocken", "Selbsttest*", "*-Test bestanden", "einwandfrei"),
    *(
        "kalibriert",
        "autotest",
        *participles("réussi"),
        *participles("désactivé"),
        "conforme",
        "en ordre",
        "superad*",
        "correct*",
        "desactivad*",
    ),
    *("satisfactori*", "autodiagn*", "geslaagd", "in orde", "zelftest", "uitgeschakeld voor onderhoud", "superato"),
    *("superata", "regolare", "a posto", "disattivat*", "riuscit*", "assessment"),
    # What is yet to be done on purpose.
    *("planned", "upcoming", "geplant*", "anstehend*", *participles("prévu", "planifié", "programmé"), "previst*"),
    *("planificad*", "programad*", "gepland*", "ingepland*", "pianificat*", "programmat*", "inspection due", "drill"),
]
# What rules know by its beginning or together with others, as it is written in full, and what denies or ends. Not
# "normal": "anormal" is a letter away and says the opposite.
FULL_FORMS = """
    blown smoke water doors tilted tripped triggered circuit shorted overload overloaded overcurrent overheat
    overheated overheating overtemperature temperature emergency leakage insulation isolation residual protection
    tampered tampering vibration collision flooding flooded moisture humidity arrester ausgelöst angesprochen
    durchgebrannt fehlerstrom überstrom überlast kurzschluss übertemperatur überhitzung überhitzt wassereintritt
    feuchtigkeit erschütterung vandalismus geöffnet déclenché déclenchée grillé disjoncteur différentiel isolement
    surcharge surintensité surchauffe température humidité inondation vandalisme disparado disparada diferencial
    automático aislamiento sobrecarga sobrecorriente cortocircuito emergencia sobretemperatura sobrecalentamiento
    temperatura inundación vandalismo uitgeschakeld overbelasting overstroom kortsluiting lekstroom noodstop
    oververhitting oververhit temperatuur gekanteld scattato intervenuto differenziale interruttore isolamento
    dispersione sovraccarico sovracorrente emergenza sovratemperatura surriscaldamento allagamento disabled
    deactivated calibrated successful successfully completed passed resolved cleared released restored recovered
    reconnected without behoben beseitigt zurückgesetzt kalibriert deaktiviert bestanden erfolgreich geschlossen
    résolu rétabli réarmé désactivé calibré réussi aucune resuelto solucionado restablecido rearmado calibrado
    desactivado ninguna ninguno opgelost hersteld gekalibreerd uitgevoerd geslaagd gesloten risolto ripristinato
    riarmato calibrato disattivato superato nessuna nessun
"""
# Names that hold a word for a fault and mean something else; a blank stands for one, for "-", for "_" or for nothing.
NAMES = [
    *(
        "fire wall",
        "fire walls",
        "fire walled",
        "fire tv",
        "fire os",
        "fire fox",
        "fire base",
        "fire store",
        "fire wire",
    ),
    *("fire stick", "fire and forget", "fi fo", "hi fi", "sci fi", "li fi", "smoke test", "smoke tests"),
    *("smoke testing", "smoke ping", "Rauch test", "rook test", "door dash", "door bell", "tilt master", "crash dump"),
    *("crash dumps", "crash report", "crash reports", "crash reporter", "crash log", "crash logs", "crash lytics"),
    *(
        "crash handler",
        "crash loop",
        "water mark",
        "water marks",
        "water fall",
        "flood light",
        "flood lights",
        "flood ping",
    ),
    *("flood attack", "syn flood", "ping flood", "message flood", "shock wave", "impact report", "impact analysis"),
    *("memory leak", "memory leaks", "data leak", "heat map", "brand new", "brand name", "brand logo", "support case"),
    *("test case", "use case", "touch panel"),
    *("emergency power mode", "emergency power supply", "emergency power operation", "emergency power active"),
    *("emergency supply", "emergency generator", "emergency call", "emergency phone", "emergency charging"),
    *("alimentacion de emergencia", "generador de emergencia", "luz de emergencia", "llamada de emergencia"),
    *("alimentazione di emergenza", "generatore di emergenza", "luce di emergenza", "chiamata di emergenza"),
    *("emergency contact", "emergency number", "emergency lighting", "emergency light"),
    *("emergency update", "case opened in", "collision domain", "hash collision"),
]
# What stands for one of them where rules look for words.
A_NAME = "othername"
