"""Device messages in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from bikeshare.api.kit import WRITE, answer
from bikeshare.api.resources import router
from bikeshare.ingest.telemetry import DeviceMessage
from bikeshare.services.telemetry import Intake, Submission, take_telemetry
from core.api import key_of, limited_body
from core.batches import BatchDecoder, batch_answer, batch_openapi
from core.combine import Combiner

_messages = BatchDecoder(DeviceMessage)
_take = Combiner[Submission, Intake](lambda submissions: take_telemetry(submissions=submissions, now=timezone.now()))


@router.post(
    "/telemetry",
    auth=WRITE,
    summary="Messages of the boxes on the vehicles",
    openapi_extra=batch_openapi(
        DeviceMessage,
        {
            "lock closed at a dock": {
                "id": "m-1",
                "boitier": "BX-000417",
                "type": "lock",
                "at": "2026-11-21T05:40:00Z",
                "state": "locked",
                "rfid": "E200001B",
            },
            "position": {
                "boitier": "BX-000417",
                "type": "position",
                "at": "2026-11-21T05:41:00Z",
                "latitude": 48.853,
                "longitude": 2.349,
                "accuracy": 8,
            },
            "battery": {"boitier": "BX-000417", "type": "battery", "at": "2026-11-21T05:42:00Z", "value": 19},
        },
    ),
)
def post_telemetry(request: HttpRequest) -> HttpResponse:
    """Takes one message or a batch of up to 1,000; answers after the commit. Late and repeated ones do no harm."""
    batch = _messages.decode(limited_body(request))
    submission = Submission(key_of(request).pk, batch.items)
    intake = _take.submit(submission, size=len(batch.items)) if batch.items else Intake()
    return answer(batch_answer(intake.accepted, intake.duplicates, batch.rejected + intake.rejected), 202)
