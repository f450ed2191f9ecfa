"""The keys of `core.identities` in the database: `uid__identity`, `phone_number__phone`, and in unique constraints."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import CharField, Transform

from core.identities import PHONE_SIGNS, SIGNS


def _key(signs: str, column: str) -> str:
    return f"upper(coalesce(nullif(regexp_replace({column}, '{signs}', '', 'g'), ''), {column}))"


class _ByKey(Transform):
    signs: ClassVar[str]

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **more: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = compiler.compile(self.lhs)
        return _key(self.signs, column), (*params, *params)


class ByIdentity(_ByKey):
    lookup_name, signs = "identity", SIGNS


class ByPhone(_ByKey):
    lookup_name, signs = "phone", PHONE_SIGNS


for _key_of in (ByIdentity, ByPhone):
    CharField.register_lookup(_key_of)


def identity_of(column: str) -> str:
    """The key of a column, for statements that are written by hand."""
    return _key(SIGNS, column)
