"""Writes of the outbox: publish → claim → settle, and what a person may do to a delivery."""

from outbox.services.deliveries import cancel_delivery, cancel_for_list, retry_delivery
from outbox.services.publishing import NewEvent, Recipient, number_events, publish
from outbox.services.settling import Claimed, ClaimedEvent, Result, claim, reclaim_lost, settle

__all__ = [
    "Claimed",
    "ClaimedEvent",
    "NewEvent",
    "Recipient",
    "Result",
    "cancel_delivery",
    "cancel_for_list",
    "claim",
    "number_events",
    "publish",
    "reclaim_lost",
    "retry_delivery",
    "settle",
]
