"""An event that cannot be written fails alone and visibly; a worker that is gone is noticed and told once."""

from __future__ import annotations

import time

import pytest

from outbox.services.settling import ALONE_FROM, MOST_LOST
from tests.faults.plant import Plant

pytestmark = [pytest.mark.processes, pytest.mark.faults]


def test_poisoned_events_fail_alone_and_visibly(plant: Plant) -> None:
    plant.begin_to_write("poison", 20, "faults.poison")
    plant.begin_to_write("sound", 200)
    plant.wait_written("sound")
    assert plant.wait_ended("sound", 200) == {"delivered": 200}
    assert plant.wait_ended("poison", 20) == {"failed": 20}
    plant.arrived_once("sound", 200)
    told = plant.rows(
        "SELECT DISTINCT d.reason, a.verdict, a.answer FROM outbox_delivery d JOIN outbox_attempt a"
        " ON a.delivery_id = d.id WHERE d.address LIKE 'poison%%'"
    )
    assert [(reason, verdict) for reason, verdict, _answer in told] == [("template", "failed")]
    assert "ZeroDivisionError" in told[0][2]
    plant.is_well()


def test_delivery_at_which_workers_die_is_sent_alone_and_fails_visibly(plant: Plant) -> None:
    """It may take others with it three times; from then on only itself."""
    plant.begin_to_write("deadly", 1, "faults.deadly")
    plant.wait_written("deadly")
    plant.write("beside", 100)
    for lost in range(MOST_LOST):
        plant.wait_until(lambda: plant.states("deadly")["sending"] == 1, "it is held by one who dies of it")
        time.sleep(1)
        plant.rows("UPDATE outbox_delivery SET created_at = created_at - interval '10 min' WHERE lost > 0 RETURNING 1")
        if lost == 1:
            assert "workers died at deliveries" in plant.doctor()[1]["deliveries"]
        # Not to wait for the leases and pauses.
        plant.end_leases()
        plant.wait_until(lambda: plant.states("deadly")["sending"] == 0, "its lease ended")
        plant.rows("UPDATE outbox_delivery SET next_attempt_at = now() WHERE state = 'retrying' RETURNING 1")
    assert plant.wait_ended("deadly", 1) == {"failed": 1}
    assert plant.wait_ended("beside", 100) == {"delivered": 100}
    ends = "SELECT reason, attempts, lost FROM outbox_delivery WHERE address LIKE 'deadly%%'"
    assert plant.rows(ends) == [("worker_lost", MOST_LOST, MOST_LOST)]
    assert plant.rows("SELECT max(lost) FROM outbox_delivery WHERE address LIKE 'beside%%'")[0][0] <= ALONE_FROM
    assert len(plant.sink.to("beside")) == 100
    plant.is_well()


def test_worker_that_is_gone_is_told_to_administrators_once_and_its_return_too(plant: Plant) -> None:
    def mails() -> int:
        return len(plant.sink.mails["admin@example.org"])

    before = mails()
    plant.kill("worker")
    # Not to wait for two minutes: the last sign of life, and then the trouble, were a while ago.
    plant.rows("UPDATE console_signoflife SET at = at - interval '2 min' WHERE part = 'worker' RETURNING 1")
    began = "UPDATE outbox_healthalert SET began_at = began_at - interval '2 min' WHERE ended_at IS NULL RETURNING name"
    plant.wait_until(
        lambda: plant.rows("SELECT 1 FROM outbox_healthalert WHERE ended_at IS NULL") != [], "beat noticed"
    )
    well, told = plant.doctor()
    assert not well
    assert told["worker"].startswith("FAILS")
    assert plant.rows(began) == [("worker",)]
    plant.wait_until(lambda: mails() == before + 1, "the administrator is mailed")
    plant.start("worker")
    plant.wait_until(lambda: mails() == before + 2, "the administrator hears that it is over")
    plant.is_well()
    assert mails() == before + 2
