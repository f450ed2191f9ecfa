"""Cyclists, passes and abonnements; the end of trials."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bikeshare.choices import CyclistStatus, SubscriptionStatus
from bikeshare.event_kinds.payloads import Failure
from bikeshare.models import Cyclist, Pass, Registration, Subscription
from bikeshare.services import people, subscriptions
from bikeshare.tasks import sweep
from core.refusal import Refused
from tests.bikeshare.kit import DAY, HOUR, MINUTE, NOW, create, delete, last, patch, told, topics
from tests.clock import iso
from tests.factories.bikeshare import (
    CyclistFactory,
    PassFactory,
    RegistrationFactory,
    StationFactory,
    SubscriptionFactory,
    TripFactory,
)

pytestmark = pytest.mark.django_db
TRIAL = "abonnement.trial_will_end"


# ---- cyclists -------------------------------------------------------------------------------------------------------


def test_deleting_a_cyclist_takes_two_steps_and_erases_the_person() -> None:
    cyclist = CyclistFactory(name="Camille Durand", email="camille@example.org")
    card = PassFactory(user=cyclist)
    RegistrationFactory(cyclist=cyclist)
    assert delete(cyclist).status == CyclistStatus.DELETION_REQUESTED
    assert topics() == ["cyclist.updated"]
    delete(cyclist, final=True)
    erased = Cyclist.everything.get()
    assert (erased.name, erased.email, erased.phone_number) == ("", "", "")
    assert not Cyclist.objects.exists()
    assert not Registration.objects.exists()
    assert Pass.objects.get(pk=card.pk).user_id is None
    payload = last("cyclist.deleted")
    assert payload["deleted"] is True
    assert "Camille" not in str(payload)
    assert {"pass.disassociated", "registration.deleted", "cyclist.deleted"} <= set(topics())


def test_a_cyclist_on_a_trip_is_not_erased() -> None:
    trip = TripFactory(cyclist__status=CyclistStatus.DELETION_REQUESTED)
    with pytest.raises(Refused) as error:
        delete(trip.cyclist, final=True)
    assert error.value.code == "abonnement_deletion_trips"


def test_blocking_says_why_and_unblocking_forgets_it() -> None:
    cyclist = CyclistFactory()
    people.block_cyclist(cyclist_id=cyclist.pk, reason="unpaid", now=NOW)
    assert last("cyclist.updated")["object"]["blocked_reasons"] == ["unpaid"]
    people.unblock_cyclist(cyclist_id=cyclist.pk, now=NOW)
    assert Cyclist.objects.get().blocked_reasons == []


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (CyclistStatus.ACTIVE, people.confirm_cyclist),
        (CyclistStatus.DELETION_REQUESTED, people.confirm_cyclist),
        (CyclistStatus.ACTIVE, people.unblock_cyclist),
        (CyclistStatus.ACTIVE, people.erase_cyclist),
    ],
)
def test_illegal_moves_of_cyclists_are_refused(status: CyclistStatus, action: Any) -> None:
    cyclist = CyclistFactory(status=status)
    with pytest.raises(Refused):
        action(cyclist_id=cyclist.pk, now=NOW)
    assert told() == []


def test_a_deletion_that_is_asked_for_again_changes_nothing() -> None:
    cyclist = CyclistFactory(status=CyclistStatus.DELETION_REQUESTED)
    assert people.request_deletion(cyclist_id=cyclist.pk, now=NOW).version == 1
    assert told() == []


def test_a_change_that_changes_nothing_tells_nothing() -> None:
    cyclist = CyclistFactory(name="Camille")
    patch(cyclist, name=" Camille ", has_payment_source=True)
    assert told() == []
    assert Cyclist.objects.get().version == 1


def test_personal_changes_are_named_and_not_shown() -> None:
    cyclist = CyclistFactory(email="old@example.org")
    patch(cyclist, email="new@example.org", has_payment_source=False)
    payload = last("cyclist.updated")
    assert payload["personal_attributes_changed"] == ["email"]
    assert payload["previous_attributes"] == {"has_payment_source": True}
    assert "@" not in str(payload)
    assert payload["object"]["version"] == Cyclist.objects.get().version == 2


# ---- passes ---------------------------------------------------------------------------------------------------------


def test_a_pass_added_on_a_vehicle_is_confirmed_later() -> None:
    card, cyclist = PassFactory(), CyclistFactory()
    people.associate_pass(pass_id=card.pk, cyclist_id=cyclist.pk, confirmed=False, now=NOW)
    people.confirm_pass(pass_id=card.pk, now=NOW + MINUTE)
    people.confirm_pass(pass_id=card.pk, now=NOW + HOUR)
    assert topics() == ["pass.associated", "pass.confirmed"]
    assert last("pass.confirmed")["object"]["user"] == cyclist.pk


def test_one_card_per_cyclist_and_one_cyclist_per_card() -> None:
    card, cyclist = PassFactory(user=CyclistFactory()), CyclistFactory()
    with pytest.raises(Refused, match="belongs to another"):
        people.associate_pass(pass_id=card.pk, cyclist_id=cyclist.pk, now=NOW)
    PassFactory(user=cyclist)
    with pytest.raises(Refused, match="has another pass"):
        people.associate_pass(pass_id=PassFactory().pk, cyclist_id=cyclist.pk, now=NOW)
    with pytest.raises(Refused, match="disabled"):
        people.associate_pass(pass_id=PassFactory(disabled_at=NOW).pk, cyclist_id=CyclistFactory().pk, now=NOW)


def test_taking_back_says_from_whom() -> None:
    card = PassFactory(user=CyclistFactory())
    people.disassociate_pass(pass_id=card.pk, now=NOW)
    assert last("pass.disassociated")["previous_user"] == card.user_id
    with pytest.raises(Refused, match="belongs to nobody"):
        people.disassociate_pass(pass_id=card.pk, now=NOW)


def test_a_favourite_is_told_when_it_is_added() -> None:
    station, cyclist = StationFactory(), CyclistFactory()
    assert people.add_favorite(station_id=station.pk, cyclist_id=cyclist.pk, now=NOW)
    assert not people.add_favorite(station_id=station.pk, cyclist_id=cyclist.pk, now=NOW)
    assert len(told("station.favorite")) == 1
    assert people.remove_favorite(station_id=station.pk, cyclist_id=cyclist.pk)
    assert people.add_favorite(station_id=station.pk, cyclist_id=cyclist.pk, now=NOW + DAY)
    assert len(told("station.favorite")) == 2


# ---- abonnements ----------------------------------------------------------------------------------------------------


def test_validation_makes_an_abonnement_active() -> None:
    row = SubscriptionFactory(status=SubscriptionStatus.INCOMPLETE, activated_at=None)
    subscriptions.submit(abonnement_id=row.pk, documents=["id card"], now=NOW)
    subscriptions.validate(abonnement_id=row.pk, by="user:7", now=NOW)
    row.refresh_from_db()
    assert (row.status, row.activated_at) == (SubscriptionStatus.ACTIVE, NOW)
    assert topics() == [
        "abonnement.activation_succeeded",
        "abonnement.updated",
        "abonnement.updated",
        "abonnement.validation_succeeded",
    ]
    assert last("abonnement.validation_succeeded")["validator"] == "user:7"


def test_each_failed_attempt_is_told_and_changes_nothing() -> None:
    row = SubscriptionFactory(status=SubscriptionStatus.WAITING_VALIDATION, cyclist__has_payment_source=False)
    subscriptions.validate(abonnement_id=row.pk, by="x", now=NOW)
    subscriptions.validate(abonnement_id=row.pk, by="x", now=NOW + MINUTE)
    errors = [event.payload["error"]["code"] for event in told("abonnement.validation_failed")]
    assert errors == ["no_default_payment_source"] * 2
    row.refresh_from_db()
    assert (row.status, row.version) == (SubscriptionStatus.WAITING_VALIDATION, 1)


def test_a_free_tariff_needs_no_card() -> None:
    row = SubscriptionFactory(status=SubscriptionStatus.INCOMPLETE, amount=0, cyclist__has_payment_source=False)
    assert subscriptions.activate(abonnement_id=row.pk, now=NOW).status == SubscriptionStatus.ACTIVE


def test_a_failure_reported_by_the_payment_system_is_told() -> None:
    row = SubscriptionFactory(status=SubscriptionStatus.INCOMPLETE)
    subscriptions.activate(abonnement_id=row.pk, now=NOW, error=Failure("card_declined", "Declined"))
    assert last("abonnement.activation_failed")["error"] == {"code": "card_declined", "message": "Declined"}


@pytest.mark.parametrize("status", [s for s in SubscriptionStatus if s != SubscriptionStatus.WAITING_VALIDATION])
def test_only_what_waits_is_validated_or_declined(status: SubscriptionStatus) -> None:
    row = SubscriptionFactory(status=status)
    with pytest.raises(Refused) as validated:
        subscriptions.validate(abonnement_id=row.pk, by="x", now=NOW)
    with pytest.raises(Refused) as declined:
        subscriptions.decline(abonnement_id=row.pk, by="x", reason="no", now=NOW)
    assert validated.value.code == declined.value.code == "validation_error"


def test_payments_move_a_running_abonnement() -> None:
    row = SubscriptionFactory()
    for outcome, status in (("past_due", "past_due"), ("unpaid", "unpaid"), ("paid", "active")):
        assert subscriptions.note_payment(abonnement_id=row.pk, outcome=outcome, now=NOW).status == status
    assert len(told("abonnement.updated")) == 3


def test_the_end_of_an_abonnement() -> None:
    row = SubscriptionFactory()
    with pytest.raises(Refused, match="Ask for the deletion"):
        delete(row, final=True)
    assert delete(row).status == SubscriptionStatus.DELETION_REQUESTED
    subscriptions.cancel(abonnement_id=row.pk, now=NOW)
    assert Subscription.objects.get().canceled_at == NOW
    delete(row, final=True)
    assert not Subscription.objects.exists()
    assert last("abonnement.deleted")["object"]["status"] == "canceled"


def test_an_abonnement_is_not_ended_under_a_running_trip() -> None:
    trip = TripFactory()
    with pytest.raises(Refused) as error:
        delete(SubscriptionFactory(cyclist=trip.cyclist))
    assert error.value.code == "abonnement_deletion_trips"


# ---- the end of trials ----------------------------------------------------------------------------------------------


def trial(end: datetime, *, now: datetime = NOW, **more: Any) -> Subscription:
    row: Subscription = SubscriptionFactory(status=SubscriptionStatus.ACTIVE, **more)
    return patch(row, trial_end=end, now=now)  # type: ignore[no-any-return]


def look(now: datetime) -> int:
    """How many ends were told so far, after a look at this moment."""
    subscriptions.notify_trial_ends(now=now)
    return len(told(TRIAL))


def test_a_trials_end_is_told_once_72_hours_before() -> None:
    end = NOW + 10 * DAY
    trial(end)
    assert look(end - timedelta(hours=72, seconds=1)) == 0
    assert look(end - timedelta(hours=72)) == 1
    assert look(end - HOUR) == 1
    assert last(TRIAL)["trial_end"] == iso(end)


def test_72_hours_are_72_hours_when_clocks_change() -> None:
    paris = ZoneInfo("Europe/Paris")
    end = datetime(2027, 3, 29, 9, tzinfo=paris)  # the night before, an hour was left out
    trial(end, now=end - 10 * DAY)
    assert look(datetime(2027, 3, 26, 7, 59, tzinfo=paris)) == 0
    assert look(datetime(2027, 3, 26, 8, 0, tzinfo=paris)) == 1


def test_downtime_delays_and_loses_nothing() -> None:
    end = NOW + 10 * DAY
    for _number in range(3):
        trial(end)
    assert look(end - MINUTE) == 3


def test_after_the_end_nothing_is_told_that_is_no_longer_true() -> None:
    end = NOW + 10 * DAY
    row = trial(end)
    assert look(end + MINUTE) == 0
    row.refresh_from_db()
    assert row.trial_notice_at is None


def test_a_trial_that_is_shortened_is_told_at_once() -> None:
    row = trial(NOW + 30 * DAY)
    patch(row, trial_end=NOW + 2 * DAY)
    assert len(told(TRIAL)) == 1
    assert look(NOW + DAY) == 1


def test_a_trial_that_is_moved_is_told_again_for_its_new_end() -> None:
    row = trial(NOW + 4 * DAY)
    assert look(NOW + 2 * DAY) == 1
    patch(row, trial_end=NOW + 20 * DAY, now=NOW + 2 * DAY)
    assert look(NOW + 16 * DAY) == 1
    assert look(NOW + 17 * DAY) == 2


def test_the_same_end_is_told_once_even_when_it_is_set_again() -> None:
    row = trial(NOW + 2 * DAY)
    patch(row, trial_end=NOW + 30 * DAY)
    patch(row, trial_end=NOW + 2 * DAY)
    assert len(told(TRIAL)) == 1


def test_a_short_trial_is_told_when_it_begins() -> None:
    cyclist = CyclistFactory()
    row = create("abonnements", program=cyclist.program_id, cyclist=cyclist.pk, forfait="day", trial_end=NOW + DAY)
    assert topics() == ["abonnement.created"]
    subscriptions.activate(row.pk, now=NOW)
    assert TRIAL in topics()


def test_a_trial_without_end_or_that_was_canceled_says_nothing() -> None:
    row = trial(NOW + 10 * DAY)
    subscriptions.cancel(abonnement_id=row.pk, now=NOW)
    assert look(NOW + 8 * DAY) == 0
    patch(trial(NOW + 10 * DAY), trial_end=None)
    assert look(NOW + 8 * DAY) == 0


def test_the_periodic_task_looks_for_all() -> None:
    for _number in range(3):
        SubscriptionFactory(trial_end=datetime.now(NOW.tzinfo) + HOUR, trial_notice_at=datetime.now(NOW.tzinfo) - HOUR)
    sweep()
    assert len(told(TRIAL)) == 3
    sweep()
    assert len(told(TRIAL)) == 3
