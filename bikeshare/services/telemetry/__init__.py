"""Device messages: taken in batches, judged, told."""

from bikeshare.services.telemetry.taking import Intake, Submission, take_telemetry

__all__ = ["Intake", "Submission", "take_telemetry"]
