"""Who hears that mails to an address come back, and of which addresses a mail tells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra_notifications.models import NotificationGroup
from outbox.models import Delivery, Event
from outbox.services.bounces.telling import GATHER
from outbox.services.freshness import bring_up_to_date
from outbox.transports.rendering.render import render_mail
from tests.factories.infra_notifications import NotificationGroupFactory
from tests.outbox.kit import NOW, a_claim, taken
from tests.outbox.test_bounces import TO, _domain, bounce

__all__ = ["_domain"]


def told_of(address: str) -> list[str]:
    """Of which addresses the mails tell that are sent to this one now."""
    held = [claim for claim in taken(100) if claim.address == address]
    batch = bring_up_to_date(held)
    sent = [claim.event.payload for claim in batch.claimed if claim.id not in batch.outcomes]
    return [one["address"] for payload in sent for one in (payload, *payload["others"])]


def test_several_dead_addresses_are_one_mail_that_names_each(db: None) -> None:
    """What the others are told comes back from dead addresses too."""
    dead, alive = ([f"{name}-{n}@example.org" for n in range(4)] for name in ("dead", "alive"))
    many: NotificationGroup = NotificationGroupFactory(emails=[*dead, *alive])
    for times in (1, 2):
        for address in dead:
            bounce(many, times, address)
    events = Event.objects.filter(kind="mailing_list.bounces")
    assert sorted(events.values_list("payload__address", "payload__is_paused")) == sorted(
        (address, is_paused) for address in dead for is_paused in (False, True)
    ), "each address is an event, when it is dead and when it is paused"
    mails = Delivery.objects.filter(event__in=events, state="pending")
    assert {mail.address for mail in mails} == set(alive), "what waits for a dead address is not sent"
    assert {mail.next_attempt_at for mail in mails} == {NOW + GATHER}
    mails.update(next_attempt_at=NOW)
    assert told_of(alive[0]) == dead


def test_address_that_dies_after_the_mail_is_told_of_in_one_of_its_own(db: None) -> None:
    group: NotificationGroup = NotificationGroupFactory(emails=[TO, "other@example.org", "day@example.org"])
    bounce(group, 1)
    first = Delivery.objects.filter(event__kind="mailing_list.bounces")
    first.update(state="delivered", next_attempt_at=None, settled_at=NOW)
    bounce(group, 1, "other@example.org")
    Delivery.objects.filter(state="pending").update(next_attempt_at=NOW)
    assert told_of("day@example.org") == ["other@example.org"]


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_mail_names_each_address_with_its_words(language: str) -> None:
    others = [{"address": f"a{n}@example.org", "answer": f"5.1.{n}", "bounces": 3, "is_paused": n > 1} for n in (1, 2)]
    payload = {
        "list_name": "Köln",
        "address": TO,
        "answer": "5.1.0",
        "bounces": 1,
        "is_paused": False,
        "url": "https://x",
    }
    claim = a_claim(kind="mailing_list.bounces").event
    mail = render_mail(replace(claim, payload=payload | {"others": others}), language, unsubscribable=True)
    for text in (mail.text, mail.html):
        assert all(said in text for said in (TO, "a1@example.org", "a2@example.org", "5.1.0", "5.1.1", "5.1.2"))
    assert TO in mail.subject
    assert "2" in mail.subject
