"""Forms of the outbox, one file per noun."""
