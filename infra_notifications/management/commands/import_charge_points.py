"""manage.py import_charge_points FILE.csv: insert or update by EVSE id, all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from infra_notifications.services.imports import check_file, write_import


class Command(BaseCommand):
    help = "Inserts or updates charge points from a CSV file by EVSE id, all or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="check the file and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            data = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error}") from error
        check = check_file(data)
        for line, sentence in check.errors:
            self.stderr.write(f"line {line}: {sentence}")
        if not check.is_clean:
            hidden = check.error_count - len(check.errors)
            more = f" ({hidden} more not shown)" if hidden else ""
            raise CommandError(f"{check.error_count} errors{more}; nothing was imported.")
        for line, sentence in check.warnings:
            self.stderr.write(f"line {line}: {sentence}")
        total = len(check.rows)
        if options["dry_run"]:
            self.stdout.write(
                f"{total} charge points read: {check.created} new, {total - check.created} known. Nothing written."
            )
            return
        done = write_import(check=check, now=timezone.now())
        self.stdout.write(
            f"{total} charge points: {done.created} new, {done.changed} changed, {done.unchanged} unchanged."
        )
