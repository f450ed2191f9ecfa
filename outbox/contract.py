"""What became of one attempt, in one type for all channels: whether to try again, why, and the receiver's words."""

from __future__ import annotations

from dataclasses import dataclass

from outbox.choices import Reason, Verdict

ANSWER_BYTES = 4_096


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
