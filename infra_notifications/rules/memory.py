"""What the earlier messages of a charge point mean for its next one: its clock, its status, what ended and when.

Written with its state where a message changed it, read under the same lock, and asked for by nothing else.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from core.device_clock import EARLIEST, ClockMark, Moment, remember


class PointMemory(msgspec.Struct, array_like=True, gc=False):
    """`raised` and `cleared` hold, by case and fault, what ordered the last raise and clear (see `CaseHistory`).

    A clear that ended the fault in every case stands under an empty one.
    """

    clock_newest: datetime | None = None
    clock_received: datetime | None = None
    status_order: datetime | None = None
    raised: dict[str, dict[str, datetime]] = msgspec.field(default_factory=dict)
    cleared: dict[str, dict[str, datetime]] = msgspec.field(default_factory=dict)

    def mark(self, error_s: int | None) -> ClockMark | None:
        """What is known of the device's clock; `error_s` is kept beside, where it can be searched."""
        if error_s is None and (self.clock_newest is None or self.clock_received is None):
            return None
        return ClockMark(self.clock_newest or EARLIEST, self.clock_received or EARLIEST, error_s)

    def note_clock(self, moment: Moment, received_at: datetime, error_s: int | None) -> bool:
        """Remembers what a moment shows of the device's clock, and says whether that is something."""
        before = self.mark(error_s)
        mark = remember(before, moment, received_at)
        if mark is None or mark is before:
            return False
        self.clock_newest, self.clock_received = mark.newest, mark.received_at
        return True

    def note_right(self, at: datetime, received_at: datetime, error_s: int | None) -> bool:
        """The same for a device's time that is right, without a mark."""
        newest, received = self.clock_newest, self.clock_received
        if error_s is not None or (newest is not None and received is not None):
            if received_at < (received or EARLIEST):
                return False
            at = max(newest or EARLIEST, at)
        self.clock_newest, self.clock_received = at, received_at
        return True


_decoder = msgspec.json.Decoder(PointMemory)


def read_memory(text: str | None) -> PointMemory:
    return _decoder.decode(text) if text else PointMemory()


def stored_memory(memory: PointMemory) -> str:
    return msgspec.json.encode(memory).decode()
