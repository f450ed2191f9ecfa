"""Programs: made, changed and deleted by administrators and the API; no topic is about them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from bikeshare.choices import Refusal
from bikeshare.ingest.resources import ProgramBody, values_of
from bikeshare.ingest.rules import BadRule, rules_from
from bikeshare.models import Program
from bikeshare.services.refusals import invalid, refusal
from core.refusal import refusing_invalid_models
from core.time_zones import known_zones


def create_program(*, body: ProgramBody) -> Program:
    """Raises Refused for a key that is taken and for values that no field takes."""
    values = _checked(values_of(body))
    for name in ("id", "name"):
        if not values.get(name):
            raise invalid(name, _("It is needed."))
    with transaction.atomic():
        program = Program(**values)
        with refusing_invalid_models():
            program.clean_fields()
        if Program.objects.filter(pk=program.pk).exists():
            raise refusal(Refusal.DUPLICATE)
        program.save(force_insert=True)
    return program


def patch_program(*, program: Program, body: ProgramBody) -> Program:
    values = _checked(values_of(body))
    if values.get("id", program.pk) != program.pk:
        raise invalid("id", _("It cannot be changed."))
    with transaction.atomic():
        program = Program.objects.select_for_update().get(pk=program.pk)
        for name, value in values.items():
            setattr(program, name, value)
        with refusing_invalid_models():
            program.clean_fields()
        if "global_rules" in values:
            program.zones_version += 1
        program.save()
    return program


def delete_program(*, program: Program) -> None:
    """Deletes a program in which nothing ever was."""
    try:
        with transaction.atomic():
            program.delete()
    except ProtectedError as error:
        raise refusal(Refusal.IN_USE, _("The program still has resources; block it instead.")) from error


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    if "timezone" in values and values["timezone"] not in known_zones():
        raise invalid("timezone", _("It must be a time zone such as Europe/Paris."))
    if "global_rules" in values:
        try:
            values["global_rules"] = rules_from(values["global_rules"])
        except BadRule as error:
            raise invalid("global_rules", str(error)) from error
    return values
