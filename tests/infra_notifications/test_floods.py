"""One message of thousands of entries: it is understood, in memory and time that grow with its length alone."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import msgspec
import pytest

from infra_notifications.models import ChargePoint, ChargePointMessage, ChargePointState, Incident, UnmappedReport
from infra_notifications.rules.findings import MOST
from infra_notifications.rules.lifecycle import MOST_FAULTS
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import at, event, events, open_cases, say

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024


@pytest.fixture
def point() -> ChargePoint:
    found: ChargePoint = ChargePointFactory(evse_id="DE*ABC*E1*1")
    return found


def unknown(count: int, *, of: int = 0) -> dict[str, Any]:
    """Entries that no rule knows, each of another kind."""
    kinds = range(of, of + count)
    return events(*(event(f"Part{n}", "Problem", techCode=f"X{n}", techInfo="y" * 60) for n in kinds))


def memory_of(point: ChargePoint, count: int) -> int:
    payload = unknown(count, of=count * 10)
    tracemalloc.start()
    say(point, payload)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_as_many_findings_are_kept_as_anybody_reads(point: ChargePoint) -> None:
    say(point, unknown(1_000))
    found = ChargePointMessage.objects.get().findings
    assert found is not None
    assert len(found) == MOST + 1
    assert found[-1]["said"] == "and 900 more"
    assert UnmappedReport.objects.count() == MOST


def test_what_was_raised_is_kept_before_what_nobody_knows(point: ChargePoint) -> None:
    odd = [event(f"Part{n}", "Oddity", "5", trigger="Alerting") for n in range(300)]
    payload = events(*odd, event("RCD", "Tripped", "true"))
    say(point, payload)
    message = ChargePointMessage.objects.get()
    assert message.findings is not None
    assert any(finding.get("case") == "FUSE_TRIPPED" for finding in message.findings)
    assert message.verdict == "raised"
    assert "FUSE_TRIPPED" in open_cases(point)


def test_a_sample_is_the_entry_that_nobody_understood(point: ChargePoint) -> None:
    say(point, unknown(300))
    for report in UnmappedReport.objects.all():
        assert len(report.sample["payload"]["eventData"]) == 1
        assert report.sample["payload"]["eventData"][0]["techCode"] in report.said
        assert len(msgspec.json.encode(report.sample)) < 2_000


def test_a_sample_is_cut_whatever_stands_in_it(point: ChargePoint) -> None:
    odd = event("Part", "Problem", techCode="X", customData={"a": [["z" * 5_000] * 50] * 50, "b" * 5_000: {}})
    say(point, events(odd))
    assert len(msgspec.json.encode(UnmappedReport.objects.get().sample)) < 250_000


def test_what_is_remembered_of_a_charge_point_stays_small(point: ChargePoint) -> None:
    for n in range(3):
        say(point, unknown(500, of=500 * n), now=at(n))
    assert len(ChargePointState.objects.get(charge_point=point).memory) < 40_000
    assert all(len(incident.faults) <= MOST_FAULTS for incident in Incident.objects.all())


def test_warnings_of_one_item_are_counted(point: ChargePoint) -> None:
    odd = [event(f"Part_{n}", "Problem", techCode=f"X{n}") for n in range(1_000)]
    intake = say(point, events(*odd))
    warnings = [sentence for _place, sentence in intake.warnings]
    assert len(warnings) == 101
    assert warnings[-1] == "And 900 more like these."


def test_memory_and_time_grow_with_the_length_alone(point: ChargePoint) -> None:
    """22,000 such entries took 15 GB."""
    less, more = memory_of(point, 300), memory_of(point, 1_200)
    assert more < 6 * less
    assert more < 20 * MIB
    began = time.process_time()
    say(point, unknown(500, of=100_000))
    shorter = time.process_time() - began
    began = time.process_time()
    say(point, unknown(2_000, of=200_000))
    assert time.process_time() - began < 8 * max(shorter, 0.2)
