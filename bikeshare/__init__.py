"""Ten bike-share resources, their 45 topics, device telemetry and zones."""
