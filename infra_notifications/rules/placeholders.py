"""Whether a text beside "Faulted" says more than that something is faulted: stations fill fields with "0", "null",
"status: Faulted". Pure."""

from __future__ import annotations

import re

from infra_notifications.rules.lettering import plain, spellings
from infra_notifications.rules.transfer_words import is_fine, words_of
from infra_notifications.rules.vocabulary import FALSE_WORDS, FAULTY_WORDS, OUT_OF_SERVICE_WORDS, VALUES

# What is faulted, that it is so, and that nobody knows why, in the languages of stations.
_GENERAL = """
    connector evse outlet socket plug gun port charger charge charging point box cb station device unit system ev
    status state condition change changed changes notification message info details code codes errorcode vendor event
    the a an is in of to at has been was now new currently from with by and or this type internal other unknown
    unspecified unspecific general generic undefined unidentified default noinfo information errors faults alarms
    failures failed detected occurred reported active present please contact call support service see manual n x
    ladepunkt ladestation ladesäule wallbox anschluss buchse zustand fehlerzustand störungen fehlercode ist sind hat ein
    eine einen der die das wurde liegt vor vorhanden erkannt aufgetreten unbekannt unbekannter allgemeiner allgemeine
    gestörte gestörter defekte defekter defektes averiada bloqueada guasta difettosa bloccata défectueuse bloquée
    borne de recharge connecteur prise état est dans une un la le en inconnue inconnu estación cargador conector toma
    estado está es del desconocido desconocida laadpaal laadpunt laadstation toestand er onbekend onbekende stazione
    colonnina presa connettore stato è di sconosciuto
"""
_WORD_LISTS = (*FAULTY_WORDS, *OUT_OF_SERVICE_WORDS, *FALSE_WORDS, *VALUES["status"], *_GENERAL.split())
_EMPTY = {spelt.lower() for said in _WORD_LISTS for word in (said, *words_of(said)) for spelt in spellings(word)}
# A number behind one of these is its own: "Connector 1".
_OWNERS = re.compile(
    r"\b(?:connector|evse|outlet|socket|plug|gun|port|charger|point|cp|station|id|ladepunkt|ladestation|connecteur"
    r"|borne|conector|cargador|laadpunt|connettore)\s?(?:id|no|nr|number)?[\s.:#=-]*\d{1,5}\b",
    re.IGNORECASE,
)
_LETTER, _CODE = re.compile(r"[a-z]"), re.compile(r"[A-Za-z]\d+")
_GAP = re.compile(r"[\s,;|·]+")

# What EVerest raises beside an error that it heard itself, by its type, its text, and its cause in OCPP 1.6.
CONSEQUENCE = "evse_manager/Inoperative"
_CONSEQUENCE = re.compile(
    rf"caused[_ ]by:|\b{CONSEQUENCE}\b|charging is not possible\. usually caused by anothe", re.IGNORECASE
)


def only_names_cause(*texts: str) -> bool:
    """Whether texts only say that another fault, which they may name, stops the charging."""
    return any(_CONSEQUENCE.search(text) for text in texts if text)


def told_by(said: str) -> frozenset[str]:
    """The words and numbers of a text that say more than that something is faulted, in lower case."""
    tokens = (token for token in _GAP.split(_OWNERS.sub(" ", plain(said))) if not is_fine(token))
    words = (word for token in tokens for word in ([token.lower()] if _CODE.fullmatch(token) else words_of(token)))
    return frozenset(word for word in words if word not in _EMPTY and word.strip("0") and not _LETTER.fullmatch(word))


def tells_more(*texts: str) -> bool:
    """Whether any of these says more than that something is faulted."""
    return any(text and told_by(text) for text in texts)
