"""manage.py backup FILE: the whole database in one file, by pg_dump."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.postgres_tools import run_tool


class Command(BaseCommand):
    help = "Writes the database to a file, while everything goes on. FIELD_KEY and SECRET_KEY are not in it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="where to write it")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        run_tool("pg_dump", "--format=custom", "--no-owner", f"--file={file}")
        self.stdout.write(f"{file} holds the database. Keep FIELD_KEY and SECRET_KEY somewhere else.")
