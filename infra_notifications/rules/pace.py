"""How often a charge point speaks, and so for how long its silence is normal. Pure; seconds.

What a person sets wins. Else the interval is learnt, in this order:

| from                                                                                     | source         |
|------------------------------------------------------------------------------------------|----------------|
| the interval that the CSMS gave in its answer to BootNotification, or by HeartbeatInterval | boot           |
| since, whichever is the newest                                                            |                |
| two gaps between Heartbeats that agree, which is what the station was told or configured;  | messages       |
| an hour later they are measured anew                                                      |                |
| the longest usual gap between any two messages, after a day of them                        | messages       |
| nothing yet: CHARGING_EXPECTED_INTERVAL_S                                                  | default        |

Of what was learnt a quarter more is normal, and at least a quarter of an hour: a message may be late, a connection may
drop. A longer gap is an outage and teaches nothing, unless the next one is as long: then it is how the station speaks.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from infra_notifications.choices import IntervalSource

SHORTEST_SILENCE_S = 900
MARGIN = 1.25
WATCHED = timedelta(days=1)
# The longest gap is forgotten by half in this time, so that a station may learn a quicker pace; in steps, so that not
# each of many messages changes what is remembered; for so long heartbeats that agreed are not measured anew.
HALF_LIFE_S = 14 * 86_400
FADES_AFTER = timedelta(hours=1)
HEARTBEATS_AGREE = 0.1
LONGEST_INTERVAL_S = 7 * 86_400


class Pace(msgspec.Struct, array_like=True, gc=False):
    """What is remembered of one charge point's pace; `doubt_s` is a gap that may have been an outage."""

    watched_since: datetime | None = None
    boot_s: int | None = None
    heartbeat_at: datetime | None = None
    heartbeat_gap_s: int | None = None
    heartbeat_s: int | None = None
    # Not whole, because it fades by very little; and since when it has not.
    usual_s: float | None = None
    doubt_s: int | None = None
    usual_at: datetime | None = None
    # Until when heartbeats teach nothing, because the last ones agreed.
    beats_known_until: datetime | None = None

    def tell(self, interval_s: int) -> bool:
        """Takes what its CSMS wants, and says whether that is new: gaps from before are those of another pace."""
        if interval_s == self.boot_s:
            return False
        if self.boot_s is not None:
            self.usual_s = self.usual_at = self.doubt_s = None
            self.heartbeat_at = self.heartbeat_gap_s = self.heartbeat_s = self.beats_known_until = None
        self.boot_s = interval_s
        return True

    def hear(self, last_seen: datetime | None, received_at: datetime, *, heartbeat: bool, default_s: int) -> bool:
        """Learns from a message and says whether it taught anything; one that was received before the last does not."""
        is_first = self.watched_since is None
        if is_first:
            self.watched_since = received_at
        learnt = False
        if last_seen is not None and received_at != last_seen:
            if received_at < last_seen:
                return is_first
            gap_s = int((received_at - last_seen).total_seconds())
            is_normal = gap_s <= min(SHORTEST_SILENCE_S, default_s)
            is_normal = is_normal or gap_s <= self.allowed(received_at, default_s).silence_s
            learnt = self._learn(gap_s, received_at, is_normal)
        return (heartbeat and self._beat(received_at)) or learnt or is_first

    def _learn(self, gap_s: int, received_at: datetime, is_normal: bool) -> bool:
        usual_s, since = self.usual_s or 0.0, self.usual_at or received_at
        if received_at - since >= FADES_AFTER:
            usual_s *= 0.5 ** ((received_at - since).total_seconds() / HALF_LIFE_S)
            since = received_at
        elif is_normal and gap_s <= usual_s and self.doubt_s is None:
            return False
        if is_normal:
            usual_s, self.doubt_s = max(gap_s, usual_s), None
        elif self.doubt_s is None:
            self.doubt_s = gap_s
        else:
            usual_s, self.doubt_s = max(usual_s, min(gap_s, self.doubt_s, LONGEST_INTERVAL_S)), None
        self.usual_s, self.usual_at = usual_s, since
        return True

    def _beat(self, received_at: datetime) -> bool:
        if self.beats_known_until is not None:
            if received_at < self.beats_known_until:
                return False
            self.heartbeat_at = self.heartbeat_gap_s = self.beats_known_until = None
        if self.heartbeat_at is not None:
            gap_s, before_s = int((received_at - self.heartbeat_at).total_seconds()), self.heartbeat_gap_s
            if gap_s < 1:
                return False
            if before_s is not None and abs(gap_s - before_s) <= 2 + HEARTBEATS_AGREE * max(gap_s, before_s):
                self.heartbeat_s = min(max(gap_s, before_s), LONGEST_INTERVAL_S)
                self.beats_known_until = received_at + FADES_AFTER
            self.heartbeat_gap_s = gap_s
        self.heartbeat_at = received_at
        return True

    def is_watched(self, now: datetime) -> bool:
        """Whether it is known for so long that its longest gap is no accident."""
        return self.watched_since is not None and now - self.watched_since >= WATCHED

    def allowed(self, now: datetime, default_s: int) -> Allowance:
        """What is normal by what was learnt."""
        least_s = min(SHORTEST_SILENCE_S, default_s)
        learnt = _learnt(self.boot_s, IntervalSource.BOOT, least_s)
        learnt = learnt or _learnt(self.heartbeat_s, IntervalSource.MESSAGES, least_s)
        if learnt is not None and (self.usual_s or 0) <= learnt.silence_s:
            return learnt
        usual = _learnt(self.usual_s, IntervalSource.MESSAGES, least_s)
        if learnt is None and self.is_watched(now):
            learnt = usual
        allowance = learnt or Allowance(default_s, default_s, IntervalSource.DEFAULT)
        # Gaps that were twice longer than what is normal are normal.
        return usual if usual is not None and usual.interval_s > allowance.silence_s else allowance


class Allowance(msgspec.Struct, frozen=True, gc=False):
    """The expected interval between two messages, and after how much silence that is an incident."""

    interval_s: int
    silence_s: int
    source: IntervalSource


def _learnt(interval_s: float | None, source: IntervalSource, least_s: int) -> Allowance | None:
    if not interval_s:
        return None
    return Allowance(round(interval_s), max(least_s, round(interval_s * MARGIN)), source)


_decoder = msgspec.json.Decoder(Pace)


def read_pace(text: str) -> Pace:
    return _decoder.decode(text) if text else Pace()


def stored_pace(pace: Pace) -> str:
    return msgspec.json.encode(pace).decode()
