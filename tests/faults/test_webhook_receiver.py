"""A receiver of webhooks that refuses, hangs, hangs up or has no room: nothing is lost, repeats are recognisable."""

from __future__ import annotations

import pytest

from tests.faults.hooks import Says, listening
from tests.faults.plant import Plant
from tests.outbox.receiver import Answer

pytestmark = [pytest.mark.processes, pytest.mark.faults]
TROUBLE = {
    "hook-busy": Answer(status=503),
    "hook-disk": Answer(status=507, body=b"no space left on device"),
    "hook-slam": Answer(drop=True),
    "hook-half": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Len", close=True),
    "hook-stuck": Answer(pause_s=3_600, status=504),
}
# How many events have each trouble; one that hangs holds a connection for the whole time-out.
EACH = dict.fromkeys(TROUBLE, 20) | {"hook-stuck": 2, "hook-well": 100}


def once(trouble: dict[str, Answer]) -> Says:
    """Answers an event with its prefix's trouble the first time, and with 200 from then on."""
    seen: set[str] = set()

    def answer(subject: str) -> Answer:
        prefix = subject.partition(":")[0]
        if prefix not in trouble or subject in seen:
            return Answer()
        seen.add(subject)
        return trouble[prefix]

    return answer


def test_every_trouble_with_a_receiver_passes_and_each_event_arrives_once(plant: Plant) -> None:
    with listening(plant, once(TROUBLE)) as listener:
        for prefix, number in EACH.items():
            plant.write(prefix, number, "faults.hook")
        for prefix, number in EACH.items():
            plant.wait_until(
                lambda p=prefix, n=number: plant.hook_states(p) == {"delivered": n},  # type: ignore[misc]
                f"all of {prefix} arrived",
            )
    assert listener.unsigned == []
    wanted = {f"{prefix}:{n}" for prefix, number in EACH.items() for n in range(number)}
    assert listener.taken.keys() == wanted
    assert all(len(ids) == 1 for ids in listener.taken.values())
    for subject, ids in listener.came.items():
        assert len(ids) == 1 + (subject.partition(":")[0] in TROUBLE), subject
        assert len(set(ids)) == 1, "a repeat carries the same webhook-id"
    plant.is_well()


def test_receiver_that_refuses_for_good_leaves_a_dead_letter_with_its_status(plant: Plant) -> None:
    with listening(plant, lambda subject: Answer(status=404, body=b"no such hook")) as listener:
        plant.write("never", 5, "faults.hook")
        plant.wait_until(lambda: plant.hook_states("never") == {"failed": 5}, "all have failed")
    assert listener.requests() == 5
    told = plant.rows(
        "SELECT DISTINCT d.reason, a.code, a.answer FROM outbox_delivery d"
        " JOIN outbox_event e ON e.id = d.event_id JOIN outbox_attempt a ON a.delivery_id = d.id"
        " WHERE e.subject LIKE 'never:%%'"
    )
    # Its words are not kept: it is in a private network.
    assert told == [("rejected", 404, "")]
    plant.is_well()
