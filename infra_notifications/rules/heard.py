"""What is kept of a call that was heard as a frame: it is read whole before it is cut, so that what its reader would
read at any other door is read of it too. Pure.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from infra_notifications.rules.action_names import CALL
from infra_notifications.rules.actions import ACTIONS
from infra_notifications.rules.frames import canonical_action
from infra_notifications.rules.retained import retained
from infra_notifications.rules.spelling import is_exact, read_wire
from infra_notifications.rules.stations import INTERVAL_ORDERS

_MORE = """
    BootNotification StatusNotification NotifyEvent NotifyDERAlarm SecurityEventNotification StartTransaction
    NotifyReport StopTransaction TransactionEvent DataTransfer FirmwareStatusNotification
"""
# Calls of which more is read than of all.
READ = frozenset(_MORE.split())
# And those that are looked through for what they order.
READ_WHOLE = READ | INTERVAL_ORDERS


class HeardCall(NamedTuple):
    """`notes` say how it had to be read; None: it was not, and whoever takes it in reads what is kept of it."""

    protocol: str
    action: str
    payload: dict[str, Any]
    kind: str = CALL
    notes: list[str] | None = None


def as_it_is(protocol: str, action: str, payload: Any) -> HeardCall:
    """What is kept of a call that says nothing of its station's state."""
    return HeardCall(protocol, action, retained(action if action in ACTIONS else canonical_action(action), payload))


def heard_call(protocol: str, action: str, payload: Any) -> HeardCall:
    """What is kept of a call of a station."""
    is_read = canonical_action(action) in READ or not isinstance(payload, dict)
    if not is_read or is_exact(protocol, action, payload):
        return as_it_is(protocol, action, payload)
    wire = read_wire(protocol, action, payload)
    if wire.problem:
        return as_it_is(protocol, action, payload)
    return HeardCall(wire.protocol, wire.action, retained(wire.action, wire.payload, wire.kind), wire.kind, wire.notes)
