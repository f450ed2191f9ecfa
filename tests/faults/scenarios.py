"""What must hold whatever the broker is: in `make test` on files, in `make test-engines` on RabbitMQ and Redis."""

from __future__ import annotations

import random
from collections import Counter
from typing import Protocol

from tests.faults.plant import Plant
from tests.outbox.receiver import Answer, Receiver

DELIVERIES = 5_000
KILLS = 4


class Broker(Protocol):
    """One that can be broken. `notices`: whether asking it shows that it is."""

    notices: bool

    def stop(self) -> None:
        """It does not answer any more."""

    def start_empty(self) -> None:
        """It answers again, and has forgotten everything."""


class BrokerFaults:
    """A class that inherits these brings the fixtures `plant` and `broker`."""

    def test_workers_killed_at_random_lose_nothing_and_repeat_only_what_was_in_flight(self, plant: Plant) -> None:
        """Half of the deliveries are mails, half are webhooks."""
        chance, half = random.Random(), DELIVERIES // 2
        moments = sorted(chance.sample(range(100, DELIVERIES - 600), KILLS))
        pause_s = 0.004  # so that there is something in flight to be killed
        with Receiver(lambda heard: Answer(pause_s=pause_s)) as receiver:
            plant.sink.pause_s = pause_s
            plant.kill("worker")
            plant.listen_at(receiver.url)
            plant.write("kill", half)
            plant.write("hook", half, "faults.hook")
            in_flight = []
            for moment in moments:
                plant.start("worker")
                plant.wait_until(
                    lambda m=moment: len(plant.sink.to("kill")) + len(receiver.heard) >= m,  # type: ignore[misc]
                    f"{moment} deliveries came",
                )
                in_flight.append(plant.kill_worker())
            plant.start("worker")
            assert plant.wait_ended("kill", half) == {"delivered": half}
            plant.wait_until(lambda: plant.hook_states()["delivered"] == half, "all webhooks arrived")
            hooks = Counter(heard.id for heard in receiver.heard)
        mails = plant.sink.to("kill")
        assert len(mails) == len(hooks) == half  # none is lost
        assert all(len(set(ids)) == 1 for ids in mails.values())  # a repeat carries the same id
        assert len({ids[0] for ids in mails.values()}) == half
        repeats = sum(len(ids) - 1 for ids in mails.values()) + sum(hooks.values()) - half
        assert repeats <= sum(in_flight), (repeats, in_flight)
        print(f"{KILLS} kills during {DELIVERIES} deliveries: {repeats} repeats, {in_flight} in flight")
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
        plant.rows("DELETE FROM console_signoflife WHERE part = 'worker' RETURNING 1")
        plant.wait_until(
            lambda: bool(plant.rows("SELECT 1 FROM console_signoflife WHERE part = 'worker'")), "a sweep ran"
        )
        plant.is_well()
