"""How people and firmware write: names run together, what denies a fault, and what says that it is over. Pure.

The words are those of the six languages in which charging stations are sold here (en, de, fr, es, nl, it).
"""

from __future__ import annotations

import re

from infra_notifications.rules.lettering import plain, plain_pattern
from infra_notifications.rules.phrases import A_NAME, ENDS, FINE, GONE, NAMES, STILL

# Where a name that is run together falls apart: "BoxDoorIsOpen", "EVSEContactor", "ERR_RCD_TRIGGERED".
_SEAM = re.compile(r"(?<=[a-zäöü\d])(?=[A-ZÄÖÜ])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-zäöüA-Z]{2})(?=\d)|_+")
# A half of these is no FI (a residual current device), no fire, no door, however they are written.
_WIFI = re.compile(r"\bwi[\s-]?fi(?![a-z])", re.IGNORECASE)
_ANY_NAME = "|".join(NAMES).replace(" ", r"[\s_-]?")
_NAME = re.compile(rf"(?<![^\W_])(?:{_ANY_NAME})(?![^\W_])", re.IGNORECASE)
# "in order", as German fitters write it.
_IN_ORDER = re.compile(r"(\b[nN]\.?\s?)?\b(?:i\.\s?[oO]\.?(?!\w)|I\.\s?O\.?$)")
# "No se ha detectado ninguna fuga": Spanish and Italian deny twice and mean it once.
_TWICE = re.compile(r"\bnon?(?=\s[^,;.]{0,80}\b(?:ning[uú]n|nessun|alcun|nada|niente))", re.IGNORECASE)
# What only says that something follows: "Error: …", "[EVSE 1] ALARM - …".
_HEADING = re.compile(
    r"^\W*(?:\[[^\]]{0,40}\]\W*)?(?:error|fault|alarm|alert|warning|fehler|störung|erreur|defaut|alarme|alerte|fallo"
    r"|averia|alarma|fout|storing|errore|guasto|allarme)(?:\s?\w{0,6}\d)?\s?(?::|\s-)\s",
    re.IGNORECASE,
)
# What is listed as not so: "EmergencyStop=0", "door open: false"; not what only tells a number: "ground fault code: 0".
_COUNTED = "code|id|nr|no|number|connector|evse|status|state|phase|line|module|channel|retries|retry|attempts|port|slot"
_NOT_SO = re.compile(
    r"(?<![\w-])([^\W\d][\w-]{0,40}(?=\s?=)"
    rf"|(?:[^\W\d][\w-]{{0,30}}\s){{0,2}}(?!(?:{_COUNTED})\b)[^\W\d][\w-]{{0,40}}(?=\s?:))\s?[=:]"
    r"\s?(?:0+(?:[.,]0+)?|false|no|n|none|null|nein|falsch|faux|non|falso|nee|onwaar)"
    r"(?=\s*(?:$|[,;|&()\[\]}]|\s[\w-]+\s?[=:]))",
    re.IGNORECASE,
)
# What stands before a word without changing what it says: "DC-Fehlerstrom", "L1-Sicherung".
_PREFIX = re.compile(r"(?<![\w-])(?:AC|DC|HV|LV|L[123])-(?=[^\W\d_]{4})", re.IGNORECASE)
# Names of constants say first that something is a fault: "FAULT_DC_GROUND" is a ground fault.
_FAULT_FIRST = re.compile(
    r"^(?:fault|error|err|alarm)_((?:[ad]c_)?(?:ground|earth|insulation|isolation))$", re.IGNORECASE
)
# "Is over temperature" is above it, and over is not.
_IS_OVER = re.compile(r"\bis over(?=[ -]?(?:temp|heat|volt|current|load|limit|range|the\b|\d))", re.IGNORECASE)
# A sensor whose wires touch is broken; no current flows that a fuse would act upon.
_SHORTED = re.compile(
    r"\b(?:short[ -]?circuit\w*|kurzschl\w+|kortsluiting|court[ -]circuit|corto ?circuito)\W+(?:\w+\W+){0,3}?"
    r"\w*(?:sensor|voeler|fuhler|fuehler|fühler|sonde|sonda|capteur|thermistor)\w*",
    re.IGNORECASE,
)
_SIGNS = ",;.!|()·"
# What parentheses hold belongs to what stands before them.
_SENTENCE_END = re.compile(r"(?<!\d)[,;.!|·]|[,;.!|·](?!\d)")


_NO_WORDS = (
    r"no(?!\s?[.:#]?\s*\d)|not(?![\s-]?(?:aus|halt|stop))|none|never|without|kein\w*|nicht|ohne|pas|aucune?|sans|sin"
    r"|ning[uú]n\w*|geen|niet|zonder|nessun\w*|non(?!-)|senza|neither|nor|niemals|nie|jamais|nunca|tampoco|nooit"
    # "Cannot" and "won't" say that something does not succeed; these, that it is not so.
    r"|(?:is|are|was|were|has|have|had|did|does|do)n[' ]?t"
)
# "Not authorised" opens a door all the same, and "sans arrêt" is for ever.
_DENIES_NOTHING = (
    "autor|author|permi|allow|erlaub|befugt|zuläss|geautor|toegest|consent|arrêt|cesse|parar|sosta|ophouden"
)
_NO = rf"(?:{_NO_WORDS})(?!\W+(?:{_DENIES_NOTHING}))"


# What does not come about, with its cause behind it: "Charging not possible: RCD tripped" denies no RCD.
_AIM = (
    r"charg\w*|lad(?:en|ung|evorgang|ebetrieb)\w*|opladen|recharg\w*|recarga\w*|carga\w*|ricaric\w*|power|strom|spannung"
    r"|voltage|energ\w*|tension\w*|courant|corrent\w*|corriente|stroom|spanning|alimentation|supply|versorgung|netz"
    r"|vehicle|car|ev|fahrzeug|auto|vehicule|voiture|vehiculo|coche|voertuig|veicolo|session|start\w*|transaction"
    r"|reserv\w*|freigabe|release|operati\w*|betrieb\w*|ready|bereit|available|verfügbar\w*|disponib\w*|beschikbaar"
    r"|response|antwort|reponse|respuesta|antwoord|risposta"
)
_SAID_BROKEN = (
    r"(?:fault|error|alarm|failure|warning|problem|fehler|storung|störung|defaut|erreur|panne|fallo|averia|fout)"
)
_CONSEQUENCE = re.compile(
    rf"(?:^|(?<=[.;|\n]))(?=[^.;|:\n/]{{0,80}}(?<![\w-])(?:{_NO_WORDS})(?!\w))"
    rf"(?=[^.;|:\n/]{{0,80}}(?<![\w-])(?:{plain_pattern(_AIM)})(?!\w))"
    rf"(?![^.;|:\n/]{{0,80}}{plain_pattern(_SAID_BROKEN)})"
    r"([^.;|:\n/]{1,80}?)\s?(?::|\n|\s/\s|\s-\s)(?=\s*\S)",
    re.IGNORECASE,
)


def _as_pattern(word: str) -> str:
    core = re.escape(word.strip("*").lower()).replace(r"\ ", r"[\s-]")
    return r"\w*" * word.startswith("*") + core + r"\w*" * word.endswith("*")


def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of words, for plain texts in lower case."""
    return re.compile(plain_pattern(pattern))


_OVER = rf"(?:{'|'.join(map(_as_pattern, (*ENDS, *GONE)))})(?!\w)"
# What ends a clause; a sign within a number does not, nor parentheses that begin with an end: "(cleared 12:30)".
_OVER_BESIDE = rf"\((?:now |already |auto[ -]?|jetzt |wieder )?{_OVER}"
_CLAUSE_END = _compiled(rf"(?!{_OVER_BESIDE})(?:(?<!\d)[{_SIGNS}]|[{_SIGNS}](?!\d))")
# What asks for an end, fails at it or comes after it does not report it: before the word that ends …
_ASKED = (
    r"please|press|push|turn|perform|execute"
    r"|must|needs?|needed|requires?|cannot|can't|cant|could ?n[o']t|couldn't|won't|unable|failed|fails|should"
    r"|shall|tr(?:y|ies|ied|ying)|attempt\w*|waiting|until|before|after|unless|if|when|once|impossible|never"
    r"|muss|müssen|soll\w*|bitte|nach|erst|kann|können|konnte\w*|bis|bevor|wenn|sobald|nachdem|erneut|versuch\w*"
    r"|doit|doivent|après|veuillez|faut|avant|nécessite\w*|requiert|impossible|tentative\w*|à nouveau déclench\w*"
    r"|debe\w*|tras|después|favor|hay que|necesita\w*|requiere\w*|puede\w*|pudo|antes|intento\w*|hasta"
    r"|moet\w*|dient|na|aub|alstublieft|a\.u\.b|vereist|kan|kon|voor|voordat|totdat|poging\w*|opnieuw|gelieve"
    r"|deve|devono|dovrà|dev'essere|dopo|bisogna|necessita|richied\w*|può|prima|tentativ\w*|va|vanno|favore"
)
# … and behind it.
_STILL_TO_COME = (
    r"in \d+ ?(?:s|sec\w*|min\w*|h|hours?)|limit"
    r"|required|needed|necessary|failed|fails|unsuccessful\w*|impossible|timed|timeout|time-out|attempts?|exceeded|pending"
    r"|requested|demanded|werden|erforderlich|nötig|notwendig|fehlgeschlagen|gescheitert|erfolglos|unmöglich|misslungen"
    r"|erneut|nécessaires?|requis\w*|échou\w*|échec|demandé\w*|necesari\w*|requerid\w*|fallid\w*|falló|fallado"
    r"|imposible|nodig|vereist|mislukt\w*|worden|onmogelijk|necessari\w*|richiest\w*|fallit\w*|impossibile"
    r"|not possible|nicht möglich|too often|and call"
)
_NOT_ENDED = _compiled(
    rf"(?<!\w)(?:{_ASKED})(?!\w)\W(?:[^,;.!|()·]*\W)?{_OVER}"
    rf"|(?<!\w)(?<!back )to (?:be )?{_OVER}"
    rf"|(?<![\w-]){_OVER}[^,;.!|()·]*?(?<!\w)(?:{_STILL_TO_COME})(?!\w)"
    # An order: "Reset breaker and call".
    r"|^\W*(?:reset|rearme|replace)\s+(?!of\b|done|ok|successful|complete|by\b|·)\w"
)
_END = _compiled(rf"(?<![\w-])(?<!not )(?<!yet )(?<!nicht )(?<!non )(?<!niet )(?<!pas )(?<!no ){_OVER}")
_NEGATION = _compiled(rf"(?<![\w-])(?:{_NO})(?!\w)")
_IS_FINE = rf"(?<!\w)(?:{'|'.join(map(_as_pattern, FINE))})(?!\w)"
# "Not ok", "nicht bestanden": what is denied here is that all is well.
_NOT_FINE = _compiled(rf"(?<![\w-])(?:{_NO})\W+{_IS_FINE}")
_DENIAL = _compiled(
    r"(?:"
    rf"(?<![\w-])(?:{_NO})(?!\w)(?!\W+(?:yet\W+)?{_OVER})"  # "not yet cleared" denies nothing
    rf"|{_IS_FINE}"
    r"|(?<![\w.,])0(?:[.,]\d+)?\s*m?\s?a\b|(?<![\w.,>])(?<!> )[1-5](?:[.,]\d+)?\s*ma\b"
    r"|(?<!\w)0\s+·"  # "0 ground faults"
    r"|(?<![\w.,])0\s?(?:times|trips|x|mal|fois|veces|keer|maal|volte)(?!\w)"  # "tripped 0 times"
    r")"
)


# Names that are run together without a sign of where they fall apart: "SHORTCIRCUITDETECTED".
_PARTS = """
    emergency emerg stop button switch pressed active activated released door doors cover cabinet housing enclosure case
    access panel open opened closed ground earth fault failure failed error alarm interrupter protection short circuit
    over under current voltage temp temperature heat heated high low too leakage leak residual insulation isolation
    monitor sensor breaker fuse blown tripped trip detected detect triggered surge arrester lightning water ingress
    flood smoke fire tilt tilted shock impact vibration humidity moisture input output ac dc rcd spd mcb connector
    cable cut gun plug charger module power supply meter relay contactor welded stuck phase loss lost pilot control
    charging internal external emg estop lock otp ocp gfci
"""
_ANY_PART = "|".join(sorted(_PARTS.split(), key=len, reverse=True))
_RUN_TOGETHER = re.compile(rf"(?<![^\W_])(?:{_ANY_PART}){{2,8}}(?![^\W_])", re.IGNORECASE)
_PART = re.compile(_ANY_PART, re.IGNORECASE)


def taken_apart(text: str) -> str:
    """A text in which names that are run together stand apart where they consist of words that are known."""
    # Names go first, for "floodping" is a letter away from "flooding".
    return _RUN_TOGETHER.sub(lambda match: " ".join(_PART.findall(match[0])), _NAME.sub(A_NAME, _not_so(text)))


def _not_so(text: str) -> str:
    """A text in which what is listed as not so is denied in words: "DoorOpen=1, Tilt none,"."""
    return _NOT_SO.sub(r", \1 none,", text) if "=" in text or ":" in text else text


def readings(text: str) -> tuple[str, ...]:
    """A text as it was written, plain and in lower case, and, where that differs, with its names taken apart."""
    text = _IN_ORDER.sub(lambda match: "nicht in Ordnung" if match[1] else "in Ordnung", plain(text))
    text = _CONSEQUENCE.sub(r"\1. ", _HEADING.sub("", text))
    text = _NAME.sub(A_NAME, _TWICE.sub("", _not_so(text)))
    text = _SHORTED.sub("sensor fault", _IS_OVER.sub("is above", text))
    text = _PREFIX.sub(lambda match: match[0][:-1] + " ", text)
    named = _FAULT_FIRST.sub(r"\1_fault", text)
    whole, apart = text.lower(), _SEAM.sub(" ", _WIFI.sub("WLAN", named)).lower()
    return (whole,) if apart == whole else (whole, apart)


def around(text: str, spans: list[tuple[int, int]], *, widely: bool = False) -> str:
    """What stands around these places: everything between them and the rest of their clauses, without themselves;
    `widely`, with what they hold in parentheses."""
    start, end = _bounds(text, spans, _SENTENCE_END if widely else _CLAUSE_END)
    pieces = []
    for first, last in sorted(spans):
        pieces += [text[start:first], "·"]
        start = last
    return "".join((*pieces, text[start:end]))


def clause_of(text: str, spans: list[tuple[int, int]]) -> str:
    """The clauses in which these places stand, whole."""
    start, end = _bounds(text, spans, _CLAUSE_END)
    return text[start:end]


def _bounds(text: str, spans: list[tuple[int, int]], sign: re.Pattern[str]) -> tuple[int, int]:
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    before = [match.end() for match in sign.finditer(text) if match.end() <= first]
    behind = sign.search(text, last)
    return before[-1] if before else 0, behind.start() if behind else len(text)


def in_one_clause(text: str, spans: list[tuple[int, int]]) -> bool:
    """Whether nothing between these places ends a clause."""
    start, end = min(last for _, last in spans), max(first for first, _ in spans)
    sign = _CLAUSE_END.search(text, start)
    return sign is None or sign.start() >= end


def denies(rest: str, clause: str) -> bool:
    """Whether the words around a fault say that there is none, or that it is over: "not …", "kein …", "… resolved".

    `rest` is its clause with a sign for the words for the fault, `clause` the whole.
    """
    rest = _NOT_FINE.sub("·", rest)
    return bool(_DENIAL.search(rest)) or (bool(_END.search(rest)) and not _NOT_ENDED.search(clause))


def negates(rest: str, clause: str) -> bool:
    """Whether the words around others hold a negation."""
    return bool(_NEGATION.search(rest))


def is_no_end(rest: str, clause: str) -> bool:
    """Whether a clause that names an end says that it is denied, asked for, tried in vain, or past."""
    return negates(rest, clause) or bool(_NOT_ENDED.search(clause))


_STILL = _compiled(rf"(?<![\w-])(?:{'|'.join(map(_as_pattern, STILL))})(?!\w)")


# What is required of those who run a station, and breaks nothing.
_UPDATE = _compiled(
    r"(?:update|upgrade|firmware|software|aktualisier\w*|mise à jour|actualiza\w*|aggiornament\w*|bijwerk\w*)"
)


def goes_on(said: str) -> bool:
    """Whether a text that names an end says somewhere that something is broken all the same: neither denied before it,
    "no reset required", nor over behind it, "defect repaired"."""
    for found in _STILL.finditer(said):
        start, end = _bounds(said, [found.span()], _CLAUSE_END)
        before = said[start : found.start()]
        if not (_NEGATION.search(before) or _UPDATE.search(before) or _END.search(said[found.end() : end])):
            return True
    return False


_ONLY_ENDS = _compiled(rf"\W*(?:(?:error|fault|alarm|is|has been|now)\W+)*{_OVER}\W*")


_MAX_INFO = 50


def ends_of(said: str, code: str) -> bool:
    """Whether a text, behind which this code stands, says that it is over: by its name, or in general."""
    return any(_is_over(plain(said).lower(), name) for name in names_of(code))


def names_of(code: str) -> list[str]:
    """What texts call a code, in lower case: itself, and the last part of a path, "evse_board_support/TiltDetected"."""
    name = plain(code).lower()
    return [each for each in dict.fromkeys((name, name.rpartition("/")[2])) if each]


def _is_over(text: str, name: str) -> bool:
    first = text.find(name)
    if first < 0:
        return False
    # What is cut ("CODE reso") is as long as a field of OCPP 1.6 may be.
    rest = text[len(name) : _MAX_INFO].strip() if first == 0 and text[_MAX_INFO : _MAX_INFO + 1] == " " else ""
    if rest and "resolved".startswith(rest):
        return True
    bare = text.replace(name, "·")
    if text.find(name, first + 1) < 0:
        return bool(_ONLY_ENDS.fullmatch(bare))
    place = [(first, first + 1)]
    return bool(_END.search(around(bare, place))) and not _NOT_ENDED.search(clause_of(bare, place))


_MINIMUM_CODE = re.compile(r"\W*(?:(?:error|err|fault|code)\W+)*(?:CX[-_ ]?0|MREC[-_ ]?)(\d{1,2})(?!\d)", re.IGNORECASE)


def minimum_codes(said: str) -> list[str]:
    """The minimum required error code (ChargeX) that a text begins with and does not deny, as it is written in a code:
    "MREC8: EmergencyStop" is CX008."""
    found = _MINIMUM_CODE.match(said)
    if found is None:
        return []
    rest = readings(said)[-1]
    return [] if denies(rest, rest) else [f"CX{int(found[1]):03}"]
