"""Finds charge points by their EVSE ids, in any spelling; and the field of Magic Search that does.

What is asked for is given by its `identity_key`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Upper

from core.search import SearchContext, TextFacet
from core.search.grammar import Value, Word
from core.sql import array_literal
from core.text import identity_key
from infra_notifications.choices import EVSE_SEPARATORS
from infra_notifications.models import ChargePoint
from infra_notifications.rules.evse_ids import letters_of, meant_by


def ids_by_evse(evse_ids: Iterable[str]) -> dict[str, int]:
    """Charge points by the keys of their EVSE ids, spelt as they are asked for; unknown ones are left out."""
    keys = set(evse_ids)
    found = ids_by_key(keys)
    if spelt := spelt_otherwise(keys - found.keys()):
        named = ids_by_key(spelt.values())
        found |= {key: named[name] for key, name in spelt.items() if name in named}
    return found


def id_in_address(text: str) -> int | None:
    """The charge point of an EVSE id in an address, which may be escaped once more than it needs."""
    names = dict.fromkeys(identity_key(name) for name in (text, unquote(text)))
    found = ids_by_evse(names)
    return next((found[name] for name in names if name in found), None)


def ids_by_key(keys: Collection[str]) -> dict[str, int]:
    """Charge points by the keys of their EVSE ids as they are stored."""
    found = ChargePoint.objects.annotate(key=Upper("evse_id")).filter(key__in=list(keys))
    return dict(found.values_list("key", "pk"))


_LETTERS = f"translate(upper(evse_id), '{EVSE_SEPARATORS}', '')"
_BY_LETTERS = (
    f"SELECT {_LETTERS}, array_agg(upper(evse_id)) FROM infra_notifications_chargepoint"  # noqa: S608 - our own text
    f" WHERE {_LETTERS} = ANY(%s::text[]) GROUP BY 1"
)


def spelt_otherwise(missing: Iterable[str], *, strictly: bool = False) -> dict[str, str]:
    """For keys that are no charge point's: the key of the one that each means in another spelling, where there is one.

    `strictly` as in `meant_by`. One statement, and none where no key is an EVSE id of eMI3.
    """
    letters = {key: found for key in missing if (found := letters_of(key))}
    if not letters:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_BY_LETTERS, [array_literal(set(letters.values()))])
        known = dict(cursor.fetchall())
    meant = {key: meant_by(key, known.get(found, ()), strictly=strictly) for key, found in letters.items()}
    return {key: name for key, name in meant.items() if name}


def _spelt_otherwise(text: str) -> int | None:
    """The charge point that a whole EVSE id means where it is spelt with other separators than the stored one."""
    key = identity_key(text)
    name = spelt_otherwise([key]).get(key, key)
    return ids_by_key([name]).get(name) if name != text.strip().upper() else None


def or_spelt_otherwise(free_text: Callable[[str], Q], point: str) -> Callable[[str], Q]:
    """Free text, or the charge point that it names in another spelling, by its field `point`."""

    def condition(text: str) -> Q:
        named = _spelt_otherwise(text)
        return Q(**{point: named}) if named is not None else free_text(text)

    return condition


@dataclass(frozen=True)
class EvseFacet(TextFacet):
    """An EVSE id or a part of it; a whole one is found in every spelling. `point` is the path to the charge point."""

    point: str = "pk"

    def condition(self, value: Value, context: SearchContext) -> Q:
        named = _spelt_otherwise(value.text) if isinstance(value, Word) else None
        return Q(**{self.point: named}) if named is not None else super().condition(value, context)

    def negated(self, value: Value, context: SearchContext) -> Q:
        named = _spelt_otherwise(value.text) if isinstance(value, Word) else None
        return ~Q(**{self.point: named}) if named is not None else super().negated(value, context)
