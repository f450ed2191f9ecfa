"""A receiver of webhooks that believes only what is signed, remembers the ids, and fails in the ways it is told."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator

from standardwebhooks import WebhookVerificationError

from tests.faults.plant import Plant
from tests.outbox.receiver import Answer, Heard, Receiver

Says = Callable[[str], Answer]


class Listener:
    """What came at one endpoint. `says` answers by the subject of an event."""

    def __init__(self, says: Says) -> None:
        self.says = says
        self.secret = ""
        # By subject, the webhook-ids of all requests, and of those that were answered with 2xx, in their order.
        self.came: dict[str, list[str]] = defaultdict(list)
        self.taken: dict[str, list[str]] = defaultdict(list)
        self.unsigned: list[Heard] = []

    def hear(self, heard: Heard) -> Answer:
        try:
            subject = heard.verify(self.secret)["subject"]
        except WebhookVerificationError:
            self.unsigned.append(heard)
            return Answer(status=400)
        answer = self.says(subject)
        self.came[subject].append(heard.id)
        if not answer.drop and answer.raw is None and 200 <= answer.status < 300:
            self.taken[subject].append(heard.id)
        return answer

    def requests(self) -> int:
        return sum(map(len, list(self.came.values())))


@contextlib.contextmanager
def listening(plant: Plant, says: Says) -> Iterator[Listener]:
    """A real receiver and its endpoint, which hears of the events of kind faults.hook."""
    listener = Listener(says)
    with Receiver(listener.hear) as receiver, plant.listening_at(receiver.url) as listener.secret:
        yield listener
