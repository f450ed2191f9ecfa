"""manage.py rotate_field_key: writes every encrypted value anew by the first key of FIELD_KEY."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from core.encryption import Sealed, encrypted_columns, keyring, sealed_values, unreadable_values


class Command(BaseCommand):
    help = "Writes every encrypted value anew by the first key of FIELD_KEY; the others are not needed afterwards."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--empty-unreadable", action="store_true", help="empties what none of the keys opens, to be given anew"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        number = emptied = 0
        for model, field in encrypted_columns():
            for pk, _value in sealed_values(model, field):
                with transaction.atomic():
                    row = model._base_manager.select_for_update().filter(pk=pk)
                    sealed = row.values_list(field.attname, flat=True).first()
                    if not sealed:  # it went, or was emptied meanwhile
                        continue
                    try:
                        fresh = keyring().rotate(sealed.encode()).decode()
                    except InvalidToken:
                        if options["empty_unreadable"]:
                            emptied += row.update(**{field.attname: Sealed("")})
                        continue
                    number += row.update(**{field.attname: Sealed(fresh)})
        self.stdout.write(f"{number} values are encrypted by the first key.")
        if emptied:
            self.stdout.write(f"{emptied} that could not be read are empty now; give them anew.")
        if unreadable := unreadable_values():
            raise CommandError(f"None of the keys opens {', '.join(unreadable)}.", returncode=1)
