"""Bike-share: resources, their topics, device telemetry and zones."""
