"""Untrusted input → typed values: the vendor's notifications and records, and commands that are given."""

from fleet_remotes.ingest.commands import Command, CommandError, read_command
from fleet_remotes.ingest.notifications import (
    Event,
    believed_date,
    read_body,
    read_record,
    understand,
)

__all__ = [
    "Command",
    "CommandError",
    "Event",
    "believed_date",
    "read_body",
    "read_command",
    "read_record",
    "understand",
]
