"""Feeds that are read by a schedule: made, changed, read when they are due, and what came of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from bikeshare.choices import BikeType, Refusal
from bikeshare.client import CannotRead, check_address, read_feed
from bikeshare.ingest.gbfs import Feed, feed_from
from bikeshare.ingest.resources import FeedBody, values_of
from bikeshare.models import FeedSource, Program
from bikeshare.services.gbfs_import import feed_key, import_feed, take_over
from bikeshare.services.refusals import invalid, refusal
from core.encryption import Unreadable
from core.health import Finding
from core.refusal import Refused, refusing_invalid_models
from core.words import name_among

# So many of what was left out are kept with the result.
NAMED = 20
# A feed that was not understood for so many of its turns is no passing trouble.
TURNS = 3


def create_feed(*, body: FeedBody, now: datetime) -> FeedSource:
    """Raises Refused for what cannot be taken. It is read at the next sweep."""
    values = values_of(body)
    for name in ("program", "url"):
        if not values.get(name):
            raise invalid(name, _("It is needed."))
    key = values.pop("program")
    if not Program.objects.filter(pk=key).exists():
        raise invalid("program", _("There is no program %(id)s.") % {"id": key})
    return _save(FeedSource(program_id=key), values | {"next_at": now})


def patch_feed(*, feed: FeedSource, body: FeedBody, now: datetime) -> FeedSource:
    """Changes what is given, and forgets what was known of another address."""
    values = values_of(body)
    if values.pop("program", feed.program_id) != feed.program_id:
        raise invalid("program", _("It cannot be changed."))
    former = getattr(feed, "url", "")
    if values.get("url", former) != former:
        values |= {"tags": {}, "result": {}, "problem": "", "last_at": None, "last_ok_at": None}
    with transaction.atomic():
        _save(feed, values | {"next_at": now})
        if former and feed.url != former:
            program = Program.objects.get(pk=feed.program_id)
            take_over(program, [feed_key(former)], feed_key(feed.url))
    return feed


def _save(feed: FeedSource, values: dict[str, Any]) -> FeedSource:
    if "types" in values:
        values["types"] = {theirs: name_among(BikeType.values, ours) for theirs, ours in values["types"].items()}
    unknown = sorted(set(values.get("types", {}).values()) - set(BikeType.values))
    if unknown:
        raise invalid("types", _("%(type)s is none of %(ours)s.") % {"type": unknown[0], "ours": ", ".join(BikeType)})
    if values.get("url", was := getattr(feed, "url", "")) != was:
        try:
            check_address(values["url"])
        except CannotRead as error:
            raise invalid("url", str(error)) from error
    for name, value in values.items():
        setattr(feed, name, value)
    with refusing_invalid_models():
        feed.clean_fields(exclude=("program",))
    with transaction.atomic():
        # Who adds another feed to the program at the same moment waits.
        Program.objects.select_for_update(no_key=True).get(pk=feed.program_id)
        others = FeedSource.objects.filter(program_id=feed.program_id).exclude(pk=feed.pk)
        if any(getattr(other, "url", "") == feed.url for other in others):
            raise refusal(Refusal.DUPLICATE)
        feed.save()
    return feed


def read_soon(*, feed: FeedSource, now: datetime) -> FeedSource:
    """Somebody asks for it: it is read at the next sweep, all of it."""
    feed.next_at, feed.tags = now, {}
    feed.save(update_fields=["next_at", "tags"])
    return feed


def read_due(*, now: datetime) -> int:
    """Reads the feeds whose turn it is, one after the other; returns how many. Who reads one has moved its turn on."""
    count = 0
    while (feed := _claimed(now)) is not None:
        _read(feed, now)
        count += 1
    return count


def _claimed(now: datetime) -> FeedSource | None:
    with transaction.atomic():
        due = FeedSource.objects.filter(next_at__lte=now).order_by("next_at").select_for_update(skip_locked=True)
        feed = due.first()
        if feed is not None:
            feed.next_at = now + timedelta(minutes=feed.every_min) if feed.every_min else None
            feed.save(update_fields=["next_at"])
    return feed


def _read(feed: FeedSource, now: datetime) -> None:
    """Nothing is held while its server is waited for. Whatever is wrong with a feed is its own matter."""
    changed: dict[str, Any] = {"last_at": now, "problem": ""}
    try:
        documents = read_feed(feed.url, feed.tags, feed.program.language)
        held = feed_from(
            documents.files, types=feed.types, language=feed.program.language, ring_direction_counts=not feed.rfc7946
        )
        left_out = documents.problems + held.problems
        if not (held.stations or held.statuses or held.zones is not None or documents.unchanged):
            raise CannotRead(_("The feed holds neither stations nor zones that can be read."))
        report = import_feed(program_id=feed.program_id, feed=held, now=now, url=feed.url)
        counts = {"stations": asdict(report.stations), "zones": asdict(report.zones)}
        changed |= {"last_ok_at": now, "tags": documents.tags, "result": counts | _said(held, left_out)}
    except (CannotRead, Unreadable) as error:
        changed |= {"problem": str(error)[:500], "result": {}}
    except Refused as error:
        changed |= {"problem": error.sentence[:500], "result": {}}
    FeedSource.objects.filter(pk=feed.pk).update(**changed)


def _said(held: Feed, left_out: list[tuple[str, str]]) -> dict[str, Any]:
    named = [f"{path}: {sentence}" for path, sentence in (*left_out, *held.notes)]
    return {"statuses": len(held.statuses), "left_out": len(left_out), "said": named[:NAMED]}


def check_feeds(now: datetime) -> Finding:
    """Whether every feed with a schedule was understood within its last turns."""
    feeds = list(FeedSource.objects.filter(every_min__gt=0).defer("url", "tags"))
    late = [feed for feed in feeds if _is_late(feed, now)]
    if late:
        named = f"{late[0]} ({late[0].problem})" if late[0].problem else str(late[0])
        return Finding(False, _("%(count)d feeds are not read, first %(named)s") % {"count": len(late), "named": named})
    return Finding(True, _("%(count)d feeds are read") % {"count": len(feeds)})


def _is_late(feed: FeedSource, now: datetime) -> bool:
    return now - (feed.last_ok_at or feed.created) > TURNS * timedelta(minutes=max(feed.every_min, 5))
