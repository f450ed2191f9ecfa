"""manage.py load_demo: tables, users, an API key and demo data, for `make demo` alone."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor

from core.demo import load_demo_data, make_key, make_logins


class Command(BaseCommand):
    help = "Makes the demo's tables, users, key and data; refuses outside the demo."
    requires_system_checks = []  # a second start is quick

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--logins", default="{}", help="JSON: user name → password")
        parser.add_argument("--api-key", default="", help="the key of the last start")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is not the demo (DEMO is not set).")
        executor = MigrationExecutor(connection)
        try:
            executor.loader.check_consistent_history(connection)
        except InconsistentMigrationHistory as error:
            sentence = "Its database was made by other migrations than there are now. `make clean` deletes it."
            raise CommandError(sentence) from error
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", interactive=False, verbosity=0)
        make_logins(json.loads(options["logins"]))
        key = make_key(options["api_key"])
        load_demo_data()
        self.stdout.write(json.dumps({"api_key": key}))
