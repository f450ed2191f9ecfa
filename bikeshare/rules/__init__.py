"""Pure decisions of bike-share: state machines, renting, telemetry, zones."""
