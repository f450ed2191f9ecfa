"""What the mails of notification groups can say beyond their payload."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.utils.translation import gettext as _

from infra_notifications.choices import BY_MAIL, CASE_EXPLANATIONS, Case, CloseReason

# What the rules write of a silence, in English, because it is kept with the incident.
_SILENCE = re.compile(r"No message for (\d[\w ]*)")


def address_line(facts: dict[str, Any]) -> str:
    """Where a payload's charge point stands, in one line: location, street, town."""
    return ", ".join(part for part in (facts.get("location"), facts.get("street"), _town(facts)) if part)


def _town(facts: dict[str, Any]) -> str:
    return " ".join(facts[part] for part in ("postal_code", "city") if facts.get(part))


def station_line(facts: dict[str, Any]) -> str:
    """The station as the technician finds it on its label, and which of its connectors."""
    connector = facts.get("connector")
    words = _("connector %(n)d") % {"n": connector} if isinstance(connector, int) else ""
    return ", ".join(part for part in (facts.get("station"), words) if part)


def model_line(facts: dict[str, Any]) -> str:
    """Vendor and model; the vendor is not said twice."""
    vendor, model = (str(facts.get(part) or "").strip() for part in ("vendor", "model"))
    return model if model.lower().startswith(vendor.lower()) else " ".join(part for part in (vendor, model) if part)


def map_link(facts: dict[str, Any]) -> str:
    """A map of where a payload's charge point stands: by its coordinates, else by its address; empty without either."""
    latitude, longitude = facts.get("latitude"), facts.get("longitude")
    if settings.MAP_URL and isinstance(latitude, int | float) and isinstance(longitude, int | float):
        return str(settings.MAP_URL).format(latitude=f"{latitude:.6f}", longitude=f"{longitude:.6f}")
    # A location alone ("Deck 2") is no place on a map.
    address = ", ".join(part for part in (facts.get("street"), _town(facts), facts.get("country")) if part)
    if not settings.MAP_SEARCH_URL or not (facts.get("street") or facts.get("city")):
        return ""
    return str(settings.MAP_SEARCH_URL).format(address=quote(address))


def close_reason(reason: Any) -> str:
    """Why an incident ended, where not because its charge point said so."""
    told = (CloseReason.BY_HAND, CloseReason.REMOVED, CloseReason.MOVED)
    return str(CloseReason(reason).label) if reason in told else ""


def case_label(case: Any) -> str:
    """A case in words; one that is none of ours as it is."""
    return str(Case(case).label) if case in Case.values else str(case)


def case_explanation(case: Any) -> str:
    return str(CASE_EXPLANATIONS[Case(case)]) if case in Case.values else ""


def reported(said: Any) -> str:
    """What a charge point said, as it said it; a silence, of which we write, in the reader's language."""
    text = str(said or "")
    silence = _SILENCE.fullmatch(text)
    return _("No message for %(time)s") % {"time": silence[1]} if silence else text


def who(author: Any) -> str:
    """Who acknowledged, in the reader's language; a mail's address may be left out."""
    text = str(author or "")
    if not text.startswith(BY_MAIL.strip()):
        return text
    address = text.removeprefix(BY_MAIL.strip()).strip()
    return _("by mail: %(address)s") % {"address": address} if address else _("by mail")


MAIL_WORDS = {
    "who": who,
    "address_line": address_line,
    "station_line": station_line,
    "model_line": model_line,
    "map_link": map_link,
    "case_label": case_label,
    "close_reason": close_reason,
    "case_explanation": case_explanation,
    "reported": reported,
}
