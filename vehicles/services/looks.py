"""From whom the mails to a programme's drivers come, and how they look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from core.email_addresses import clean_mailbox
from core.refusal import Refused
from vehicles.event_kinds import LookFacts
from vehicles.models import ProgramLook

FIELDS = ("program", "sender", "reply_to", "logo", "colour")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
# Of relative luminance (WCAG 2.2): above it black is read better than white.
_BRIGHT = 0.179


class Looks:
    """All of them; read once per batch."""

    def __init__(self) -> None:
        self._rows = {row.program: row for row in ProgramLook.objects.all()}

    def of(self, program: str) -> dict[str, Any]:
        """What an event says of sender and look, where operators set any."""
        rows = [row for name in (program.strip().casefold(), "") if (row := self._rows.get(name)) is not None]
        values = {name: next((getattr(row, name) for row in rows if getattr(row, name)), "") for name in FIELDS[1:]}
        found = {"mail_from": values["sender"], "reply_to": values["reply_to"]}
        facts: dict[str, Any] = {name: value for name, value in found.items() if value}
        if values["logo"] or values["colour"]:
            facts["look"] = LookFacts(values["logo"], values["colour"], ink_on(values["colour"]))
        return facts


def ink_on(colour: str) -> str:
    """Black or white, whichever is read better on a colour; "" on none."""
    if not colour:
        return ""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "#000000" if luminance > _BRIGHT else "#ffffff"


def save_look(*, row: ProgramLook | None, values: Mapping[str, str]) -> ProgramLook:
    """Makes a programme's look or changes it. Raises Refused by field."""
    found, errors = {name: " ".join(str(values.get(name, "")).split()) for name in FIELDS}, dict[str, str]()
    found["program"], found["colour"] = found["program"].casefold(), found["colour"].lower()
    for name in ("sender", "reply_to"):
        try:
            found[name] = clean_mailbox(found[name]) if found[name] else ""
        except Refused as error:
            errors[name] = error.sentence
    if found["colour"] and not _COLOUR.fullmatch(found["colour"]):
        errors["colour"] = _("Give a colour as #0f6363.")
    if ProgramLook.objects.filter(program=found["program"]).exclude(pk=row.pk if row else 0).exists():
        errors["program"] = _("This programme has a look already.")
    if errors:
        raise Refused.by_field(errors)
    row = row or ProgramLook()
    for name, value in found.items():
        setattr(row, name, value)
    row.save()
    return row
