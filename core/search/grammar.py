"""The grammar of Magic Search: text → terms → text. Pure; it knows no field, no database and no locale.

    query  = term*                              separated by white space, ANDed
    term   = ["-"] ( field ":" values | atom )
    values = value ("," value)*                 any of them
    value  = ("<" | "<=" | ">" | ">=") atom | atom ".." [atom] | ".." atom | atom
    atom   = phrase | bare
    phrase = '"' ( any character, with \\" and \\\\ escaped )* '"'     an unclosed one ends with the text
    field  = letter (letter | digit | "_")*             with dots between them where paths may be named
    bare   = any characters up to white space; after a field also up to a comma or ".."

Every text parses: what is no field is free text, so that typing half a term never is an error here. Whether a field
exists and takes a value is decided by the schema. `parse(to_text(q)) == q` holds for every query (tested).
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_LENGTH = 10_000
MAX_TERMS = 100
MAX_VALUES = 500
OPERATORS = ("<=", ">=", "<", ">")


@dataclass(frozen=True)
class Word:
    """A text; quoted ones match as a phrase and may be empty."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Comparison:
    operator: str
    text: str


@dataclass(frozen=True)
class Span:
    """From low to high, both included; an empty side is open."""

    low: str
    high: str


Value = Word | Comparison | Span


@dataclass(frozen=True)
class Term:
    """One condition; `field` is None for free text, whose only value is a Word."""

    values: tuple[Value, ...]
    field: str | None = None
    negated: bool = False


@dataclass(frozen=True)
class Query:
    terms: tuple[Term, ...] = ()


class Reader:
    """Reads a query from its beginning: `at` is the place of the character that is read next."""

    def __init__(self, text: str, *, dotted: bool = False) -> None:
        self.text, self.at = text, 0
        self.marks = "_." if dotted else "_"

    def peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.text[place] if place < len(self.text) else ""

    def skip_space(self) -> None:
        while self.peek().isspace():
            self.at += 1

    def phrase(self) -> str:
        self.at += 1
        out = []
        while char := self.peek():
            self.at += 1
            if char == '"':
                break
            if char == "\\" and self.peek() in ('"', "\\"):
                char = self.peek()
                self.at += 1
            out.append(char)
        return "".join(out)

    def bare(self, *, in_field: bool) -> str:
        start = self.at
        while (char := self.peek()) and not char.isspace():
            if in_field and (char == "," or (char == "." and self.peek(1) == ".")):
                break
            self.at += 1
        return self.text[start : self.at]

    def atom(self) -> tuple[str, bool]:
        return (self.phrase(), True) if self.peek() == '"' else (self.bare(in_field=True), False)

    def field(self) -> str | None:
        """The field name before a colon that has a value behind it, or None and nothing read."""
        end = self.at
        while end < len(self.text) and (
            self.text[end].isascii() and (self.text[end].isalnum() or self.text[end] in self.marks)
        ):
            end += 1
        name = self.text[self.at : end]
        follows = self.text[end + 1 : end + 2]
        if not name or not name[0].isalpha() or self.text[end : end + 1] != ":" or not follows or follows.isspace():
            return None
        self.at = end + 1
        return name.lower()

    def value(self) -> Value:
        for operator in OPERATORS:
            if self.text.startswith(operator, self.at):
                self.at += len(operator)
                return Comparison(operator, self.atom()[0])
        text, quoted = self.atom()
        if self.text.startswith("..", self.at):
            self.at += 2
            return Span(text, self.atom()[0])
        return Word(text, quoted)

    def term(self) -> Term | None:
        negated = self.peek() == "-" and bool(self.peek(1)) and not self.peek(1).isspace()
        self.at += negated
        if name := self.field():
            values = [self.value()]
            while self.peek() == ",":
                self.at += 1
                values.append(self.value())
            if self.peek() and not self.peek().isspace():  # `power:1..2..3`: the rest belongs to the last value
                text = _raw(values[-1]) + self.bare(in_field=False)
                values[-1] = Word(text, quoted=not _is_plain(text))
            filled = tuple(v for v in values if v != Word(""))
            return Term(filled, name, negated) if filled else None
        if self.peek() == '"':
            text = self.phrase()
            return Term((Word(text, True),), None, negated) if text.strip() else None
        return Term((Word(self.bare(in_field=False)),), None, negated)


def _raw(value: Value) -> str:
    match value:
        case Word(text):
            return text
        case Comparison(operator, text):
            return operator + text
        case Span(low, high):
            return f"{low}..{high}"


def read_value(text: str) -> Value:
    """One value, as it stands behind a field; what is left over belongs to it."""
    reader = Reader(text)
    value = reader.value()
    return value if reader.at == len(text) else Word(text, quoted=not _is_plain(text))


def parse(text: str, *, dotted: bool = False) -> Query:
    """Reads a query; what lies beyond 10,000 characters, 100 terms or 500 values is refused by the schema, not here.

    With `dotted`, a field may be a path: `charge_point.city:paris`.
    """
    reader, terms = Reader(text, dotted=dotted), []
    reader.skip_space()
    while reader.peek():
        term = reader.term()
        if term is not None:
            terms.append(term)
        reader.skip_space()
    return Query(tuple(terms))


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_plain(text: str) -> bool:
    """Whether an atom reads back as itself without quotes."""
    return (
        bool(text)
        and text[0] not in '"<>'
        and "," not in text
        and ".." not in text
        and not any(c.isspace() for c in text)
    )


def _bound(text: str) -> str:
    """One side of a span, where a dot at the border would run into the two dots."""
    return text if _is_plain(text) and text[0] != "." and text[-1] != "." else _quote(text)


def value_text(value: Value) -> str:
    """A value as one would type it behind a field."""
    match value:
        case Comparison(operator, text):
            # "<" before "=5" would read as "<=" before "5".
            return operator + (text if _is_plain(text) and text[0] != "=" else _quote(text))
        case Span(low, high):
            return f"{_bound(low) if low else ''}..{_bound(high) if high else ''}"
        case Word(text, quoted):
            return _quote(text) if quoted or not _is_plain(text) else text


def term_text(term: Term) -> str:
    """A term as one would type it."""
    sign = "-" if term.negated else ""
    if term.field is not None:
        return f"{sign}{term.field}:" + ",".join(value_text(v) for v in term.values)
    word = term.values[0]
    text = word.text if isinstance(word, Word) else _raw(word)
    quoted = isinstance(word, Word) and word.quoted
    reads_back = not quoted and parse(sign + text) == Query((term,))
    return sign + (text if reads_back else _quote(text))


def to_text(query: Query) -> str:
    """The query as one would type it."""
    return " ".join(term_text(term) for term in query.terms)
