"""The one check of an e-mail address, whoever gives it: people, machines, files, settings.

The syntax is judged by `email_validator`, the domain is not looked up. A domain without a dot is none, but for
`localhost`, to which a machine's own mail server delivers.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, EmailSyntaxError, ValidatedEmail, validate_email

from core.refusal import Refused, refusing_in_form

LOCAL = "localhost"


def ascii_address(address: str) -> str:
    """An address in the form that mail servers take: the domain in ASCII. Raises ValueError that says why not.

    Nothing may stand around it, no space either: what is cleaned here stands in headers and commands.
    """
    local, _at, domain = address.rpartition("@")
    if domain.lower() == LOCAL:  # a reserved name, which the check knows no way to allow
        return f"{_checked(f'{local}@example.org').local_part}@{LOCAL}"
    parts = _checked(address)
    if "." not in parts.ascii_domain:
        raise EmailSyntaxError("The part after the @-sign is not valid. It should have a period.")
    return f"{parts.local_part}@{parts.ascii_domain}"


def _checked(address: str) -> ValidatedEmail:
    return validate_email(address, check_deliverability=False, globally_deliverable=False)


def is_address(text: str) -> bool:
    try:
        ascii_address(text.strip())
    except EmailNotValidError:
        return False
    return True


def clean_address(text: str) -> str:
    """An address in the form that mail servers take. Raises Refused with a sentence that names it."""
    try:
        return ascii_address(text.strip())
    except EmailNotValidError as error:
        sentence = _("“%(text)s” is no e-mail address: %(why)s") % {"text": text.strip()[:100], "why": error}
        raise Refused(sentence) from error


def validate_address(text: str) -> None:
    """The same check as a validator of fields."""
    with refusing_in_form():
        clean_address(text)


class AddressField(models.EmailField):  # type: ignore[type-arg] # its types have no place at run time
    """An e-mail address of a model. For migrations it is Django's field: the database knows no difference."""

    default_validators = [validate_address]

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.EmailField", args, kwargs

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": forms.CharField, "widget": forms.EmailInput} | kwargs)
