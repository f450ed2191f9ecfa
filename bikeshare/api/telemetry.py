"""Device messages in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from bikeshare.api.helpers import WRITE
from bikeshare.api.resources import router
from bikeshare.ingest.spelling import BOX
from bikeshare.ingest.telemetry import SPARE, DeviceMessage
from bikeshare.services.telemetry import take_telemetry
from core.batches import batch_openapi
from core.ingest import BatchEndpoint

_messages = BatchEndpoint[DeviceMessage](
    DeviceMessage, take_telemetry, blanks={"boitier": ""}, spare=SPARE, envelope=BOX
)


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
    return _messages.answer(request)
