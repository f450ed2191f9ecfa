"""What must hold whatever the broker is: in `make test` on files, in `make test-engines` on RabbitMQ and Redis."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from typing import Protocol

from tests.faults.hooks import listening
from tests.faults.plant import Plant
from tests.outbox.receiver import Answer

DELIVERIES = 5_000
KILLS = 4


class Broker(Protocol):
    """One that can be broken. `notices`: whether asking it shows that it is."""

    notices: bool

    def stop(self) -> None:
        """It does not answer any more."""

    def start_empty(self) -> None:
        """It answers again, and has forgotten everything."""


def number_in(address: str) -> str:
    """Of an address of the writer, the number of its event."""
    return re.sub(r"\D", "", address.partition("@")[0])


class BrokerFaults:
    """A class that inherits these brings the fixtures `plant` and `broker`."""

    def test_workers_killed_at_random_lose_nothing_and_repeat_only_what_was_in_flight(self, plant: Plant) -> None:
        """Half of the deliveries are mails, half are webhooks, whose signatures `standardwebhooks` verifies."""
        chance, half = random.Random(), DELIVERIES // 2
        moments = sorted(chance.sample(range(100, DELIVERIES - 600), KILLS))
        plant.sink.pause_s = pause_s = 0.004  # so that there is something in flight to be killed
        plant.kill("worker")
        held: list[list[str]] = []
        with listening(plant, lambda subject: Answer(pause_s=pause_s)) as listener:
            plant.write("kill", half)
            plant.write("hook", half, "faults.hook")
            for moment in moments:
                plant.start("worker")
                plant.wait_until(
                    lambda m=moment: len(plant.sink.to("kill")) + listener.requests() >= m,  # type: ignore[misc]
                    f"{moment} deliveries came",
                )
                held.append(plant.kill_worker())
            plant.start("worker")
            assert plant.wait_ended("kill", half) == {"delivered": half}
            plant.wait_until(lambda: plant.hook_states("hook") == {"delivered": half}, "all webhooks arrived")
        assert listener.unsigned == []
        came = listener.came | {f"kill:{number_in(address)}": ids for address, ids in plant.sink.to("kill").items()}
        assert len(came) == DELIVERIES  # none is lost
        assert all(len(set(ids)) == 1 for ids in came.values())  # a repeat carries the same id
        assert len({ids[0] for ids in came.values()}) == DELIVERIES
        # What was repeated was in flight at a kill, and is repeated at most once for each.
        repeats = Counter({subject: len(ids) - 1 for subject, ids in came.items()})
        assert repeats <= Counter(itertools.chain.from_iterable(held))
        in_flight = [len(subjects) for subjects in held]
        print(f"{KILLS} kills during {DELIVERIES} deliveries: {repeats.total()} repeats, {in_flight} in flight")
        plant.is_well()

    def test_broker_that_is_away_holds_nothing_up_and_forgets_nothing(self, plant: Plant, broker: Broker) -> None:
        broker.stop()
        plant.write("away", 100)
        assert plant.wait_ended("away", 100) == {"delivered": 100}
        if broker.notices:
            well, told = plant.doctor()
            assert not well
            assert told["broker"].startswith("FAILS")
        broker.start_empty()
        plant.write("back", 100)
        assert plant.wait_ended("back", 100) == {"delivered": 100}
        plant.arrived_once("away", 100)
        plant.arrived_once("back", 100)
        # Beat and worker find the broker again by themselves: the sweep shows that the worker lives.
        plant.wait_sweep()
        plant.is_well()
