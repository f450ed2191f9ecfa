"""The conditions of all notifications, by name. Each is a pure function from a snapshot to windows."""

from vehicles.rules.conditions import app, connection, contracts, money, pairing, sessions, settings
from vehicles.rules.windows import CONDITIONS

__all__ = ["CONDITIONS", "app", "connection", "contracts", "money", "pairing", "sessions", "settings"]
