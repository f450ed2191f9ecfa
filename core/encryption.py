"""Secrets at rest: columns that the database holds encrypted, by keys that it does not have (FIELD_KEY).

    secret = EncryptedTextField()
    headers = EncryptedJSONField(default=dict)

A row's attribute opens the value when it is asked for, so that what cannot be read (a lost key) harms whoever needs it
and nobody else: it counts as an attribute that is not there. `manage.py rotate_field_key` writes all anew by the first
key. Nothing can be searched or sorted by such a column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldError
from django.core.validators import MaxLengthValidator
from django.db.models import CharField, Model, TextField
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from core.cache import Cache
from core.text import shown_url


class Unreadable(AttributeError, ValueError):
    """A value that was written by a key which FIELD_KEY does not hold."""

    # A template shows nothing in its place.
    silent_variable_failure = True


class Sealed(str):
    """A value as the database holds it. Neither `str` nor `repr` of a row's dictionary shows what is in it."""

    __slots__ = ()


_rings: Cache[str, MultiFernet] = Cache(most=1)


def keyring() -> MultiFernet:
    """The keys of the setting: the first encrypts, all decrypt."""
    keys = tuple(settings.FIELD_KEY)
    return _rings.get("", lambda: MultiFernet([Fernet(key) for key in keys]), stamp=keys)


def sealed(content: bytes) -> bytes:
    """What a file of ours may hold of secrets."""
    return keyring().encrypt(content)


def unsealed(content: bytes) -> bytes:
    """Raises Unreadable."""
    try:
        return keyring().decrypt(content)
    except InvalidToken:
        raise Unreadable("It cannot be read by FIELD_KEY.") from None


class _Opened(DeferredAttribute):
    """An attribute that opens what came from the database when it is first asked for."""

    field: EncryptedTextField

    def __get__(self, instance: Model | None, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is not None and isinstance(value, Sealed):
            value = instance.__dict__[self.field.attname] = self.field.opened(value)
        return value

    def __set__(self, instance: Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(TextField):  # type: ignore[type-arg]
    """A text that the database holds encrypted; an empty one is empty there, too."""

    descriptor_class = _Opened

    def dumps(self, value: Any) -> str:
        return str(value)

    def loads(self, text: str) -> Any:
        return text

    def opened(self, sealed: str) -> Any:
        """What a value of the database holds. Raises Unreadable."""
        if not sealed:
            return self.loads("")
        try:
            return self.loads(keyring().decrypt(sealed.encode()).decode())
        except InvalidToken:
            raise Unreadable(_("What %(what)s holds cannot be read by FIELD_KEY.") % {"what": self}) from None

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def pre_save(self, model_instance: Model, add: bool) -> Any:
        """What nobody opened stays as it is."""
        kept = model_instance.__dict__.get(self.attname)
        return kept if isinstance(kept, Sealed) else super().pre_save(model_instance, add)

    def get_prep_value(self, value: Any) -> str | None:
        if value is None or isinstance(value, Sealed):
            return value
        return keyring().encrypt(self.dumps(value).encode()).decode() if value else ""

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self} is encrypted: nothing can be looked up by it.")
        return super().get_lookup(lookup_name)


class EncryptedJSONField(EncryptedTextField):
    """An object of JSON that the database holds encrypted."""

    # For the type checker.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def dumps(self, value: Any) -> str:
        return json.dumps(value)

    def loads(self, text: str) -> Any:
        return json.loads(text) if text else {}


class AddressElsewhere(EncryptedTextField):
    """The address of a foreign system. Its path and query often are its key (Slack, Teams, feeds), so that whoever may
    not change it, sentences, and the audit log have `shown_url` of it, and nothing can be searched or sorted by it."""

    def __init__(self, verbose_name: Any = None, *, max_length: int = 2_000, **kwargs: Any) -> None:
        super().__init__(verbose_name, max_length=max_length, **kwargs)
        self.validators.append(MaxLengthValidator(max_length))


class LeadsElsewhere(Model):
    """A row with such an address: what may be shown of it stands beside it, by which it is found and sorted."""

    address_field = "url"

    shown_url = CharField(_lazy("URL"), max_length=300, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """What is shown follows the address; one that cannot be read is still shown."""
        name = self.address_field
        if (update_fields is None or name in update_fields) and (url := getattr(self, name, "")):
            self.shown_url = shown_url(url)
            update_fields = None if update_fields is None else {*update_fields, "shown_url"}
        super().save(*args, update_fields=update_fields, **kwargs)


def lost(row: Model) -> dict[str, str]:
    """The encrypted columns of a row that no key opens, each with the sentence that a form says at its field."""
    said = {}
    for field in row._meta.concrete_fields:
        if isinstance(field, EncryptedTextField):
            try:
                getattr(row, field.attname)
            except Unreadable as error:
                said[field.name] = " ".join((str(error), _("Give it anew.")))
    return said


def encrypted_columns() -> Iterator[tuple[type[Model], EncryptedTextField]]:
    """Every encrypted column of every model."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


def sealed_values(model: type[Model], field: EncryptedTextField) -> Iterator[tuple[Any, Sealed]]:
    """The keys and values of a column that hold something, as they are in the database."""
    for pk, sealed in model._base_manager.order_by("pk").values_list("pk", field.attname).iterator():
        if sealed:
            yield pk, sealed


def unreadable_values() -> list[str]:
    """The values that none of the keys opens, each as its column and the key of its row."""
    found = []
    for model, field in encrypted_columns():
        for pk, sealed in sealed_values(model, field):
            try:
                field.opened(sealed)
            except Unreadable:
                found.append(f"{field} #{pk}")
    return found


@checks.register(checks.Tags.security, deploy=True)
def check_field_key(app_configs: Any, **_kwargs: Any) -> list[checks.CheckMessage]:
    """A key of few different letters was not made by chance."""
    if all(len(set(key)) > 12 for key in settings.FIELD_KEY):
        return []
    hint = "Make each by `openssl rand -base64 32`, put it first, and run `manage.py rotate_field_key`."
    return [checks.Warning("FIELD_KEY holds a key that is no random one.", hint=hint, id="signalbox.W001")]
