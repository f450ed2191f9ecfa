"""The engines of one machine: PostgreSQL from a wheel, a mail catcher, and the supervisor behind `make demo`."""
