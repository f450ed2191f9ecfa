"""What others must know of the outbox: what is published, what a transport gets, and what became of one attempt.

An app publishes `NewEvent`s for `Recipient`s. A transport is handed `Claimed` deliveries and reports a `Result` for
each, whose `Outcome` says in one type for all channels whether to try again, why, and what the receiver said.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from outbox.choices import Channel, Reason, Verdict

ANSWER_BYTES = 4_096


# ---- published ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipient:
    """Whom an event is for: a mail address on a mailing list, an endpoint, an app's user."""

    address: str
    channel: str = Channel.EMAIL
    list_key: str = ""
    language: str = "en"
    destination: str = ""
    # When a banner ends by itself; of no meaning elsewhere.
    expires_at: datetime | None = None
    # With a reason, its delivery is written as not sent, and can be replayed.
    held_back: Reason = Reason.NONE

    def shared_fate(self) -> str:
        """What this delivery is limited together with: for mail, the domain of the address."""
        return self.destination or f"{self.channel}:{self.address.rpartition('@')[2].lower()}"

    def identity(self) -> tuple[str, ...]:
        """Who this is: one mail per address, whatever lists it is on, but one request per webhook endpoint."""
        return self.channel, self.address.lower(), self.destination


@dataclass(frozen=True)
class NewEvent:
    """An event to publish. `dedup_key` makes publishing it twice a no-op; `thread` is the uuid hex it answers."""

    kind: str
    subject: str
    payload: msgspec.Struct
    dedup_key: str
    occurred_at: datetime
    recipients: tuple[Recipient, ...] = ()
    thread: str = ""
    uuid: uuid.UUID = field(default_factory=uuid.uuid4)


# ---- claimed and sent -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClaimedEvent:
    id: int
    uuid: uuid.UUID
    kind: str
    subject: str
    payload: dict[str, Any]
    occurred_at: datetime
    thread: str
    # Its place in the log, once it has one.
    position: int | None = None
    # Of the request that caused it.
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a mail says as of now; None: nothing of it is left to be sent. `is_over`: it tells that all of it is over,
    so that what would say so later is not needed."""

    payload: dict[str, Any] | None
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker holds until its lease ends."""

    id: int
    event: ClaimedEvent
    channel: str
    address: str
    list_key: str
    language: str
    destination: str
    attempts: int
    created_at: datetime
    lease: uuid.UUID
    # How often a person had it sent once more before.
    copy: int = 0


@dataclass(frozen=True)
class Outcome:
    """`code` is the protocol's (SMTP reply, HTTP status); `answer` the first 4 kB of what the receiver said."""

    verdict: Verdict
    reason: Reason
    code: int | None = None
    answer: str = ""
    # The receiver asked for this pause (Retry-After), in seconds.
    retry_after_s: float | None = None

    @property
    def counts(self) -> bool:
        """Whether this attempt counts against the schedule: a server that is away is not the address's fault."""
        return self.verdict in (Verdict.RETRY, Verdict.DELIVERED, Verdict.FAILED)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a claimed delivery, and how long the attempt took."""

    claimed: Claimed
    outcome: Outcome
    started_at: datetime
    duration_s: float
    # Seconds to leave the server alone when it could not be reached.
    pause_s: float = 0.0


# ---- outcomes -------------------------------------------------------------------------------------------------------


def delivered(code: int, answer: str) -> Outcome:
    return Outcome(Verdict.DELIVERED, Reason.ACCEPTED, code, answer[:ANSWER_BYTES])


def retry(reason: Reason, code: int | None = None, answer: str = "", retry_after_s: float | None = None) -> Outcome:
    return Outcome(Verdict.RETRY, reason, code, answer[:ANSWER_BYTES], retry_after_s)


def postponed(reason: Reason, answer: str = "", code: int | None = None) -> Outcome:
    return Outcome(Verdict.POSTPONED, reason, code, answer[:ANSWER_BYTES])


def failed(reason: Reason, code: int | None = None, answer: str = "") -> Outcome:
    return Outcome(Verdict.FAILED, reason, code, answer[:ANSWER_BYTES])


def held_back(reason: Reason) -> Outcome:
    """Not sent on purpose: kept, to be replayed."""
    return Outcome(Verdict.HELD_BACK, reason)


RELEASED = Outcome(Verdict.RELEASED, Reason.NONE)
