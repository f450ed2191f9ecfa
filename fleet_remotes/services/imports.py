"""Vehicles from CSV or Excel: read and checked line by line, written all or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from itertools import zip_longest
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from core.corrections import LEFT_OUT, Corrections, folded
from core.ingest import Submission
from core.schema_words import readable
from core.sheets import Unreadable, read_table
from fleet_remotes.services.vehicles import (
    SIDE_FIELDS,
    VEHICLE_NAMES,
    VehicleInput,
    as_known,
    problem_with,
    take_vehicles,
    unknown_fleets,
)

MOST_BYTES = 5 * 2**20
MOST_ROWS, MOST_ERRORS = 10_000, 100
_NAMES = {**VEHICLE_NAMES.aliases, **{folded(name): name for name in VehicleInput.__struct_fields__}}
_CORRECTIONS = Corrections(VehicleInput, spare=SIDE_FIELDS, rounds=True)


@dataclass
class VehicleFile:
    """What a file holds: its good rows with their lines, and each error and oddity with its line."""

    rows: list[VehicleInput] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)


def read_vehicles(data: bytes) -> VehicleFile:
    """Reads a table whose first line names the fields; a column that is missing leaves its field alone, an empty cell
    too. Capabilities and tags stand in one cell, parted by semicolons or commas."""
    found = VehicleFile()
    try:
        table = read_table(data)
        line, cells = next(table.rows, (1, []))
        header = [_NAMES.get(folded(cell), "") for cell in cells]
        missing = [name for name in ("vin", "fleet", "brand") if name not in header]
        if missing:
            names = ", ".join(missing)
            found.errors.append((line, _("The first line must name the columns: %(names)s.") % {"names": names}))
            return found
        unknown = ", ".join(_unknown(cell) for cell, name in zip(cells, header, strict=True) if cell and not name)
        if unknown:
            found.warnings.append((line, _("Nobody reads these columns: %(names)s.") % {"names": unknown}))
        for line, cells in table.rows:
            if any(cells):
                _read_line(line, header, cells, found)
            if len(found.rows) > MOST_ROWS or len(found.errors) >= MOST_ERRORS:
                found.errors.append((line, _("It was read no further.")))
                return found
    except Unreadable as error:
        found.errors.append((error.line, error.sentence))
    fleets = unknown_fleets(found.rows)
    for line, item in zip(found.lines, found.rows, strict=True):
        if sentence := fleets.get(item.fleet.strip()):
            found.errors.append((line, f"fleet: {sentence}"))
    found.errors = sorted(found.errors)[:MOST_ERRORS]
    if not found.rows and not found.errors:
        found.errors.append((1, _("The file holds no vehicle.")))
    return found


def _unknown(cell: str) -> str:
    """A column that nobody reads, with the nearest that somebody does."""
    near = get_close_matches(folded(cell), _NAMES, n=1)
    return f"{cell[:40]} ({_NAMES[near[0]]}?)" if near else cell[:40]


def _read_line(line: int, header: list[str], cells: list[str], found: VehicleFile) -> None:
    named = zip_longest(header, cells[: len(header)], fillvalue="")
    document: dict[str, Any] = {name: cell for name, cell in named if name and cell}
    try:
        corrected, notes = _CORRECTIONS.correct(document)
        given, left_out = _CORRECTIONS.fitted(corrected, partial(msgspec.convert, type=VehicleInput))
    except msgspec.ValidationError as error:
        found.errors.append((line, readable(error)))
        return
    item, more = as_known(given)
    # Of a cell, which is text, only what was not understood is worth a word.
    notes = [note for note in notes if LEFT_OUT in note] + left_out + more
    if problem := problem_with(item):
        found.errors.append((line, problem))
        return
    found.warnings += [(line, note) for note in notes]
    found.rows.append(item)
    found.lines.append(line)


def write_vehicles(*, found: VehicleFile, now: datetime) -> int:
    """Writes a file without errors; returns how many vehicles. Raises ValueError for one that has any."""
    if found.errors:
        raise ValueError(_("Nothing is imported while the file has errors."))
    (intake,) = take_vehicles(submissions=[Submission(0, list(enumerate(found.rows)))], now=now)
    return intake.accepted
