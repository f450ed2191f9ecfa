"""Database lookups of Magic Search: contains, case and accents folded by `signalbox_fold` (a migration of console).

`fold_contains` folds a plain column; `folded_contains` is for a column that is stored folded, with a trigram index.
There, one or two letters match the beginnings of words, because a trigram index cannot help inside them;
`fold_contains_as_indexed` folds a plain column and finds by that same rule. `fold_is` is the whole text.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from django.db.models import Field, Lookup

from core.sql import array_literal

# Escaped after it was folded, because folding makes wildcards of their full-width forms. A constant to the planner.
_FOLDED = r"replace(replace(replace(signalbox_fold(%s), '\', '\\'), '%%', '\%%'), '_', '\_')"


# What `signalbox_fold` does, written out: the function itself cannot be inlined, because unaccent() is only STABLE, and
# takes four times as long for a million rows; six times as long where the text is plain ASCII.
_FOLD_OF = (
    """CASE WHEN octet_length({0}) = length({0}) THEN lower({0} COLLATE "C")"""
    """ ELSE lower(public.unaccent('public.unaccent'::regdictionary, {0})) END"""
)


class _Folded(Lookup):
    """By `strpos`, of which PostgreSQL expects a third of the rows: better than LIKE's one in two hundred of a text
    without statistics, when that text is also looked for through an index."""

    def folded(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        return _FOLD_OF.format(lhs), (*lhs_params,) * _FOLD_OF.count("{0}")


class FoldContains(_Folded):
    lookup_name = "fold_contains"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        folded, params = self.folded(compiler, connection)
        return f"strpos({folded}, signalbox_fold(%s)) > 0", (*params, composed(self.rhs))


class FoldIs(_Folded):
    """The whole text, with stars for parts of it."""

    lookup_name = "fold_is"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        folded, params = self.folded(compiler, connection)
        if "*" in str(self.rhs):
            return f"{folded} LIKE replace({_FOLDED}, '*', '%%')", (*params, composed(self.rhs))
        return f"{folded} = signalbox_fold(%s)", (*params, composed(self.rhs))


class FoldContainsAsIndexed(_Folded):
    lookup_name = "fold_contains_as_indexed"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        folded, params = self.folded(compiler, connection)
        start, text = _as_indexed(self.rhs)
        return f"strpos(' ' || {folded}, %s || signalbox_fold(%s)) > 0", (*params, start.removeprefix("%"), text)


class FoldedContains(Lookup):
    lookup_name = "folded_contains"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        start, text = _as_indexed(self.rhs)
        return f"{lhs} LIKE %s || {_FOLDED} || '%%'", (*lhs_params, start, text)


def _as_indexed(text: object) -> tuple[str, str]:
    """What a pattern for a trigram index begins with, and its text."""
    text = " ".join(composed(text).split())
    return "% " if len(text) < 3 else "%", text


class AnyOf(Lookup):
    """`pk__any_of=[…]`: thousands of keys as one array, where `__in` writes and parses each of them as a value."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        kind = self.lhs.output_field.rel_db_type(connection)
        return f"{lhs} = ANY(%s::{kind}[])", (*lhs_params, array_literal(self.rhs))


def composed(text: object) -> str:
    """An accent and its letter as one character: older servers fold only that."""
    return unicodedata.normalize("NFC", str(text))


def install() -> None:
    for lookup in (FoldContains, FoldIs, FoldedContains, FoldContainsAsIndexed, AnyOf):
        Field.register_lookup(lookup)
