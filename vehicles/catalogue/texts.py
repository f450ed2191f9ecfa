"""The words of each notification by language (`words/`): (title, body). An operator may change them.

Names in braces are filled in from the facts: {vehicle} {brand} {name} {account} {hours} {days} {date} {reason} {amount}
{currency} {period} {supplier} {location} {contract_number} {version} {installed} {target} {forecast} {ready_by}
{started_at} {ended_at} {energy}, what a car does {activity}, what an account lacks {problem}. Times are the driver's. A
part in [brackets] is left out when something in it is not known: "[ by {ready_by}]".
"""

import tomllib
from pathlib import Path

from django.utils.translation import gettext as _

from vehicles.choices import DriverLanguage


def _words(language: str) -> dict[str, tuple[str, str]]:
    path = Path(__file__).with_name("words") / f"{language}.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: (row["title"], row["body"]) for name, row in table.items()}


TEXTS: dict[str, dict[str, tuple[str, str]]] = {language: _words(language) for language in DriverLanguage.values}

# What may stand in braces, with an example for previews.
PLACEHOLDERS: dict[str, object] = {
    "vehicle": "Renault Zoe",
    "brand": "Renault",
    "name": "Anna",
    "account": "anna@example.org",
    "hours": 24,
    "days": 7,
    "date": "2026-12-01",
    "reason": "",
    "amount": "12.50",
    "currency": "EUR",
    "period": "2026-10",
    "supplier": "Greenchoice",
    "location": "Home",
    "contract_number": "4711",
    "version": "4.16",
    "installed": "4.9",
    "target": 80,
    "forecast": 62,
    "ready_by": "2026-11-21T07:30:00+01:00",
    "started_at": "2026-11-20T22:10:00+01:00",
    "ended_at": "2026-11-21T05:40:00+01:00",
    "energy": 23.4,
    "activity": "plugged_in",
    "problem": "invalid_credentials",
}
# Facts of a single type.
_OF_TYPE: dict[str, dict[str, object]] = {
    "UnmanagedSessionStart": {"reason": "smart_charging_off"},
    "ElexentChargingCostsOverview": {"reason": "overview_issued"},
    "ZeInteractiveCannotBeActivated": {"reason": "Echec d’activation"},
}


def examples_of(name: str) -> dict[str, object]:
    """Invented facts for a type's preview and sample."""
    return PLACEHOLDERS | _OF_TYPE.get(name, {})


def awkward_examples(name: str) -> list[tuple[str, dict[str, object]]]:
    """The usual facts of a type; those alone that are always known; and long, odd ones."""
    usual = examples_of(name)
    always = (
        "hours",
        "days",
        "date",
        "target",
        "forecast",
        "version",
        "installed",
        "ended_at",
        "started_at",
        "activity",
        "problem",
    )
    long = {
        "vehicle": "Mercedes-Benz EQS 450+ SUV 4MATIC Edition One",
        "brand": "Mercedes-Benz",
        "name": "Anne-Sophie O’Neill-Müller",
        "supplier": "Coöperatieve Energiemaatschappij Noord & Zuid <B.V.>",
        "location": "Résidence « Les Hêtres », 12 bis",
        "amount": "12345.6",
        "currency": "NOK",
        "days": 1,
        "hours": 1,
    }
    return [
        (str(_("Usual")), usual),
        (str(_("Little is known")), {key: value for key, value in usual.items() if key in always}),
        (str(_("Long and odd")), usual | long),
    ]
