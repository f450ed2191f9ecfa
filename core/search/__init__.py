"""Magic Search: one box, one grammar, for every list and for `?q=` of the API."""

from core.search.facets import (
    ChoiceFacet,
    Facet,
    FlagFacet,
    MembershipFacet,
    NumberFacet,
    SearchContext,
    SearchError,
    TextFacet,
    TimeFacet,
)
from core.search.grammar import Comparison, Query, Span, Term, Word, parse, to_text
from core.search.schema import SearchSchema

__all__ = [
    "ChoiceFacet",
    "Comparison",
    "Facet",
    "FlagFacet",
    "MembershipFacet",
    "NumberFacet",
    "Query",
    "SearchContext",
    "SearchError",
    "SearchSchema",
    "Span",
    "Term",
    "TextFacet",
    "TimeFacet",
    "Word",
    "parse",
    "to_text",
]
