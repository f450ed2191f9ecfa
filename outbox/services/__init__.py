"""Writes of the outbox: publish → claim → settle, and what a person may do to a delivery."""

from outbox.services.banners import expire as expire_banners
from outbox.services.deliveries import (
    cancel_deleted_list,
    cancel_delivery,
    cancel_for_list,
    resend_mail,
    retry_delivery,
)
from outbox.services.publishing import number_events, publish
from outbox.services.settling import claim, mend_times, reclaim_lost, settle
from outbox.subscriptions.matching import Listener, register_listeners
from outbox.subscriptions.stamps import listeners_changed

__all__ = [
    "Listener",
    "cancel_deleted_list",
    "cancel_delivery",
    "cancel_for_list",
    "claim",
    "expire_banners",
    "listeners_changed",
    "mend_times",
    "number_events",
    "publish",
    "reclaim_lost",
    "register_listeners",
    "resend_mail",
    "retry_delivery",
    "settle",
]
