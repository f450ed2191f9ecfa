"""The grammar of Magic Search: every text parses, and what was read is written back as it reads."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.search.grammar import Comparison, Query, Span, Term, Value, Word, parse, term_text, to_text


def one(text: str) -> Term:
    (term,) = parse(text).terms
    return term


def field(name: str, *values: Value, negated: bool = False) -> Term:
    return Term(values, name, negated)


def free(text: str, *, quoted: bool = False, negated: bool = False) -> Term:
    return Term((Word(text, quoted),), None, negated)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("bahnhof", free("bahnhof")),
        ('"köln süd"', free("köln süd", quoted=True)),
        ("-test", free("test", negated=True)),
        ('-"köln süd"', free("köln süd", quoted=True, negated=True)),
        ("--test", free("-test", negated=True)),
        ("-", free("-")),
        ("status:faulted", field("status", Word("faulted"))),
        ("Status:Faulted", field("status", Word("Faulted"))),
        ("status:faulted,unavailable", field("status", Word("faulted"), Word("unavailable"))),
        ("-city:bonn", field("city", Word("bonn"), negated=True)),
        ('group:"Köln Süd"', field("group", Word("Köln Süd", True))),
        ('city:""', field("city", Word("", True))),
        ("power:>=50", field("power", Comparison(">=", "50"))),
        ("power:<=50", field("power", Comparison("<=", "50"))),
        ("seen:<15m", field("seen", Comparison("<", "15m"))),
        ('seen:>"2026-11-01 05:00"', field("seen", Comparison(">", "2026-11-01 05:00"))),
        ("power:11..22", field("power", Span("11", "22"))),
        ("power:..22", field("power", Span("", "22"))),
        ("power:11..", field("power", Span("11", ""))),
        ("at:2026-11-01..2026-11-07", field("at", Span("2026-11-01", "2026-11-07"))),
        ("power:<5,11..22,50", field("power", Comparison("<", "5"), Span("11", "22"), Word("50"))),
        ("evse:DE*ABC*E0001*1", field("evse", Word("DE*ABC*E0001*1"))),
        ("firmware:1.2.3", field("firmware", Word("1.2.3"))),
        ("power:1..2..3", field("power", Word("1..2..3", True))),
        (r'"say \"hi\" \\ there"', free(r'say "hi" \ there', quoted=True)),
        ('"never closed', free("never closed", quoted=True)),
        ("at:12:30", field("at", Word("12:30"))),
        ("https://example.org/a", field("https", Word("//example.org/a"))),
        ("köln:süd", free("köln:süd")),
        ("1:2", free("1:2")),
        (":x", free(":x")),
        ("status:", free("status:")),
        ("a,b", free("a,b")),
    ],
)
def test_it_reads(text: str, term: Term) -> None:
    assert one(text) == term


def test_terms_stand_side_by_side() -> None:
    assert [t.field for t in parse(" a\tcity:b\n-c  \u00a0 d:1..2 ").terms] == [None, "city", None, "d"]


@pytest.mark.parametrize("text", ["", " ", "\t\n\u2003", '""', '" "', '-""'])
def test_nothing_is_no_term(text: str) -> None:
    assert parse(text) == Query()


@settings(max_examples=400)
@example('a:"b"c,.. x')
@given(st.text() | st.text(alphabet='ab1:",.<>=-\\ \t%_ä\x00\x1f'))
def test_what_was_written_back_reads_the_same(text: str) -> None:
    query = parse(text)
    written = to_text(query)
    assert parse(written) == query
    assert to_text(parse(written)) == written


TEXTS = st.text(max_size=8) | st.sampled_from(
    ["", "-", "..", ".", '"', "\\", ",", "<", "a b", ">=", "x:y", "a..b", "."]
)
VALUES: st.SearchStrategy[Word | Comparison | Span] = st.builds(Word, TEXTS, st.just(True)) | st.builds(
    Comparison, st.sampled_from(["<", "<=", ">", ">="]), TEXTS
)
VALUES = VALUES | st.builds(Span, TEXTS, TEXTS)


@settings(max_examples=400)
@example([Comparison("<", "=5")], False)
@given(st.lists(VALUES, min_size=1, max_size=4), st.booleans())
def test_every_term_can_be_written(values: list[Value], negated: bool) -> None:
    term = Term(tuple(values), "field", negated)
    assert one(term_text(term)) == term


@given(st.text(max_size=20), st.booleans())
def test_every_phrase_can_be_written(text: str, negated: bool) -> None:
    term = free(text, quoted=True, negated=negated)
    assert parse(term_text(term)).terms == ((term,) if text.strip() else ())


@given(st.lists(st.text(alphabet='abc:-",. ', min_size=1, max_size=6), max_size=5))
def test_texts_side_by_side_read_like_each_alone(texts: list[str]) -> None:
    closed = [text for text in texts if text.count('"') == 0]
    together = parse(" ".join(closed)).terms
    assert together == tuple(term for text in closed for term in parse(text).terms)


def test_a_long_text_is_read_in_no_time() -> None:
    for text in ('"' * 10_000, "a:" + "," * 9_998, "\\" * 10_000, "-" * 10_000, "a:" * 5_000, '"\\' * 5_000):
        assert parse(to_text(parse(text))) == parse(text)
