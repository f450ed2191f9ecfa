"""The outbox's decisions. Pure: the moment and the chance are passed in, no ORM, no settings, no network."""
