"""Who sends: what each source brought, how regularly, by whose clock, and which charge points it feeds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.ingest import Submission
from infra_notifications.choices import SourceKind
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePointState, Source
from infra_notifications.models.sources import kind_of_source, source_id
from infra_notifications.services.messages import take_messages
from tests.conftest import ApiClient
from tests.factories.console import make_key
from tests.infra_notifications.helpers import (
    HOUR,
    KEY,
    NOW,
    at,
    fault,
    fine,
    heartbeat,
    message,
    signal,
    station,
    take,
    take_neutral,
)
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("db")
OTHER = 2


def beats(*seconds: float, key: int = KEY, name: str = "CP-1") -> Source:
    """Heartbeats of a station at these times."""
    for second in seconds:
        take(heartbeat(name), now=at(second), key=key)
    return Source.objects.get(pk=key)


# ---- counts ---------------------------------------------------------------------------------------------------------


def test_source_counts_what_became_of_its_items() -> None:
    station("CP-1")
    take(heartbeat("CP-1", id=1), heartbeat("CP-1"), heartbeat("CP-9"))
    take(heartbeat("CP-1", id=1), now=at(5))
    source = Source.objects.get()
    assert (source.pk, source.kind, source.accepted, source.duplicates, source.rejected) == (KEY, "key", 2, 1, 1)
    assert (source.first_heard_at, source.last_heard_at) == (NOW, at(5))


def test_signals_count_for_the_same_source() -> None:
    (point,) = station(points=1)
    take(heartbeat("CP-1"))
    take_neutral(signal(point, "raised"), signal("DE*NO*1", "raised"), now=at(1))
    source = Source.objects.get()
    assert (source.accepted, source.rejected) == (2, 1)


def test_what_the_console_itself_takes_in_is_of_no_source() -> None:
    station("CP-1")
    take(heartbeat("CP-1"), key=0)
    assert not Source.objects.exists()
    assert set(ChargePointState.objects.values_list("source", flat=True)) == {None}


def test_what_could_not_be_read_counts_as_rejected_by_the_api(api: ApiClient) -> None:
    station("CP-1")
    sent = [{"station": "CP-1", "action": "Heartbeat", "payload": {}}, {"station": "CP-1", "action": 5}]
    assert len(api.post("/charging/messages", sent).json()["rejected"]) == 1
    api.post("/charging/messages", [{"action": 5}])
    source = Source.objects.get()
    assert (source.accepted, source.rejected) == (1, 2)
    assert source.name  # that of its key
    assert sum(rejection["n"] for rejection in source.rejections) == 2


def test_shared_commit_counts_each_source_in_one_statement() -> None:
    station("CP-1")
    submissions = [Submission(key, [(0, heartbeat("CP-1"))]) for key in (1, 2, 3, 1, 2)]
    with CaptureQueriesContext(connection) as captured:
        take_messages(submissions=submissions, now=NOW)
    assert sum("INSERT INTO infra_notifications_source" in query["sql"] for query in captured.captured_queries) == 1
    assert list(Source.objects.order_by("pk").values_list("pk", "accepted")) == [(1, 2), (2, 2), (3, 1)]


def test_renamed_key_is_the_same_source() -> None:
    station("CP-1")
    key, _plain = make_key(name="CSMS")
    assert beats(0, key=key.pk).name == "CSMS"
    key.name = "CSMS Köln"
    key.save()
    assert beats(1, key=key.pk).name == "CSMS Köln"


def test_last_sentences_are_kept_with_their_count() -> None:
    for number in range(30):
        take(heartbeat(f"X-{number}"), now=at(number))
    take(heartbeat("X-3"), heartbeat("X-3"), now=at(40))
    rejections = Source.objects.get().rejections
    assert len(rejections) == 20
    assert rejections[0]["text"].startswith("Unknown station X-3.")
    # Its first time had given way to later ones.
    assert rejections[0]["n"] == 2
    take(heartbeat("X-3"), now=at(41))
    assert Source.objects.get().rejections[0]["n"] == 3


def test_sentence_of_any_length_is_kept_short() -> None:
    take(heartbeat("X" * 5_000))
    assert len(Source.objects.get().rejections[0]["text"]) <= 300


# ---- pace and clock -------------------------------------------------------------------------------------------------


def test_pace_is_the_mean_of_the_gaps() -> None:
    source = beats(*range(0, 601, 60))
    assert source.gaps == 10
    assert source.usual_gap_s == pytest.approx(60)
    assert source.longest_gap_s == pytest.approx(60)


def test_bursts_are_one_beat() -> None:
    moments = [minute * 60 + part / 10 for minute in range(8) for part in range(5)]
    source = beats(*moments)
    assert source.gaps == 7
    assert source.usual_gap_s == pytest.approx(59.6, abs=0.1)


def test_outage_does_not_become_what_is_usual() -> None:
    """Of whatever length, and when it is heard for a moment between two of them."""
    source = beats(*range(0, 600, 10), 600 + 8 * 3600, 600 + 8 * 3600 + 45, 600 + 9 * 3600, 610 + 9 * 3600)
    assert source.usual_gap_s == pytest.approx(10)
    assert source.longest_gap_s == pytest.approx(10)
    assert source.quiet_until[0] - source.quiet_from[0] == timedelta(seconds=3555)


def test_outage_of_a_source_that_is_known_to_be_silent_teaches_nothing_either() -> None:
    """Its pace was not known yet; what it sends before the sweep sees that it speaks again is no outage."""
    beats(0, 4)
    Source.objects.update(trouble="silent", trouble_since=at(4))
    source = beats(204, 208, 212)
    assert source.longest_gap_s == pytest.approx(4, rel=0.01)
    assert (source.gaps, len(source.quiet_from)) == (3, 1)


def test_pace_that_changed_is_learnt_when_it_was_seen_again_and_again_in_a_day() -> None:
    source = beats(*range(0, 600, 10), *range(900, 900 + 6 * 300, 300))
    assert source.longest_gap_s == pytest.approx(300)
    rare = beats(*range(0, 600, 10), *range(86_400, 8 * 86_400, 90_000), key=OTHER)
    assert rare.longest_gap_s == pytest.approx(10)
    assert len(rare.quiet_from) == 5


def test_slow_sender_is_learnt_within_few_batches() -> None:
    source = beats(*(hour * 3600 for hour in range(6)))
    assert source.longest_gap_s == pytest.approx(3600)


def test_longest_gap_fades() -> None:
    beats(0, 200, 210)
    source = beats(*(210 + hour * 3600 for hour in range(1, 49)))
    assert source.longest_gap_s == pytest.approx(3600, rel=0.01)
    for second in range(10):
        source = beats(210 + 48 * 3600 + 2 * 86_400 + second * 2)
    assert source.longest_gap_s is not None
    assert source.longest_gap_s < 15_000


def test_batch_that_is_counted_late_moves_nothing_back() -> None:
    beats(60)
    source = beats(30)
    assert (source.last_heard_at, source.gaps) == (at(60), 0)


def test_clock_offset_is_the_median_of_what_the_sender_said() -> None:
    station("CP-1")
    for number, ahead in enumerate((30, 31, 4_000, 29, 30)):
        now = at(number * 10)
        queued, newest = now - HOUR, now + timedelta(seconds=ahead)
        batch = (heartbeat("CP-1", received_at=moment.isoformat()) for moment in (queued, newest))
        take(*batch, now=now)
    assert Source.objects.get().clock_offset_s == 30


@pytest.mark.parametrize("received_at", [None, "soon", ""])
def test_sender_that_names_no_time_has_no_offset(received_at: str | None) -> None:
    station("CP-1")
    take(heartbeat("CP-1", received_at=received_at))
    assert Source.objects.get().clock_offset_s is None


# ---- what it feeds --------------------------------------------------------------------------------------------------


def fed_by(name: str = "CP-1") -> set[tuple[int | None, int | None]]:
    states = ChargePointState.objects.filter(charge_point__station=name)
    return set(states.values_list("source", "other_source"))


def test_charge_points_know_who_fed_them_last_and_before() -> None:
    station("CP-1")
    beats(0)
    assert fed_by() == {(KEY, None)}
    beats(1, key=OTHER)
    assert fed_by() == {(OTHER, KEY)}
    beats(2, key=OTHER)
    assert fed_by() == {(OTHER, KEY)}


def test_old_message_does_not_change_who_fed_last() -> None:
    station("CP-1")
    beats(10, key=OTHER)
    take(heartbeat("CP-1", received_at=NOW.isoformat()), now=at(20))
    assert fed_by() == {(OTHER, None)}


def test_signals_feed_nobody() -> None:
    (point,) = station(points=1)
    take_neutral(signal(point, "raised"))
    assert fed_by() == {(None, None)}


def test_source_remembers_as_many_stations_as_it_takes() -> None:
    for number in range(6):
        station(f"CP-{number}")
        take(heartbeat(f"CP-{number}"), heartbeat("CP-9"), now=at(number))
    assert Source.objects.get().fed == ["CP-0", "CP-1", "CP-2"]


def test_points_of_one_station_are_one_however_they_are_named() -> None:
    points = station("CP-1", 4)
    take(*(message(point, fine()) for point in points))
    assert Source.objects.get().fed == ["CP-1"]


# ---- doors and threads ----------------------------------------------------------------------------------------------


def test_number_of_a_source_holds_its_kind() -> None:
    numbers = {kind: source_id(kind, 12) for kind in SourceKind}
    assert len(set(numbers.values())) == len(SourceKind)
    assert {kind_of_source(number) for number in numbers.values()} == set(SourceKind)
    assert numbers[SourceKind.KEY] == 12
    assert max(numbers.values()) < 2**53  # JSON's numbers in JavaScript


def test_other_doors_are_sources_too() -> None:
    station("CP-1")
    take(heartbeat("CP-1"), key=source_id(SourceKind.PROXY, 3))
    source = Source.objects.get()
    assert (source.kind, source.accepted, str(source)) == ("proxy", 1, f"OCPP proxy {source.pk}")


@pytest.mark.usefixtures("committed")
def test_batches_of_one_source_at_once_are_all_counted() -> None:
    points = [station(f"CP-{number}", 1)[0] for number in range(4)]

    def send(number: int) -> None:
        for _ in range(20):
            take(message(points[number], fault()), OcppMessage(station="CP-X", action="Heartbeat"))

    at_once([lambda number=number: send(number) for number in range(4)])  # type: ignore[misc]
    source = Source.objects.get()
    assert (source.accepted, source.rejected) == (80, 80)
    assert sum(rejection["n"] for rejection in source.rejections) == 80
