"""Who sends facts: whether each is heard, of which car it spoke last, and whose old facts wait for newer ones.

A feed that was silent for hours and replays what it kept tells of days ago: what was wrong then is mostly right by the
end of the replay. So old facts alone are judged when newer ones have come, or after a moment without any.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import connection

from vehicles.services.unit_of_work import EntityUnitOfWork

# After a pause of this length a feed counts as newly heard.
LONG_PAUSE = timedelta(hours=6)
# That a feed is heard is written down this often.
NOTED_EVERY = timedelta(minutes=1)
# A fact this old when it comes is one of a backlog; it waits so long for newer ones, in all no longer than that.
OLD_AFTER, WAIT, LONGEST_WAIT = timedelta(minutes=10), timedelta(minutes=1), timedelta(minutes=15)


def note_feeds(*, spoken: Sequence[tuple[int, str]], work: EntityUnitOfWork, now: datetime) -> None:
    """Notes which feeds (keys) are heard, and of which cars each spoke. A person at the console (0) is no feed of a car
    that has one."""
    feeds = {car: key for key, car in spoken if car}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO vehicles_feed AS f (key, heard_since, last_heard_at)"
            " SELECT x, %(now)s, %(now)s FROM unnest(%(keys)s::bigint[]) AS x ORDER BY x"
            " ON CONFLICT (key) DO UPDATE SET last_heard_at = EXCLUDED.last_heard_at, heard_since ="
            " CASE WHEN f.last_heard_at < %(paused)s THEN EXCLUDED.heard_since ELSE f.heard_since END"
            " WHERE f.last_heard_at < %(noted)s",
            {
                "now": now,
                "keys": sorted({key for key, _car in spoken}),
                "paused": now - LONG_PAUSE,
                "noted": now - NOTED_EVERY,
            },
        )
        if feeds:
            cursor.execute(
                "UPDATE vehicles_vehicle v SET feed_key = x.key FROM unnest(%s::bigint[], %s::bigint[]) AS x(id, key)"
                " WHERE v.id = x.id AND (v.feed_key IS NULL OR (x.key <> 0 AND v.feed_key <> x.key))",
                [[work.id_of("vehicle", car) for car in feeds], list(feeds.values())],
            )


def wait_for_newer(*, driver_ids: Collection[int], now: datetime) -> None:
    """Has the sweep judge drivers, whom the caller holds, when nothing newer has come for a moment."""
    if not driver_ids:
        return
    seconds = LONGEST_WAIT.total_seconds()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vehicles_driver SET unsettled_since = coalesce(unsettled_since, %s),"
            " due_at = least(%s, coalesce(unsettled_since, %s) + make_interval(secs => %s)) WHERE id = ANY(%s)",
            [now, now + WAIT, now, seconds, sorted(driver_ids)],
        )
