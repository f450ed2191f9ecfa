"""Database lookups of Magic Search: contains, case and accents folded by `signalbox_fold` (a migration of console).

`fold_contains` folds a plain column; `folded_contains` is for a column that is stored folded, with a trigram index.
There, one or two letters match the beginnings of words, because a trigram index cannot help inside them.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Field, Lookup

_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


class FoldContains(Lookup):
    lookup_name = "fold_contains"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        pattern = str(self.rhs).translate(_ESCAPES)
        return f"signalbox_fold({lhs}) LIKE '%%' || signalbox_fold(%s) || '%%'", (*lhs_params, pattern)


class FoldedContains(Lookup):
    lookup_name = "folded_contains"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        text = " ".join(str(self.rhs).split())
        start = "% " if len(text) < 3 else "%"
        return f"{lhs} LIKE %s || signalbox_fold(%s) || '%%'", (*lhs_params, start, text.translate(_ESCAPES))


def install() -> None:
    for lookup in (FoldContains, FoldedContains):
        Field.register_lookup(lookup)
