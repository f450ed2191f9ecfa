"""manage.py create_api_key NAME --scope SCOPE …: prints the key once; only its hash is stored."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.choices import Scope
from core.refusal import Refused
from core.services import create_api_key


class Command(BaseCommand):
    help = "Makes an API key and prints it once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--scope", action="append", nargs="+", default=[], help=", ".join(Scope.values))

    def handle(self, *args: Any, **options: Any) -> None:
        scopes = [scope for group in options["scope"] for word in group for scope in word.split(",")]
        try:
            _key, plain = create_api_key(name=options["name"], scopes=scopes)
        except Refused as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(plain)
