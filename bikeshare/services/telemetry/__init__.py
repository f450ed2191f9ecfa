"""Device messages: taken in batches, judged, told."""

from bikeshare.services.telemetry.intake import take_telemetry

__all__ = ["take_telemetry"]
