"""What one list can be searched by: its free-text column and its facets; turns a query into a condition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_, or_

from django.db.models import Q
from django.utils.timezone import get_current_timezone, now
from django.utils.translation import gettext as _

from core.people import sees_people, without_hidden_ids
from core.search.facets import Facet, SearchContext, SearchError, nearest
from core.search.grammar import MAX_LENGTH, MAX_TERMS, MAX_VALUES, Query, Term, Word, parse, to_text
from core.search.predicate import Predicate, predicate
from core.text import clean_text


def folded_text(column: str) -> Callable[[str], Q]:
    """Free text on one folded, trigram-indexed column (`core.search.lookups`)."""
    return lambda text: Q(**{f"{column}__folded_contains": text})


def any_text(*paths: str, personal: Sequence[str] = (), ids: Sequence[str] = ()) -> Callable[[str], Q]:
    """Free text on any of a few columns, for lists small enough to need no index of their own; on the `personal` ones
    for those who may see people, on `ids` by what is shown of them."""

    def condition(text: str) -> Q:
        searched = {path: Q(**{f"{path}__fold_contains": text}) for path in (*paths, *ids, *personal)}
        if not sees_people():
            searched = {path: found for path, found in searched.items() if path not in personal}
            searched |= {path: without_hidden_ids(path, searched[path]) for path in ids}
        return reduce(or_, searched.values())

    return condition


@dataclass(frozen=True)
class SearchSchema:
    """Declared once per list, used by its page, its API and its wizard step.

    Who may not see people does not search by facets that are personal, nor by the personal part of the free text.
    """

    free_text: Callable[[str], Q]
    all_facets: tuple[Facet, ...] = ()
    # Whether a field may be a path: `charge_point.city:paris`.
    dotted: bool = False

    @property
    def facets(self) -> tuple[Facet, ...]:
        return self.all_facets if sees_people() else tuple(facet for facet in self.all_facets if not facet.personal)

    def facet(self, name: str) -> Facet | None:
        return next((f for f in self.facets if name == f.name or name in f.aliases), None)

    def names(self) -> Iterator[str]:
        for facet in self.facets:
            yield facet.name
            yield from facet.aliases

    def parse(self, text: str) -> Query:
        """Raises SearchError for a text that is too long or names an unknown field."""
        if len(text) > MAX_LENGTH:
            raise SearchError(_("The search is too long: at most %(n)d characters.") % {"n": MAX_LENGTH})
        query = parse(clean_text(text), dotted=self.dotted)
        if len(query.terms) > MAX_TERMS:
            raise SearchError(_("The search has too many terms: at most %(n)d.") % {"n": MAX_TERMS})
        if sum(len(term.values) for term in query.terms) > MAX_VALUES:
            raise SearchError(_("The search has too many values: at most %(n)d.") % {"n": MAX_VALUES})
        for term in query.terms:
            if term.field is not None and self.facet(term.field) is None:
                raise self._unknown(term.field)
            self._refuse_without_value(term)
        return query

    def _refuse_without_value(self, term: Term) -> None:
        """A known field with nothing behind its colon was begun and not finished; it is no text to look for."""
        word = term.values[0]
        if term.field is not None or not isinstance(word, Word) or word.quoted or not word.text.endswith(":"):
            return
        name = word.text[:-1].lower()
        facet = self.facet(name)
        if facet is not None and name in self.names():
            example = next(iter(facet.examples()), f"{facet.name}:…")
            raise SearchError(
                _("“%(typed)s” needs a value, e.g. %(example)s") % {"typed": word.text, "example": example}
            )

    def _unknown(self, name: str) -> SearchError:
        near = nearest(name, self.names())
        sentence = _("There is no field “%(name)s” to search by.") % {"name": name}
        if near:
            sentence += " " + _("Did you mean “%(near)s”?") % {"near": near}
        else:
            sentence += " " + _("Put the text in quotes to search for it as it stands.")
        return SearchError(sentence, suggestion=near)

    def condition(self, text: str, context: SearchContext | None = None) -> Q:
        """The condition of a whole query; an empty one is no condition. Raises SearchError."""
        context = context or SearchContext(now(), get_current_timezone())
        condition = Q()
        # A word said twice would be taken for twice as rare by PostgreSQL.
        for term in dict.fromkeys(self.parse(clean_text(text)).terms):
            condition &= self.term_condition(term, context)
        return condition

    def predicate(self, text: str) -> Predicate:
        """The same condition, asked in Python of one row. Raises SearchError; TypeError for what only SQL can ask."""
        return predicate(self.condition(text))

    def term_condition(self, term: Term, context: SearchContext) -> Q:
        if term.field is None:
            word = term.values[0]
            condition = self.free_text(word.text if isinstance(word, Word) else "")
            return ~condition if term.negated else condition
        facet = self.facet(term.field)
        if facet is None:
            raise self._unknown(term.field)
        if facet.identifies and not sees_people():
            found = reduce(or_, (facet.condition(value, context) for value in term.values))
            found = without_hidden_ids(facet.path, found)
            return ~found if term.negated else found
        if term.negated:
            return reduce(and_, (facet.negated(value, context) for value in term.values))
        return reduce(or_, (facet.condition(value, context) for value in term.values))

    def without(self, query: Query, term: Term) -> str:
        """The query's text without one term: what a chip's X leads to."""
        return to_text(replace(query, terms=tuple(t for t in query.terms if t is not term)))
