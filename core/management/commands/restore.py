"""manage.py restore FILE: what `backup` wrote, into an empty database; it sends nothing until it is released."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from core import hold
from core.postgres_tools import run_tool


class Command(BaseCommand):
    help = "Reads a backup into the empty database of DATABASE_URL, and holds it: nothing is sent from it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="what `backup` wrote")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        if tables := connection.introspection.table_names():
            raise CommandError(f"The database is not empty: it has {len(tables)} tables. Make a new one for the copy.")
        run_tool("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", file, is_read=True)
        hold.hold(now=timezone.now())
        self.stdout.write(
            "Restored. Nothing is sent from here: look at it, and when it is to take the place of the installation,"
            " stop that one and run “manage.py release”."
        )
