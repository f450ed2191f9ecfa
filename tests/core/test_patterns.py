"""No pattern that reads what strangers send takes time out of proportion to its length.

Every regular expression of the application is found, by import and in the source, and fed the shapes that make it try
and try again: what it repeats, many times, and then what it does not expect.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from infra_notifications.rules.vocabulary import MAX_TEXT

APPS = ("config", "console", "core", "outbox", "infra_notifications", "vehicles", "fleet_remotes", "bikeshare")
KIB = 1024
# A pattern that is done with 16 KiB in this time needs no second look: a square that is slow at 64 KiB shows here.
QUICK_S = 0.012
# Twice the length may take so much longer; a square would take four times as long.
FACTOR = 2.8
GIVEN_UP_S = 0.5
PIECES = (
    *("a", "A", "1", " ", "\n", ",", ";", '"', "\\", "<", "@", ":", "-", ".", "=", "%40", "://"),
    *("a1", "aA", "a ", 'a"', "a,", '"\\'),
)
END = "\x01"
# What reads texts of devices, which are cut to MAX_TEXT before (`rules.vocabulary.text`), may take longer for others.
SHORT = {"infra_notifications.rules.wording": 2 * MAX_TEXT, "infra_notifications.rules.lettering": 2 * MAX_TEXT}


def modules() -> Iterator[Any]:
    for app in APPS:
        package = importlib.import_module(app)
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{app}."):
            # What begins a process when it is imported is read alone.
            if not found.name.endswith(("__main__", "wsgi", "asgi")) and ".migrations" not in found.name:
                yield importlib.import_module(found.name)


def patterns_in(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | set | frozenset) and depth < 4 and len(value) < 500:
        for inner in value:
            yield from patterns_in(inner, depth + 1)
    elif isinstance(value, dict) and depth < 4 and len(value) < 500:
        yield from patterns_in(list(value.values()), depth + 1)


@dataclass(frozen=True)
class Use:
    """A pattern, and by which methods it is used."""

    pattern: re.Pattern[Any]
    methods: frozenset[str]


_EVERY = frozenset(("finditer", "fullmatch"))


def literals_in(source: str) -> Iterator[Use]:
    """What is passed to `re` where it is used: `re.sub(r"…", …)`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(ast.Attribute(ast.Name("re"), method), [ast.Constant(str() | bytes() as given), *_]):
                if method not in ("compile", "escape"):
                    yield Use(re.compile(given), frozenset((method,)))


@cache
def all_uses() -> dict[str, Use]:
    found: dict[str, Use] = {}
    for module in modules():
        source = Path(module.__file__).read_text()
        for name, value in vars(module).items():
            if not (patterns := list(patterns_in(value))):
                continue
            methods = frozenset(re.findall(rf"\b{name}\.(\w+)\(", source)) & {"match", "fullmatch"}
            others = re.findall(rf"\b{name}\b(?!\.(?:match|fullmatch)\(| = )", source)
            for number, pattern in enumerate(patterns):
                use = Use(pattern, _EVERY if others or not methods else methods)
                found.setdefault(f"{module.__name__}.{name}" + f"[{number}]" * bool(number), use)
        for number, use in enumerate(literals_in(source)):
            found[f"{module.__name__}:{number}"] = use
    unique = {use: name for name, use in reversed(found.items())}
    return {name: use for use, name in unique.items()}


# ---- the shapes -----------------------------------------------------------------------------------------------------

_OF_CATEGORY = {"SPACE": " ", "DIGIT": "1", "WORD": "a", "NOT_SPACE": "a", "NOT_DIGIT": "a", "NOT_WORD": "-"}


def sample(nodes: Any, choice: int = 0) -> str:
    """A short text that these parsed nodes match, by one of their alternatives."""
    text = ""
    for kind, value in nodes:
        match str(kind):
            case "LITERAL":
                text += chr(value)
            case "NOT_LITERAL":
                text += "a" if value != ord("a") else "b"
            case "ANY":
                text += "a"
            case "IN":
                text += _one_of(value, choice)
            case "BRANCH":
                text += sample(value[1][choice % len(value[1])], choice)
            case "SUBPATTERN":
                text += sample(value[3], choice)
            case "ATOMIC_GROUP":
                text += sample(value, choice)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                text += sample(value[2], choice) * min(max(value[0], 1), 8)
    return text


def _one_of(members: Any, choice: int) -> str:
    if str(members[0][0]) == "NEGATE":
        refused = {chr(value) for kind, value in members[1:] if str(kind) == "LITERAL"}
        letters = [letter for letter in "a1 -\n" if letter not in refused]
        return letters[choice % len(letters)]
    kind, value = members[choice % len(members)]
    if str(kind) == "RANGE":
        return chr(value[0])
    return chr(value) if str(kind) == "LITERAL" else _OF_CATEGORY[str(value).removeprefix("CATEGORY_")]


def repeats_in(nodes: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Everything that may stand often, with a text that leads up to it."""
    for node in nodes:
        kind, value = node
        inner: list[Any] = []
        if str(kind).endswith("_REPEAT"):
            if value[1] > 8:
                yield before, value[2]
            inner = [value[2]]
        elif str(kind) == "SUBPATTERN":
            inner = [value[3]]
        elif str(kind) == "ATOMIC_GROUP":
            inner = [value]
        elif str(kind) == "BRANCH":
            inner = list(value[1])
        elif str(kind).startswith("ASSERT"):
            inner = [value[1]]
        for part in inner:
            yield from repeats_in(part, before)
        before += sample([node])


def shapes_for(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    """Beginnings, and what follows them often."""
    parsed = re._parser.parse(
        pattern.pattern, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    )
    own = {
        shape
        for (before, body), choice in product(list(repeats_in(parsed))[:40], range(3))
        for once in (sample(body, choice),)
        for shape in ((before, once), ("", before + once), ("", once))
    }
    own |= {("", sample(parsed, choice)) for choice in range(3)}
    return sorted({(before, often) for before, often in own if often} | {("", piece) for piece in PIECES})


def seconds(use: Use, text: str, tries: int = 1) -> float:
    given: Any = text.encode("latin-1", "replace") if isinstance(use.pattern.pattern, bytes) else text
    best = GIVEN_UP_S
    signal.setitimer(signal.ITIMER_VIRTUAL, GIVEN_UP_S)
    with suppress(_TooLong):
        for _try in range(tries):
            began = time.process_time()
            for method in use.methods:
                if method in ("match", "fullmatch"):
                    getattr(use.pattern, method)(given)
                else:
                    deque(use.pattern.finditer(given), maxlen=0)
            best = min(best, time.process_time() - began)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return best


class _TooLong(Exception):
    pass


@pytest.fixture(autouse=True)
def _given_up() -> Iterator[None]:
    """Python's patterns let themselves be interrupted, so that one which would take years fails like the others."""

    def give_up(_signal: int, _frame: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGVTALRM, give_up)
    yield
    signal.signal(signal.SIGVTALRM, before)


def slow_shape(use: Use, longest: int = 64 * KIB, quick_s: float = QUICK_S) -> str:
    """The shape for which the time grows faster than the text; empty where there is none."""
    for before, often in shapes_for(use.pattern):

        def took(size: int, tries: int, before: str = before, often: str = often) -> float:
            return seconds(use, before + often * (size // len(often)) + END, tries)

        if took(longest // 4, 1) < quick_s or took(longest // 4, 3) < quick_s:
            continue
        last = took(longest // 4, 2)
        if longest < 64 * KIB or last >= GIVEN_UP_S or last > FACTOR * took(longest // 8, 3):
            return f"{before!r}, then {often!r} often: {longest // 4} characters take {last:.3f} s"
    return ""


def test_no_pattern_takes_long_for_what_it_repeats() -> None:
    lengths = {
        name: next((length for module, length in SHORT.items() if name.startswith(module)), 16 * KIB)
        for name in all_uses()
    }
    assert {name: slow for name, use in all_uses().items() if (slow := slow_shape(use, 4 * lengths[name]))} == {}


def test_patterns_are_found_wherever_they_stand() -> None:
    assert len(all_uses()) > 120
    assert {"core.text.SLUG", "core.logs._HIDDEN", "core.search.caret._FIELD"} <= all_uses().keys()


@pytest.mark.parametrize(
    "pattern", [r"(a+)+b", r"\s*,\s*", r"[\w.]+@", r'(?:"[^"]*"|[^<"])*<', r"(?:\w+,?)+;", r"x*x*y", r"(?=\S*\d)\S{6}"]
)
def test_a_pattern_that_takes_long_is_seen(pattern: str) -> None:
    use = Use(re.compile(pattern), _EVERY)
    assert any(slow_shape(use, 8 * KIB, quick_s=0.0002) for _attempt in range(3))
