"""manage.py import_gbfs URL|FOLDER --program KEY: stations and zones of a GBFS feed (2.1 to 3.x)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from bikeshare.choices import BikeType
from bikeshare.client import CannotRead, read_feed
from bikeshare.ingest.gbfs import feed_from
from bikeshare.models import Program
from bikeshare.services.gbfs_import import Report, Written, import_feed
from core.refusal import Refused
from core.words import name_among


class Command(BaseCommand):
    help = "Imports the stations and zones of a GBFS feed; bad items are named and left out, the rest is written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="the address of a gbfs.json, GeoJSON or MDS geographies, or a folder")
        parser.add_argument("--program", required=True, help="the program's key; it is made if there is none")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done and write nothing")
        parser.add_argument(
            "--type", action="append", default=[], metavar="THEIRS=OURS", help="which of our vehicle types one is"
        )
        parser.add_argument("--rfc7946", action="store_true", help="in GBFS 2, do not read meaning into a ring's turn")

    def handle(self, *args: Any, **options: Any) -> None:
        types = dict(_pair(one) for one in options["type"])
        language = Program.objects.filter(pk=options["program"]).values_list("language", flat=True).first() or ""
        try:
            documents = read_feed(options["source"], language=language)
        except CannotRead as error:
            raise CommandError(str(error)) from error
        feed = feed_from(documents.files, types=types, language=language, ring_direction_counts=not options["rfc7946"])
        problems = documents.problems + feed.problems
        for path, sentence in problems:
            self.stderr.write(f"left out: {path}: {sentence}")
        for path, sentence in feed.notes:
            self.stderr.write(f"note: {path}: {sentence}")
        if not feed.stations and not feed.statuses and feed.zones is None:
            raise CommandError("The feed holds neither stations nor zones that can be read; nothing was imported.")
        try:
            report = import_feed(
                program_id=options["program"],
                feed=feed,
                now=timezone.now(),
                dry_run=options["dry_run"],
                url=options["source"] if "://" in options["source"] else "",
            )
        except Refused as error:
            raise CommandError(f"--program: {error.sentence}") from error
        self._say(report, problems, dry_run=options["dry_run"])

    def _say(self, report: Report, problems: list[tuple[str, str]], *, dry_run: bool) -> None:
        new = " (new)" if report.is_new else ""
        self.stdout.write(f"Program {report.program.pk}{new}")
        self.stdout.write(f"stations: {_counts(report.stations)}")
        self.stdout.write(f"zones: {_counts(report.zones)}")
        if report.missing_stations:
            self.stdout.write(f"{report.missing_stations} stations are not in the feed any more and are closed.")
        if problems:
            self.stdout.write(f"{len(problems)} items were left out, see above.")
        if dry_run:
            self.stdout.write("Dry run: nothing was written.")


def _counts(written: Written) -> str:
    return f"{written.created} new, {written.changed} changed, {written.unchanged} unchanged, {written.deleted} deleted"


def _pair(text: str) -> tuple[str, str]:
    theirs, separator, ours = text.partition("=")
    ours = name_among(BikeType.values, ours)
    if not separator or ours not in BikeType.values:
        raise CommandError(f"--type must be THEIRS=OURS, where OURS is one of {', '.join(BikeType.values)}.")
    return theirs, ours
