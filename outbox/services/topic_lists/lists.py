"""Writes topic lists: settings, addresses, test mails. Everything here is audited."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from auditlog.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.erasure import Erased
from core.search import SearchError
from outbox import nudge
from outbox.choices import Language, NoticeReason, NoticeState, Reason
from outbox.contract import NewEvent, Recipient
from outbox.event_kinds import clean_topics, domains, kinds_of
from outbox.lists import MailingList, clean_addresses
from outbox.mailing import TOPIC_TEST, TopicTest
from outbox.models import Event, TopicList, TopicListAddress, TopicNotice
from outbox.services.deliveries import cancel_deleted_list, cancel_for_list
from outbox.services.publishing import publish
from outbox.services.topic_lists.items import example_item, list_url
from outbox.services.topic_lists.noticing import lists_changed
from outbox.services.topic_lists.telling import skip
from outbox.subscriptions.conditions import check_condition

MAX_GATHER_S = 24 * 3600
SETTINGS = ("name", "description", "domain", "topics", "condition", "language", "enabled", "gather_s")


def clean_settings(given: dict[str, Any], *, topics: Sequence[str] = (), domain: str = "") -> dict[str, Any]:
    """Checks a list's settings; unknown keys are left out. Raises ValidationError with a pointer to each field.

    `topics` and `domain` are those that the list has, where they are not given: the condition is checked with them.
    """
    found = {key: value for key, value in given.items() if key in SETTINGS}
    errors: dict[str, Any] = {}
    if "name" in found:
        found["name"] = " ".join(str(found["name"]).replace("\x00", "").split())
        if not found["name"] or len(found["name"]) > 100:
            errors["name"] = _("Give the list a name of at most 100 characters.")
    for key in {"description", "condition"} & found.keys():
        found[key] = str(found[key]).replace("\x00", "").strip()
    if found.get("domain", "") and found["domain"] not in domains():
        errors["domain"] = _("The domains are %(known)s; empty means any.") % {"known": ", ".join(domains())}
    if "topics" in found:
        try:
            found["topics"] = clean_topics(found["topics"])
        except ValidationError as error:
            errors["topics"] = error.messages
    if found.get("language", "en") not in Language.values:
        errors["language"] = _("The languages are %(known)s.") % {"known": ", ".join(Language.values)}
    if not 0 <= found.get("gather_s", 0) <= MAX_GATHER_S:
        errors["gather_s"] = _("A list gathers for 0 to %(n)d seconds.") % {"n": MAX_GATHER_S}
    if not errors.keys() & {"topics", "domain"}:
        errors |= _about_topics(found, found.get("topics", topics), found.get("domain", domain))
    if errors:
        raise ValidationError(errors)
    return found


def _about_topics(found: dict[str, Any], topics: Sequence[str], domain: str) -> dict[str, Any]:
    """What is wrong with the condition, or with domain and topics together."""
    if not {"topics", "domain", "condition"} & found.keys():
        return {}
    kinds = kinds_of(topics, domain)
    if topics and not kinds:
        return {"domain": _("No event of this domain is of the chosen topics.")}
    try:
        check_condition(found.get("condition", ""), kinds)
    except SearchError as error:
        return {"condition": str(error)}
    return {}


def create_list(*, settings: dict[str, Any], emails: Sequence[str] = ()) -> TopicList:
    """Makes a topic list with its addresses. Raises ValidationError, with code `unique` for a taken name."""
    clean, addresses = clean_settings({"name": "", "topics": []} | settings), clean_addresses(emails)
    with transaction.atomic():
        topic_list = _saved(TopicList(**clean))
        _add_addresses(topic_list, addresses)
        if addresses:
            _audit(topic_list, {"addresses": ["", ", ".join(addresses)]})
        lists_changed()
    return topic_list


def update_list(
    *, topic_list: TopicList, settings: dict[str, Any], emails: Sequence[str] | None = None, now: datetime
) -> TopicList:
    """Changes a list's settings and, if given, replaces its addresses. Raises ValidationError.

    What waits is decided by the new settings when it is due, and due earlier if the list gathers for less time now.
    """
    unchanged = {"condition": topic_list.condition} if {"topics", "domain"} & settings.keys() else {}
    clean = clean_settings(unchanged | settings, topics=topic_list.topics, domain=topic_list.domain)
    addresses = clean_addresses(emails) if emails is not None else None
    with transaction.atomic():
        locked = TopicList.objects.select_for_update().get(pk=topic_list.pk)
        for key, value in clean.items():
            setattr(locked, key, value)
        fields = [*clean, "updated_at"]
        if "gather_s" in clean:
            fields += _shorten_window(locked, now)
        # Nothing but these: until when the list gathers is written by others meanwhile.
        _saved(locked, fields)
        if addresses is not None:
            _replace_addresses(locked, addresses, now)
        lists_changed()
    return locked


def _shorten_window(topic_list: TopicList, now: datetime) -> list[str]:
    """Ends the window in which a list gathers earlier, if its new time says so; returns the fields to be saved."""
    until, last = topic_list.gathering_until, topic_list.last_told_at
    if until is None or last is None:
        return []
    end = max(now, last + timedelta(seconds=topic_list.gather_s))
    if end >= until:
        return []
    topic_list.gathering_until = end
    waiting = TopicNotice.objects.filter(topic_list=topic_list, state=NoticeState.WAITING, due_at__gt=end)
    waiting.update(due_at=end)
    transaction.on_commit(nudge.nudge, robust=True)
    return ["gathering_until"]


def _saved(topic_list: TopicList, fields: Iterable[str] | None = None) -> TopicList:
    try:
        with transaction.atomic():
            topic_list.save(update_fields=fields)
    except IntegrityError as error:
        if "topiclist_name_unique" not in str(error):
            raise
        raise ValidationError(
            _("There is a topic list named “%(name)s” already.") % {"name": topic_list.name}, code="unique"
        ) from error
    return topic_list


def delete_list(*, topic_list: TopicList, now: datetime) -> None:
    """Ends a list and all that is on its way to it. What it was told stays in the history, under its name."""
    pk, list_key = topic_list.pk, topic_list.list_key
    with transaction.atomic():
        topic_list.delete()
        skip(TopicNotice.objects.filter(topic_list_id=pk), NoticeReason.LIST_DELETED, now)
        cancel_deleted_list(list_key=list_key, now=now)
        lists_changed()


# ---- addresses ------------------------------------------------------------------------------------------------------


def _add_addresses(topic_list: TopicList, addresses: Iterable[str]) -> None:
    TopicListAddress.objects.bulk_create(
        [TopicListAddress(topic_list=topic_list, address=address) for address in addresses]
    )


def _replace_addresses(topic_list: TopicList, addresses: Sequence[str], now: datetime) -> None:
    """Adds what is new and removes what is gone; what stays keeps its row."""
    old = {row.address.lower(): row for row in topic_list.addresses.all()}
    wanted = {address.lower(): address for address in addresses}
    gone = [row for key, row in old.items() if key not in wanted]
    added = [address for key, address in wanted.items() if key not in old]
    TopicListAddress.objects.filter(pk__in=[row.pk for row in gone]).delete()
    _add_addresses(topic_list, added)
    for row in gone:
        cancel_for_list(list_key=topic_list.list_key, address=row.address, reason=Reason.BY_HAND, now=now)
    if gone or added:
        before, after = sorted(row.address for row in old.values()), sorted(wanted.values())
        _audit(topic_list, {"addresses": [", ".join(before), ", ".join(after)]})


def leave_list(*, list_id: int, address: str) -> bool:
    """Takes an address off a list because its owner asked; says whether it stood there."""
    with transaction.atomic():
        rows = TopicListAddress.objects.select_related("topic_list")
        found = rows.filter(topic_list_id=list_id, address__iexact=address).first()
        if found is None:
            return False
        found.delete()
        _audit(found.topic_list, {"addresses": [address, _("unsubscribed by its owner")]})
        lists_changed()
    return True


def erase_from_lists(address: str, _now: datetime) -> list[Erased]:
    """Takes an address off every list. Registered as an eraser."""
    with transaction.atomic():
        number = TopicListAddress.objects.filter(address__iexact=address).delete()[0]
        if number:
            lists_changed()
    return [Erased(_("addresses of topic lists"), number)]


def _audit(topic_list: TopicList, changes: dict[str, Any]) -> None:
    LogEntry.objects.log_create(topic_list, action=LogEntry.Action.UPDATE, changes=changes)


def _list_id(key: str) -> int:
    number = key.partition(":")[2]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0


def _title(key: str) -> str | None:
    return TopicList.objects.filter(pk=_list_id(key)).values_list("name", flat=True).first()


TOPIC_LIST = MailingList("topic_list", _title, lambda key, address: leave_list(list_id=_list_id(key), address=address))


# ---- test mail ------------------------------------------------------------------------------------------------------


def send_test(*, topic_list: TopicList, sent_by: str, now: datetime) -> Event:
    """Sends a test mail to every address of a list, the whole way through the outbox. Returns the mail's event.

    It shows an example of the first topic's events. Raises ValidationError for a list without addresses.
    """
    with transaction.atomic():
        # Held until the mail is recorded, so that who deletes the list finds the mail and stops it.
        list(TopicList.objects.select_for_update(no_key=True).filter(pk=topic_list.pk).values_list("pk"))
        addresses = list(topic_list.addresses.values_list("address", flat=True))
        if not addresses:
            raise ValidationError(_("This list has no address yet."))
        key = f"topic_list_test:{topic_list.pk}:{uuid.uuid4().hex}"
        kinds = kinds_of(topic_list.topics[:1], topic_list.domain)
        event = NewEvent(
            kind=TOPIC_TEST,
            subject=topic_list.list_key,
            payload=TopicTest(
                list_id=topic_list.pk,
                list_name=topic_list.name,
                topics=list(topic_list.topics),
                condition=topic_list.condition,
                sent_by=sent_by,
                items=[example_item(kind) for kind in kinds[:1]],
                url=list_url(topic_list.pk),
            ),
            dedup_key=key,
            occurred_at=now,
            recipients=tuple(
                Recipient(address, list_key=topic_list.list_key, language=topic_list.language) for address in addresses
            ),
        )
        return Event.objects.get(pk=publish(events=[event], now=now)[key])
