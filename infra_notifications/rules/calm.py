"""Statuses that say that all is well, which are most: what they do is known once for all of their shape. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.device_clock import EARLIEST, Moment
from infra_notifications.choices import Effect, MessageVerdict
from infra_notifications.rules.findings import Findings, finding_of
from infra_notifications.rules.matching import Reading, effect_of
from infra_notifications.rules.shapes import Shape
from infra_notifications.rules.signals import signals_of


class Calm:
    """`clears` are the names of the faults that such a status ends in every case; `rule` is the one that it meets."""

    def __init__(self, reading: Reading, effect: Effect, clears: Sequence[str]) -> None:
        self.reading, self.rule, self.clears = reading, reading.rule, clears
        self._effect = effect
        self._found: dict[int, Findings] = {}

    def found_at(self, count: int) -> Findings:
        """What is found where so many charge points are concerned, and nothing is open that it could end."""
        if (found := self._found.get(count)) is None:
            found = self._found[count] = Findings()
            found.add(MessageVerdict.INFO, finding_of(self.rule, self._effect, self.reading.said, count, ()))
        return found


def calm_of(shape: Shape, read: Sequence[Reading]) -> Calm | None:
    """What a shape comes to by these readings; None where it does more than to end what is over."""
    if not shape.calm or len(read) != 1:
        return None
    (observation,), (reading,) = shape.observations, read
    effect = effect_of(reading.rule, observation) if reading.rule else Effect.INFO
    signals = signals_of(observation, reading, effect, Moment(EARLIEST, False), EARLIEST, False)
    if not all(signal.every_case and not signal.raised for signal in signals):
        return None
    return Calm(reading, effect, [signal.fault for signal in signals])
