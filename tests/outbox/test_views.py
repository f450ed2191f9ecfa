"""Pages of the outbox: who may see and do what, and what they show."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from outbox import selectors
from outbox.choices import CANCELLABLE, RETRYABLE, Channel, DeliveryState, Reason
from outbox.contract import failed
from outbox.models import Address, Attempt, Delivery, Event
from tests.factories.console import UserFactory
from tests.outbox.kit import NOW, Note, a_delivery, a_note, fresh, published, settled

URL = "/outbox/deliveries/"
REFUSED = failed(Reason.ADDRESS_REFUSED, 550, "550 5.1.1 <a@x.example>: unknown & unloved")


def page_of(delivery: Delivery, part: str = "") -> str:
    return f"{URL}{delivery.pk}/{part}"


def directives(answer: Any) -> dict[str, str]:
    """The Content-Security-Policy by directive."""
    pairs = (part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";"))
    return {name: values for name, _, values in pairs}


# ---- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "status"), [("", 200), ("preview/", 403)])
def test_viewer_sees_deliveries_and_nobody_else_does(viewer: Client, nobody: Client, part: str, status: int) -> None:
    """A mail names who gets it."""
    delivery = a_delivery()
    assert viewer.get(page_of(delivery, part)).status_code == status
    assert nobody.get(page_of(delivery, part)).status_code == 403
    assert Client().get(page_of(delivery, part)).status_code == 302


@pytest.mark.parametrize("path", [URL, "/outbox/events/"])
def test_lists_ask_for_a_role(viewer: Client, nobody: Client, path: str) -> None:
    assert viewer.get(path).status_code == 200
    assert nobody.get(path).status_code == 403
    assert Client().get(path).status_code == 302


@pytest.mark.parametrize(("action", "state"), [("retry/", "failed"), ("cancel/", "pending")])
def test_viewer_changes_nothing(viewer: Client, action: str, state: str) -> None:
    delivery = a_delivery(state=state)
    assert viewer.post(page_of(delivery, action)).status_code == 403
    assert fresh(delivery).state == state
    assert page_of(delivery, action) not in viewer.get(page_of(delivery)).text


@pytest.mark.parametrize("action", ["retry/", "cancel/"])
def test_actions_are_no_links(operator: Client, action: str) -> None:
    delivery = a_delivery(state="retrying")
    assert operator.get(page_of(delivery, action)).status_code == 405
    assert fresh(delivery).state == "retrying"


@pytest.mark.parametrize("action", ["retry/", "cancel/"])
def test_actions_ask_for_the_csrf_token(operator: Client, action: str) -> None:
    operator.handler.enforce_csrf_checks = True
    assert operator.post(page_of(a_delivery(state="retrying"), action)).status_code == 403


@pytest.mark.parametrize("part", ["", "preview/", "retry/", "cancel/"])
@pytest.mark.parametrize("number", [0, 10**30])
def test_unknown_delivery_is_not_found(administrator: Client, part: str, number: int) -> None:
    ask = administrator.post if part in ("retry/", "cancel/") else administrator.get
    assert ask(f"{URL}{number}/{part}").status_code == 404


# ---- the list -----------------------------------------------------------------------------------------------------


def test_list_shows_state_address_kind_and_reason(operator: Client) -> None:
    a_delivery("refused@x.example", state="failed", reason=Reason.ADDRESS_REFUSED)
    text = operator.get(URL).text
    for shown in ("refused@x.example", "Failed", "Note", "The server refused this address"):
        assert shown in text


@pytest.mark.parametrize("query", ["q=state:failed", "state=failed", "reason=address_refused", "q=b@x"])
def test_list_can_be_narrowed(operator: Client, query: str) -> None:
    a_delivery("a@x.example")
    a_delivery("b@x.example", state="failed", reason=Reason.ADDRESS_REFUSED)
    text = operator.get(f"{URL}?{query}").text
    assert "b@x.example" in text
    assert "a@x.example" not in text


def test_empty_list_says_what_will_stand_there(operator: Client) -> None:
    assert "Nothing was sent yet" in operator.get(URL).text


@pytest.mark.parametrize("sort", ["created_at", "-state", "address", "-attempts", "nonsense"])
def test_list_can_be_sorted(operator: Client, sort: str) -> None:
    a_delivery("a@x.example")
    assert "a@x.example" in operator.get(f"{URL}?sort={sort}").text


# ---- one delivery -------------------------------------------------------------------------------------------------


def test_page_shows_each_attempt_with_the_servers_words_escaped(operator: Client) -> None:
    delivery = a_delivery("a@x.example")
    settled(REFUSED)
    text = operator.get(page_of(delivery)).text
    assert "550 5.1.1 &lt;a@x.example&gt;: unknown &amp; unloved" in text
    assert "The server refused this address" in text
    assert "250 ms" in text


def test_page_before_the_first_attempt_says_so(operator: Client) -> None:
    assert "None yet." in operator.get(page_of(a_delivery())).text


@pytest.mark.parametrize("state", DeliveryState)
def test_page_offers_only_what_can_be_done(operator: Client, state: DeliveryState) -> None:
    delivery = a_delivery(state=state)
    text = operator.get(page_of(delivery)).text
    assert (page_of(delivery, "retry/") in text) == (state in RETRYABLE)
    assert (page_of(delivery, "cancel/") in text) == (state in CANCELLABLE)


def test_page_of_an_event_whose_kind_is_gone_is_still_shown(operator: Client) -> None:
    delivery = a_delivery()
    Event.objects.update(kind="gone.kind")
    for path in (page_of(delivery), f"/outbox/events/{delivery.event_id}/", URL, "/outbox/events/"):
        assert "gone.kind" in operator.get(path).text


# ---- preview ------------------------------------------------------------------------------------------------------


def test_preview_shows_the_mail_as_its_receiver_sees_it(operator: Client) -> None:
    (delivery,) = published(a_note("a@x.example", payload=Note(title="<b>Süd</b>"), list_key="notification_group:1"))
    answer = operator.get(page_of(delivery, "preview/"))
    assert "<h1>&lt;b&gt;Süd&lt;/b&gt;</h1>" in answer.text
    assert ">Unsubscribe</a>" in answer.text


def test_preview_runs_nothing_and_loads_nothing(operator: Client) -> None:
    answer = operator.get(page_of(a_delivery(), "preview/"))
    assert directives(answer) == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-popups",
    }
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_page_frames_the_preview_in_a_sandbox(operator: Client) -> None:
    delivery = a_delivery()
    answer = operator.get(page_of(delivery))
    assert f'sandbox="allow-popups" title="Preview of the mail" src="{page_of(delivery, "preview/")}"' in answer.text
    assert directives(answer)["frame-src"] == "'self'"
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(("kind", "why"), [("test.broken", "ZeroDivisionError"), ("test.silent", "no mail template")])
def test_preview_of_what_cannot_be_written_says_why(operator: Client, kind: str, why: str) -> None:
    answer = operator.get(page_of(a_delivery(kind=kind), "preview/"))
    assert answer["Content-Type"].startswith("text/plain")
    assert why in answer.text
    assert directives(answer)["frame-ancestors"] == "'self'"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_only_a_mail_has_a_preview(operator: Client) -> None:
    delivery = a_delivery(channel=Channel.WEBHOOK)
    assert operator.get(page_of(delivery, "preview/")).status_code == 404
    assert "<iframe" not in operator.get(page_of(delivery)).text


# ---- retry and cancel ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", DeliveryState)
def test_only_what_ended_badly_or_is_delayed_is_sent_again(operator: Client, state: DeliveryState) -> None:
    delivery = a_delivery(state=state, attempts=5, reason=Reason.TEMPORARY)
    answer = operator.post(page_of(delivery, "retry/"), follow=True)
    row = fresh(delivery)
    if state in RETRYABLE:
        assert (row.state, row.attempts, row.reason, row.settled_at) == ("retrying", 0, "", None)
        assert "It will be sent again now." in answer.text
    else:
        assert (row.state, row.attempts, row.reason) == (state, 5, "temporary")
        assert "there is nothing to repeat" in answer.text


@pytest.mark.parametrize("state", DeliveryState)
def test_only_what_waits_is_cancelled(operator: Client, state: DeliveryState) -> None:
    delivery = a_delivery(state=state)
    answer = operator.post(page_of(delivery, "cancel/"), follow=True)
    row = fresh(delivery)
    if state in CANCELLABLE:
        assert (row.state, row.reason, row.next_attempt_at) == ("cancelled", "by_hand", None)
        assert row.settled_at is not None
        assert "It will not be sent." in answer.text
    else:
        assert (row.state, row.next_attempt_at) == (state, NOW)
        assert "it cannot be called back" in answer.text


@pytest.mark.parametrize(
    ("action", "states"), [("retry/", ["failed", "retrying"]), ("cancel/", ["pending", "cancelled"])]
)
def test_what_a_person_did_is_audited(operator: Client, action: str, states: list[str]) -> None:
    delivery = a_delivery(state=states[0])
    operator.post(page_of(delivery, action))
    entry = LogEntry.objects.get_for_object(delivery).get()
    assert (entry.changes, entry.action) == ({"state": states}, LogEntry.Action.UPDATE)
    assert entry.actor.username == operator.get("/").context["user"].username


def test_what_could_not_be_done_is_not_audited(operator: Client) -> None:
    delivery = a_delivery(state="delivered")
    for action in ("retry/", "cancel/"):
        operator.post(page_of(delivery, action))
    assert not LogEntry.objects.get_for_object(delivery).exists()


# ---- events -------------------------------------------------------------------------------------


def test_event_shows_its_data_and_who_was_told(operator: Client) -> None:
    (first, _) = published(a_note("a@x.example", "b@x.example", payload=Note(title="<b>Süd</b>")))
    text = operator.get(f"/outbox/events/{first.event_id}/").text
    assert "&quot;title&quot;: &quot;&lt;b&gt;Süd&lt;/b&gt;&quot;" in text
    assert "a@x.example" in text
    assert "b@x.example" in text


def test_event_for_nobody_says_so(operator: Client) -> None:
    published(a_note())
    assert "Nobody was to be told." in operator.get(f"/outbox/events/{Event.objects.get().pk}/").text


# ---- the Django admin -----------------------------------------------------------------------------------------------


@pytest.fixture
def superuser(db: None) -> Client:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True), "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("model", ["event", "delivery", "attempt"])
def test_admin_shows_what_the_outbox_wrote_and_changes_nothing(superuser: Client, model: str) -> None:
    delivery = a_delivery("a@x.example")
    settled(REFUSED)
    rows = {"event": delivery.event, "delivery": delivery, "attempt": Attempt.objects.get()}
    page = f"/admin/outbox/{model}/"
    assert superuser.get(page).status_code == 200
    assert superuser.get(f"{page}{rows[model].pk}/change/").status_code == 200
    assert superuser.post(f"{page}{rows[model].pk}/change/", {}).status_code == 403
    assert superuser.get(f"{page}add/").status_code == 403
    assert superuser.post(f"{page}{rows[model].pk}/delete/", {"post": "yes"}).status_code == 403


def test_mark_of_an_address_can_be_taken_away_and_that_is_audited(superuser: Client) -> None:
    a_delivery("a@x.example")
    settled(REFUSED)
    address = Address.objects.get()
    superuser.post(f"/admin/outbox/address/{address.pk}/delete/", {"post": "yes"})
    assert not Address.objects.exists()
    entry = LogEntry.objects.filter(content_type__model="address").get()
    assert (entry.action, entry.object_repr) == (LogEntry.Action.DELETE, "a@x.example")


# ---- the dashboard --------------------------------------------------------------------------------------------------


def test_dashboard_counts_what_is_open(operator: Client) -> None:
    for state in ("pending", "retrying", "retrying", "sending", "failed", "delivered"):
        a_delivery(state=state)
    (data,) = [data for tile, data in operator.get("/").context["tiles"] if tile.template == "outbox/tile.html"]
    assert data == {"waiting": 3, "sending": 1, "failed": 1, "oldest_due": NOW, "undecided": None}


# ---- activity of the last 24 hours -------------------------------------------------------------------------------


def recorded(at: datetime, number: int = 1) -> None:
    """Events of the domain “test” that were recorded then."""
    (*deliveries,) = published(*[a_note("a@example.org") for _ in range(number)])
    Event.objects.filter(pk__in=[delivery.event_id for delivery in deliveries]).update(created_at=at)


def test_activity_counts_the_events_of_each_hour(db: None) -> None:
    now = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
    for hours_ago, number in ((30, 1), (23.4, 2), (1, 3), (0.2, 4)):
        recorded(now - timedelta(hours=hours_ago), number)
    found = selectors.activity(now)
    assert [hour for hour, _by in found] == [now - timedelta(hours=back, minutes=30) for back in range(23, -1, -1)]
    assert {hour: by for hour, by in found if by} == {
        datetime(2026, 11, 20, 13, tzinfo=UTC): {"test": 2},
        datetime(2026, 11, 21, 11, tzinfo=UTC): {"test": 3},
        datetime(2026, 11, 21, 12, tzinfo=UTC): {"test": 4},
    }


def test_hours_that_are_over_are_counted_once(db: None) -> None:
    now = datetime(2026, 11, 21, 12, 2, tzinfo=UTC)
    recorded(now - timedelta(hours=3))
    assert selectors.activity(now)[-4][1] == {"test": 1}
    recorded(now - timedelta(hours=3))  # not seen any more
    # The hour that has just ended may still be written by a transaction that began in it.
    recorded(now - timedelta(minutes=3), 2)
    with CaptureQueriesContext(connection) as queries:
        found = dict(selectors.activity(now))
    assert (found[datetime(2026, 11, 21, 9, tzinfo=UTC)], found[datetime(2026, 11, 21, 11, tzinfo=UTC)]) == (
        {"test": 1},
        {"test": 2},
    )
    assert len(queries) == 1
    later = now + timedelta(hours=30)
    assert all(by == {} for _hour, by in selectors.activity(later))


def test_dashboard_shows_the_activity_as_a_picture_with_its_table(operator: Client) -> None:
    assert "Nothing happened." in operator.get("/").content.decode()
    recorded(timezone.now(), 3)
    page = operator.get("/").content.decode()
    tile = page.split('id="tile-activity"')[1].split("</section>")[0]
    assert "<svg" in tile
    assert re.search(r'badge-\w+">test</span> 3', tile)
    assert re.search(r"<td[^>]*>.*</td><td class=\"num\">3</td>", tile)
