"""Takes in what CitrineOS tells of its stations: messages and connections, in the order in which they came."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.utils import timezone

from core.combine import Combiner
from core.ingest import Intake, Submission
from core.models import ApiKey
from infra_notifications.choices import SourceKind
from infra_notifications.ingest import OcppMessage
from infra_notifications.models.sources import source_id
from infra_notifications.rules.citrineos import HeardFrame, NotUnderstood, read_event
from infra_notifications.rules.connections import ConnectionReport
from infra_notifications.rules.frames import Call
from infra_notifications.services.connections import take_connections
from infra_notifications.services.frames import message_of
from infra_notifications.services.messages import take_messages

# It sends one event at a time, from many stations at once.
_messages = Combiner[Submission[Any], Intake](
    lambda submissions: take_messages(submissions=submissions, now=timezone.now())
)
_connections = Combiner[Submission[Any], Intake](
    lambda submissions: take_connections(submissions=submissions, now=timezone.now())
)


def take_events(*, key: ApiKey, bodies: Sequence[Any]) -> Intake:
    """Takes events in their order; answers after the commit. `key` is the one in their address."""
    source, whole = source_id(SourceKind.CITRINEOS, key.pk), Intake()
    read: list[tuple[int, OcppMessage | ConnectionReport]] = []
    rejected: list[tuple[int, str]] = []
    for place, body in enumerate(bodies):
        try:
            event = read_event(body)
        except NotUnderstood as error:
            rejected.append((place, str(error)))
            continue
        read.append((place, _message(event) if isinstance(event, HeardFrame) else event))
    for is_report, run in groupby(read, key=lambda item: isinstance(item[1], ConnectionReport)):
        items = list(run)
        combiner = _connections if is_report else _messages
        _add(whole, combiner.submit(Submission(source, items), size=len(items)))
    if rejected:
        _add(whole, _messages.submit(Submission(source, [], rejected), size=len(rejected)))
    return whole


def _add(whole: Intake, part: Intake) -> None:
    whole.accepted += part.accepted
    whole.duplicates += part.duplicates
    whole.rejected += part.rejected
    whole.warnings += part.warnings


def _message(heard: HeardFrame) -> OcppMessage:
    frame = heard.frame
    call = Call(heard.action, None) if frame.is_answer and heard.action else None
    return message_of(frame, call, heard.station, heard.protocol, heard.at, from_station=heard.from_station)
