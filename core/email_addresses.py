"""The one check of an e-mail address, whoever gives it: people, machines, files, settings.

The syntax is judged by `email_validator`, the domain is not looked up. A domain without a dot is none, but for
`localhost`, to which a machine's own mail server delivers.
"""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, EmailSyntaxError, ValidatedEmail, validate_email

from core.refusal import Refused, refusing_in_form
from core.text import composed

LOCAL = "localhost"
# RFC 5321: 64 octets before the @ and 255 behind it. What is longer is not looked at.
MAX_LENGTH = 320
# What a name holds only in quotes.
_SPECIAL = re.compile(r"[^\w\s!#$%&'*+/=?^`{|}~-]")


def ascii_address(address: str) -> str:
    """An address in the form that mail servers take: the domain in ASCII. Raises ValueError that says why not.

    Nothing may stand around it, no space either: what is cleaned here stands in headers and commands.
    """
    if len(address) > MAX_LENGTH:
        raise EmailSyntaxError("The email address is too long.")
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


def clean_mailbox(text: str) -> str:
    """An address that may have a name: `Desk <desk@x.example>`, the name in quotes where RFC 5322 asks for them. Names
    keep their letters; the mail encodes them. Raises Refused with a sentence that names it."""
    # A name in any letters, and an address in angle brackets (RFC 5322 § 3.4).
    name, bracket, address = composed(text).rpartition("<")
    if not bracket or not address.endswith(">"):
        return clean_address(text)
    name, address = name.strip(), clean_address(address[:-1])
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1]).strip()
    if _SPECIAL.search(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        name = f'"{escaped}"'
    return f"{name} <{address}>" if name else address


def validate_mailbox(text: str) -> None:
    with refusing_in_form():
        clean_mailbox(text)


class AddressField(models.EmailField):  # type: ignore[type-arg] # its types have no place at run time
    """An e-mail address of a model. For migrations it is Django's field: the database knows no difference."""

    default_validators = [validate_address]

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.EmailField", args, kwargs

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": forms.CharField, "widget": forms.EmailInput} | kwargs)


class MailboxField(AddressField):
    """An address of a model that may have a name."""

    default_validators = [validate_mailbox]

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"widget": forms.TextInput} | kwargs)
