"""Writes topic lists: settings, addresses, test mails. Everything here is audited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.erasure import Erased
from core.refusal import Refused
from core.search import SearchError
from outbox import nudge
from outbox.choices import DecisionReason, DecisionState
from outbox.event_kinds import clean_topics, domains, kinds_of
from outbox.models import Event, TopicDecision, TopicList, TopicListAddress
from outbox.services.mailing_lists.addresses import clean_addresses
from outbox.services.mailing_lists.lists import MailingLists, clean_common
from outbox.services.topic_lists.deciding import lists_changed
from outbox.services.topic_lists.items import example_item, list_url
from outbox.services.topic_lists.notifying import skip
from outbox.subscriptions.conditions import check_condition
from outbox.subscriptions.kinds import TOPIC_TEST, TopicTest

MAX_GATHER_S = 24 * 3600
SETTINGS = ("name", "description", "domain", "topics", "condition", "language", "enabled", "gather_s")


TOPIC_LISTS = MailingLists(
    prefix="topic_list",
    model=TopicList,
    address_model=TopicListAddress,
    field="topic_list",
    page="outbox:topic_list",
    name_constraint="topiclist_name_unique",
    name_taken=gettext_lazy("There is a topic list named “%(name)s” already."),
    no_address=gettext_lazy("This list has no address yet."),
    changed=lists_changed,
)


def clean_settings(settings: dict[str, Any], *, topics: Sequence[str] = (), domain: str = "") -> dict[str, Any]:
    """Checks a list's settings; unknown keys are left out. Raises Refused with a pointer to each field.

    `topics` and `domain` are those that the list has, where they are not given: the condition is checked with them.
    """
    clean = {key: value for key, value in settings.items() if key in SETTINGS}
    errors = clean_common(clean, name_missing=_("Give the list a name of at most 100 characters."))
    if "condition" in clean:
        clean["condition"] = str(clean["condition"]).strip()
    if clean.get("domain", "") and clean["domain"] not in domains():
        errors["domain"] = _("The domains are %(known)s; empty means any.") % {"known": ", ".join(domains())}
    if "topics" in clean:
        try:
            clean["topics"] = clean_topics(clean["topics"])
        except Refused as error:
            errors["topics"] = error.sentences
    if not 0 <= clean.get("gather_s", 0) <= MAX_GATHER_S:
        errors["gather_s"] = _("A list gathers for 0 to %(n)d seconds.") % {"n": MAX_GATHER_S}
    if not errors.keys() & {"topics", "domain"}:
        errors |= _about_topics(clean, clean.get("topics", topics), clean.get("domain", domain))
    if errors:
        raise Refused.by_field(errors)
    return clean


def _about_topics(clean: dict[str, Any], topics: Sequence[str], domain: str) -> dict[str, Any]:
    """What is wrong with the condition, or with domain and topics together."""
    if not {"topics", "domain", "condition"} & clean.keys():
        return {}
    kinds = kinds_of(topics, domain)
    if topics and not kinds:
        return {"domain": _("No event of this domain is of the chosen topics.")}
    try:
        check_condition(clean.get("condition", ""), kinds)
    except SearchError as error:
        return {"condition": str(error)}
    return {}


def create_list(*, settings: dict[str, Any], emails: Sequence[str] = ()) -> TopicList:
    """Makes a topic list with its addresses. Raises Refused, with code `unique` for a taken name."""
    clean, addresses = clean_settings({"name": "", "topics": []} | settings), clean_addresses(emails)
    with transaction.atomic():
        topic_list = TopicList(**clean)
        TOPIC_LISTS.save(topic_list)
        TOPIC_LISTS.add_addresses(topic_list, addresses)
        lists_changed()
    return topic_list


def update_list(
    *, topic_list: TopicList, settings: dict[str, Any], emails: Sequence[str] | None = None, now: datetime
) -> TopicList:
    """Changes a list's settings and, if given, replaces its addresses. Raises Refused.

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
        TOPIC_LISTS.save(locked, fields)
        if addresses is not None:
            TOPIC_LISTS.replace_addresses(locked, addresses, now)
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
    waiting = TopicDecision.objects.filter(topic_list=topic_list, state=DecisionState.WAITING, due_at__gt=end)
    waiting.update(due_at=end)
    transaction.on_commit(nudge.nudge, robust=True)
    return ["gathering_until"]


def delete_list(*, topic_list: TopicList, now: datetime) -> None:
    """Ends a list and all that is on its way to it. What it was told stays in the history, under its name."""
    pk = topic_list.pk
    with transaction.atomic():
        TOPIC_LISTS.delete(topic_list, now)
        skip(TopicDecision.objects.filter(topic_list_id=pk), DecisionReason.LIST_DELETED, now)


def erase_from_lists(address: str, _now: datetime) -> list[Erased]:
    """Takes an address off every list. Registered as an eraser."""
    return [Erased(_("addresses of topic lists"), TOPIC_LISTS.erase(address))]


def send_test(*, topic_list: TopicList, sent_by: str, now: datetime) -> Event:
    """Sends a test mail to every address of a list; returns its event. It shows an example of the first topic's events.

    Raises Refused for a list without addresses.
    """
    kinds = kinds_of(topic_list.topics[:1], topic_list.domain)
    payload = TopicTest(
        list_id=topic_list.pk,
        list_name=topic_list.name,
        topics=list(topic_list.topics),
        condition=topic_list.condition,
        sent_by=sent_by,
        items=[example_item(kind) for kind in kinds[:1]],
        url=list_url(topic_list.pk),
    )
    return Event.objects.get(pk=TOPIC_LISTS.send_test(topic_list, kind=TOPIC_TEST, payload=payload, now=now))
