"""Dead letters by reason, retried one by one or all that match; a mail sent once more; a bulk that loses no job."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from celery import current_app
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.background import AGAIN_AFTER, run_job, sweep
from core.choices import JobState
from core.models import Job
from outbox.choices import Channel, DeliveryState, Reason
from outbox.contract import failed, retry
from outbox.dispatcher import deliver_due
from outbox.models import Address, Attempt, Delivery
from outbox.selectors import dead_letters_by_reason
from outbox.services import repeats
from outbox.services.deliveries import resend_mail
from outbox.services.repeats import retry_failed
from tests.conftest import ApiClient
from tests.factories.console import UserFactory
from tests.mailserver import MailServer
from tests.outbox.kit import NOW, a_delivery, a_note, fresh, published, settled

URL = "/outbox/dead-letters/"
NO_SUCH_USER = failed(Reason.ADDRESS_REFUSED, 550, "550 5.1.1 <a@x.example>: unknown & unloved")


def dead(number: int = 1, **changes: Any) -> list[Delivery]:
    values: dict[str, Any] = {
        "state": DeliveryState.FAILED,
        "reason": Reason.EXHAUSTED,
        "attempts": 11,
        "settled_at": NOW,
    } | changes
    return [a_delivery(f"a{n}@example.org", **values) for n in range(number)]


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


# ---- by reason ----------------------------------------------------------------------------------------------------


def test_reasons_are_counted_per_channel_most_first(db: None) -> None:
    dead(3)
    dead(2, reason=Reason.ADDRESS_REFUSED)
    dead(1, channel=Channel.WEBHOOK)
    a_delivery()
    found = [(one.channel, one.reason, one.count) for one in dead_letters_by_reason()]
    assert found == [("email", "exhausted", 3), ("email", "address_refused", 2), ("webhook", "exhausted", 1)]


def test_page_shows_reasons_rows_and_the_last_words(operator: Client) -> None:
    delivery = a_delivery("a@example.org")
    settled(retry(Reason.TEMPORARY, 451, "451 first words"))
    Delivery.objects.update(state="pending", next_attempt_at=NOW)
    settled(NO_SUCH_USER)
    page = operator.get(URL).text
    assert "The server refused this address" in page
    assert f'value="{delivery.pk}"' in page
    assert "unknown &amp; unloved" in page
    assert "451 first words" not in page


def test_page_holds_only_what_failed(operator: Client) -> None:
    a_delivery("waiting@example.org")
    assert "Nothing has failed for good" in operator.get(URL).text
    dead()
    page = operator.get(URL).text
    assert "a0@example.org" in page
    assert "waiting@example.org" not in page


def test_page_can_be_filtered_and_searched(viewer: Client) -> None:
    dead(1)
    a_delivery("other@example.org", state=DeliveryState.FAILED, reason=Reason.TEMPLATE, settled_at=NOW)
    assert "other@example.org" not in viewer.get(f"{URL}?reason=exhausted").text
    assert "a0@example.org" not in viewer.get(f"{URL}?q=to:other").text


@pytest.mark.parametrize("number", [1, 40])
def test_queries_of_the_page_do_not_grow(viewer: Client, number: int) -> None:
    dead(number)
    viewer.get(URL)
    with CaptureQueriesContext(connection) as queries:
        viewer.get(URL)
    assert len(queries) <= 11


def test_viewer_retries_nothing(viewer: Client) -> None:
    (delivery,) = dead()
    assert "Send the marked again" not in viewer.get(URL).text
    assert viewer.post(f"{URL}retry/", {"mark": delivery.pk, "confirmed": "1"}).status_code == 403
    assert states() == ["failed"]


# ---- many at once -------------------------------------------------------------------------------------------------


def test_confirmation_names_the_number_and_changes_nothing(operator: Client) -> None:
    marked = dead(3)[:2]
    page = operator.post(f"{URL}retry/", {"mark": [one.pk for one in marked], "query": ""}).text
    assert "2 failed deliveries are sent again now" in page
    assert states() == ["failed"] * 3


def test_marked_are_sent_again_by_a_worker(operator: Client, django_capture_on_commit_callbacks: Any) -> None:
    marked = dead(3)[:2]
    with django_capture_on_commit_callbacks(execute=True):
        answer = operator.post(f"{URL}retry/", {"mark": [one.pk for one in marked], "confirmed": "1"})
    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    run_job(job_id=job.pk)
    assert states() == ["retrying", "retrying", "failed"]
    job.refresh_from_db()
    assert (job.state, job.result["done"]) == (JobState.DONE, 2)
    assert "2 deliveries are sent again." in operator.get(f"/jobs/{job.pk}/").text


def test_all_that_match_are_sent_again_and_nothing_else(operator: Client) -> None:
    dead(3)
    dead(2, reason=Reason.TEMPLATE)
    a_delivery(state=DeliveryState.CANCELLED)
    query = "reason=exhausted&q=to:example.org"
    assert "3 failed deliveries" in operator.post(f"{URL}retry/", {"all": "1", "query": query}).text
    operator.post(f"{URL}retry/", {"all": "1", "query": query, "confirmed": "1"})
    run_job(job_id=Job.objects.get().pk)
    assert states() == ["retrying"] * 3 + ["failed"] * 2 + ["cancelled"]


def test_their_schedules_start_anew(db: None) -> None:
    (delivery,) = dead()
    later = NOW + timedelta(1)
    assert retry_failed(failed=Delivery.objects.filter(state="failed"), now=later) == 1
    row = fresh(delivery)
    assert (row.state, row.reason, row.attempts) == ("retrying", "", 0)
    assert (row.next_attempt_at, row.settled_at) == (later, None)


def test_steps_stop_at_the_limit_and_tell_how_far_they_are(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "STEP", 2)
    dead(7)
    told: list[int] = []
    assert retry_failed(failed=Delivery.objects.filter(state="failed"), now=NOW, limit=5, progress=told.append) == 5
    assert told == [2, 4, 5]
    assert states() == ["retrying"] * 5 + ["failed"] * 2


def test_what_fails_again_meanwhile_is_not_retried_for_ever(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "STEP", 1)
    dead(2)

    def fail_again(_done: int) -> None:
        Delivery.objects.filter(state="retrying").update(state="failed")

    assert retry_failed(failed=Delivery.objects.filter(state="failed"), now=NOW, progress=fail_again) == 2


def test_audit_log_says_who_wanted_it(operator: Client) -> None:
    dead()
    operator.post(f"{URL}retry/", {"all": "1", "query": "reason=exhausted", "confirmed": "1"})
    entry = LogEntry.objects.get(object_repr=str(Job.objects.get()))
    assert entry.actor is not None
    assert entry.changes["chosen"][1] == "reason=exhausted"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mark": "x"},
        {"mark": "99999999999999999999"},
        {"all": "1"},
        {"all": "1", "query": "q=state:odd"},
        {"all": "1", "query": "q=" + "x" * 30_000},
        {"mark": ["-1", "²"]},
    ],
)
def test_odd_choices_are_answered_with_a_page(operator: Client, body: dict[str, Any]) -> None:
    assert operator.post(f"{URL}retry/", body, follow=True).status_code == 200
    assert not Job.objects.exists()


def test_action_is_no_link(operator: Client) -> None:
    assert operator.get(f"{URL}retry/").status_code == 405


# ---- jobs that a broker lost --------------------------------------------------------------------------------------


def test_broker_that_is_away_delays_the_job(committed: None, queue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead()
    with monkeypatch.context() as away:
        away.setattr(current_app, "send_task", lambda *a, **k: (_ for _ in ()).throw(OSError("no broker")))
        job = repeats.start(query="", ids=[], total=1, by=UserFactory())
    assert job.state == JobState.WAITING
    before = len(list(queue.iterdir()))
    sweep(now=timezone.now())  # not yet: a worker may be about to take it
    assert len(list(queue.iterdir())) == before
    sweep(now=timezone.now() + AGAIN_AFTER * 2)
    assert len(list(queue.iterdir())) == before + 1


def test_job_that_is_handed_over_twice_is_done_once(committed: None) -> None:
    dead(2)
    job = repeats.start(query="", ids=[], total=2, by=UserFactory())
    run_job(job_id=job.pk)
    Delivery.objects.update(state="failed")
    run_job(job_id=job.pk)
    assert states() == ["failed", "failed"]


# ---- a mail once more ---------------------------------------------------------------------------------------------


def test_mail_is_sent_once_more_as_another_mail(committed: None, smtp: MailServer) -> None:
    (first,) = published(a_note("a@example.org", list_key="group:1"), now=timezone.now())
    deliver_due()
    again = resend_mail(delivery=first, now=timezone.now())
    assert again is not None
    assert (again.pk != first.pk, again.event_id, again.list_key) == (True, first.event_id, "group:1")
    deliver_due()
    third = resend_mail(delivery=again, now=timezone.now())
    deliver_due()
    assert third is not None
    assert [fresh(one).state for one in (first, again, third)] == ["delivered"] * 3
    assert len({mail.message["Message-ID"] for mail in smtp.mails}) == len(smtp.mails) == 3
    assert len({mail.text for mail in smtp.mails}) == 1


def test_first_mail_keeps_the_id_that_replies_refer_to(committed: None, smtp: MailServer) -> None:
    alert = a_note("a@example.org")
    (first,) = published(alert, now=timezone.now())
    deliver_due()
    resend_mail(delivery=first, now=timezone.now())
    published(a_note("a@example.org", thread=alert.uuid.hex), now=timezone.now())
    deliver_due()
    ids = [mail.message["Message-ID"] for mail in smtp.mails]
    answer = next(mail for mail in smtp.mails if mail.message["In-Reply-To"])
    assert answer.message["In-Reply-To"] == ids[0]


@pytest.mark.parametrize("state", [state for state in DeliveryState if state != DeliveryState.DELIVERED])
def test_only_what_was_delivered_is_sent_once_more(db: None, state: str) -> None:
    assert resend_mail(delivery=a_delivery(state=state), now=NOW) is None
    assert Delivery.objects.count() == 1


def test_webhook_is_not_sent_once_more_as_a_mail(db: None) -> None:
    assert resend_mail(delivery=a_delivery(state="delivered", channel=Channel.WEBHOOK), now=NOW) is None


def test_address_that_is_blocked_gets_nothing_and_the_delivery_says_why(db: None) -> None:
    Address.objects.create(channel="email", address="OPS@example.org", blocked_reason=Reason.UNSUBSCRIBED)
    again = resend_mail(delivery=a_delivery(state="delivered"), now=NOW)
    assert again is not None
    assert (again.state, again.reason, again.next_attempt_at) == ("suppressed", "unsubscribed", None)


def test_delivery_that_was_pruned_meanwhile_is_not_sent_once_more(db: None) -> None:
    delivery = a_delivery(state="delivered")
    Delivery.objects.all().delete()
    assert resend_mail(delivery=delivery, now=NOW) is None


def test_button_sends_once_more_and_shows_the_new_mail(operator: Client, viewer: Client) -> None:
    delivery = a_delivery(state="delivered")
    path = f"/outbox/deliveries/{delivery.pk}/resend/"
    assert viewer.post(path).status_code == 403
    assert operator.get(path).status_code == 405
    page = operator.post(path, follow=True)
    assert "sent once more by hand" in page.text
    assert Delivery.objects.count() == 2


# ---- by API -------------------------------------------------------------------------------------------------------


def test_api_sends_a_mail_once_more(api: ApiClient) -> None:
    delivery = a_delivery(state="delivered")
    answer = api.post(f"/deliveries/{delivery.pk}/resend").json()
    assert (answer["id"] != delivery.pk, answer["state"]) == (True, "pending")
    assert api.post(f"/deliveries/{answer['id']}/resend").status_code == 409


def test_api_retries_what_a_search_finds(api: ApiClient) -> None:
    dead(2)
    dead(1, reason=Reason.TEMPLATE)
    assert api.post("/deliveries/retry", {"q": "reason:exhausted"}).json() == {"retried": 2, "more": False}
    assert states() == ["retrying", "retrying", "failed"]
    assert api.post("/deliveries/retry", {"q": "odd:thing"}).status_code == 422
    assert api.post("/deliveries/retry", {}).json()["retried"] == 1


def test_api_retries_a_range_of_time(api: ApiClient) -> None:
    dead(1, created_at=NOW - timedelta(days=3))
    dead(1)
    day = f"{NOW:%Y-%m-%d}"
    assert api.post("/deliveries/retry", {"q": f"created:{day}..{day}"}).json()["retried"] == 1
    assert states() == ["failed", "retrying"]


def test_retried_delivery_is_delivered_with_all_its_attempts(committed: None, smtp: MailServer) -> None:
    smtp.rcpt = lambda address: "550 unknown"
    (delivery,) = published(a_note("a@example.org"), now=timezone.now())
    deliver_due()
    assert fresh(delivery).state == "failed"
    smtp.rcpt = lambda address: None
    retry_failed(failed=Delivery.objects.filter(state="failed"), now=timezone.now())
    deliver_due()
    assert fresh(delivery).state == "delivered"
    assert [attempt.verdict for attempt in Attempt.objects.all()] == ["failed", "delivered"]
