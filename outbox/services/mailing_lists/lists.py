"""The mailing lists of one kind, such as topic lists or an app's groups: addresses, test mail, deletion."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from auditlog.models import LogEntry
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from core.refusal import Refused
from core.text import composed
from outbox.choices import Language, Reason
from outbox.contract import NewEvent, Recipient
from outbox.services.bounces.marks import forget_bounces
from outbox.services.deliveries import cancel_deleted_list, cancel_for_list
from outbox.services.mailing_lists.leaving import FoundList, MailingList
from outbox.services.publishing import publish

MAX_NAME = 100


@dataclass(frozen=True)
class MailingLists:
    """One kind of list. `model` has name, language, `list_key` ("<prefix>:<pk>") and `addresses`, which are rows of a
    model with `address` and a foreign key named `field`.

    Every change is audited; `changed` is called in its transaction, after it.
    """

    prefix: str
    model: type[models.Model]
    address_model: type[models.Model]
    field: str
    # The name of the URL of a list's page.
    page: str
    # The constraint that keeps names apart, and what to say of a taken one, with %(name)s.
    name_constraint: str
    name_taken: str | Promise
    no_address: str | Promise
    changed: Callable[[], None] = lambda: None
    # See MailingList.resumed.
    resumed: Callable[[Sequence[str], datetime], None] | None = None

    @property
    def registered(self) -> MailingList:
        """How these lists are left by the link in each mail."""
        return MailingList(self.prefix, self.title, self.leave, self.find, self.resumed)

    # ---- the lists ----------------------------------------------------------------------------------------------

    def save(self, mailing_list: Any, fields: Iterable[str] | None = None) -> None:
        """Raises Refused with code `unique` for a name that another list has."""
        try:
            with transaction.atomic():
                mailing_list.save(update_fields=fields)
        except IntegrityError as error:
            if self.name_constraint not in str(error):
                raise
            raise Refused(str(self.name_taken) % {"name": mailing_list.name}, code="unique") from error

    def delete(self, mailing_list: Any, now: datetime) -> None:
        """Ends a list and all that is on its way to it. Belongs to a transaction."""
        list_key = mailing_list.list_key
        mailing_list.delete()
        cancel_deleted_list(list_key=list_key, now=now)
        self.changed()

    def title(self, key: str) -> str | None:
        name: str | None = self.model._default_manager.filter(pk=pk_in(key)).values_list("name", flat=True).first()
        return name

    def find(self, key: str) -> FoundList | None:
        found: Any = self.model._default_manager.filter(pk=pk_in(key)).first()
        if found is None:
            return None
        addresses = list(found.addresses.values_list("address", flat=True))
        url = f"{settings.PUBLIC_URL}{reverse(self.page, args=[found.pk])}"
        return FoundList(found.name, found.language, addresses, url)

    def audit(self, mailing_list: Any, changes: dict[str, Any]) -> None:
        LogEntry.objects.log_create(mailing_list, action=LogEntry.Action.UPDATE, changes=changes)

    # ---- addresses ----------------------------------------------------------------------------------------------

    def add_addresses(self, mailing_list: Any, addresses: Sequence[str], now: datetime | None = None) -> None:
        """The addresses of a list that was just made."""
        self._insert(mailing_list, addresses, now)
        if addresses:
            self.audit(mailing_list, {"addresses": ["", ", ".join(addresses)]})

    def replace_addresses(self, mailing_list: Any, addresses: Sequence[str], now: datetime) -> None:
        """Adds what is new and removes what is gone; what stays keeps its row."""
        old = {row.address.lower(): row for row in mailing_list.addresses.all()}
        new = {address.lower(): address for address in addresses}
        removed = [row for key, row in old.items() if key not in new]
        added = [address for key, address in new.items() if key not in old]
        self.address_model._default_manager.filter(pk__in=[row.pk for row in removed]).delete()
        self._insert(mailing_list, added, now)
        for row in removed:
            cancel_for_list(list_key=mailing_list.list_key, address=row.address, reason=Reason.BY_HAND, now=now)
        if removed or added:
            before, after = sorted(row.address for row in old.values()), sorted(new.values())
            self.audit(mailing_list, {"addresses": [", ".join(before), ", ".join(after)]})

    def leave(self, key: str, address: str) -> bool:
        """Takes an address off a list because its owner asked; says whether it was on it."""
        rows = self.address_model._default_manager.select_related(self.field)
        with transaction.atomic():
            row = rows.filter(**{f"{self.field}_id": pk_in(key)}, address__iexact=address).first()
            if row is None:
                return False
            row.delete()
            self.audit(getattr(row, self.field), {"addresses": [address, _("unsubscribed by its owner")]})
            self.changed()
        return True

    def erase(self, address: str) -> int:
        """Takes an address off every list; returns off how many."""
        with transaction.atomic():
            number = self.address_model._default_manager.filter(address__iexact=address).delete()[0]
            if number:
                self.changed()
        return number

    def _insert(self, mailing_list: Any, addresses: Iterable[str], now: datetime | None) -> None:
        rows = [self.address_model(**{self.field: mailing_list, "address": address}) for address in addresses]
        self.address_model._default_manager.bulk_create(rows)
        forget_bounces((row.address for row in rows), now)  # type: ignore[attr-defined] # of whichever model

    # ---- the test mail ------------------------------------------------------------------------------------------

    def send_test(self, mailing_list: Any, *, kind: str, payload: msgspec.Struct, now: datetime) -> int:
        """Sends a test mail to every address of a list, the whole way through the outbox. Returns the event's id.

        Raises Refused for a list without addresses.
        """
        with transaction.atomic():
            # Held until the mail is recorded, so that who deletes the list finds the mail and stops it.
            list(
                self.model._default_manager.select_for_update(no_key=True).filter(pk=mailing_list.pk).values_list("pk")
            )
            addresses = list(mailing_list.addresses.values_list("address", flat=True))
            if not addresses:
                raise Refused(str(self.no_address))
            key = f"{self.prefix}_test:{mailing_list.pk}:{uuid.uuid4().hex}"
            mail = mail_to_list(mailing_list, addresses, kind=kind, payload=payload, dedup_key=key, occurred_at=now)
            return publish(events=[mail], now=now)[key]


def mail_to_list(
    mailing_list: Any,
    addresses: Iterable[str],
    *,
    kind: str,
    payload: msgspec.Struct,
    dedup_key: str,
    occurred_at: datetime,
    thread: str = "",
) -> NewEvent:
    """A mail for every address of a list, in its language. `thread` is the uuid (hex) of the mail that it answers."""
    return NewEvent(
        kind=kind,
        subject=mailing_list.list_key,
        payload=payload,
        dedup_key=dedup_key,
        occurred_at=occurred_at,
        recipients=tuple(
            Recipient(address, list_key=mailing_list.list_key, language=mailing_list.language) for address in addresses
        ),
        thread=thread,
    )


def clean_common(values: dict[str, Any], *, name_missing: str | Promise) -> dict[str, Any]:
    """Tidies name, description and language of a list's settings in place; returns what is wrong by field."""
    errors: dict[str, Any] = {}
    if "name" in values:
        values["name"] = " ".join(composed(str(values["name"])).split())
        if not values["name"] or len(values["name"]) > MAX_NAME:
            errors["name"] = name_missing
    if "description" in values:
        values["description"] = str(values["description"]).strip()
    if values.get("language", "en") not in Language.values:
        errors["language"] = _("The languages are %(known)s.") % {"known": ", ".join(Language.values)}
    return errors


def pk_in(key: str) -> int:
    """The list's primary key in its `list_key`; 0, which none has, for anything else."""
    number = key.partition(":")[2]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
