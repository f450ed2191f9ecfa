"""Database lookups of Magic Search: contains, case and accents folded by `signalbox_fold` (a migration of console).

`fold_contains` folds a plain column; `folded_contains` is for a column that is stored folded, with a trigram index.
There, one or two letters match the beginnings of words, because a trigram index cannot help inside them.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from django.db.models import Field, Lookup

from console.bulk import array_literal

# Escaped after it was folded, because folding makes wildcards of their full-width forms. A constant to the planner.
_FOLDED = r"replace(replace(replace(signalbox_fold(%s), '\', '\\'), '%%', '\%%'), '_', '\_')"


class FoldContains(Lookup):
    lookup_name = "fold_contains"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        return f"signalbox_fold({lhs}) LIKE '%%' || {_FOLDED} || '%%'", (*lhs_params, _composed(self.rhs))


class FoldedContains(Lookup):
    lookup_name = "folded_contains"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        text = " ".join(_composed(self.rhs).split())
        start = "% " if len(text) < 3 else "%"
        return f"{lhs} LIKE %s || {_FOLDED} || '%%'", (*lhs_params, start, text)


class AnyOf(Lookup):
    """`pk__any_of=[…]`: thousands of keys as one array, where `__in` writes and parses each of them as a value."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        kind = self.lhs.output_field.rel_db_type(connection)
        return f"{lhs} = ANY(%s::{kind}[])", (*lhs_params, array_literal(self.rhs))


def _composed(text: object) -> str:
    """An accent and its letter as one character: older servers fold only that."""
    return unicodedata.normalize("NFC", str(text))


def install() -> None:
    for lookup in (FoldContains, FoldedContains, AnyOf):
        Field.register_lookup(lookup)
