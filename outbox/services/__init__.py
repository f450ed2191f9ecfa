"""Writes of the outbox: publish → claim → settle, and what a person may do to a delivery. All apps publish."""

from outbox.services.publishing import publish

__all__ = ["publish"]
