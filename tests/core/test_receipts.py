"""Digests of content: equal for equal content in every spelling, and the quick one agrees with the thorough one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.receipts import Receipt, digest_of_content, digest_of_json, scope_of

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def respelt(value: Any) -> Any:
    """The same content with its keys turned round and whole numbers as floats, where they are exact."""
    if isinstance(value, dict):
        return {key: respelt(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [respelt(each) for each in value]
    is_exact = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return float(value) if is_exact else value


@given(JSON)
def test_the_quick_digest_is_the_thorough_one(value: Any) -> None:
    assert digest_of_json([value]) == digest_of_content([value])


@given(JSON)
def test_content_is_the_same_in_another_spelling(value: Any) -> None:
    assert digest_of_json([value]) == digest_of_json([respelt(value)])


@given(JSON, JSON)
def test_other_content_has_another_digest(one: Any, other: Any) -> None:
    same = digest_of_json([one]) == digest_of_json([other])
    assert same == (typed(one) == typed(other))


def typed(value: Any) -> Any:
    """The value with true and 1 apart, which Python takes for equal, and lists apart from objects."""
    if isinstance(value, dict):
        return {key: typed(each) for key, each in value.items()}
    return [typed(each) for each in value] if isinstance(value, list) else (isinstance(value, bool), value)


class Thing(msgspec.Struct):
    at: datetime
    amount: Decimal
    left_out: str | msgspec.UnsetType = msgspec.UNSET


def test_moments_and_amounts_count_by_their_value() -> None:
    berlin = NOW.astimezone(tz=None)
    assert digest_of_content(Thing(NOW, Decimal("1.50"))) == digest_of_content(Thing(berlin, Decimal("1.5")))
    assert digest_of_content(Thing(NOW, Decimal("1.50"))) != digest_of_content(Thing(NOW, Decimal("1.51")))


def test_what_is_nested_too_deeply_has_a_digest_too() -> None:
    deep: Any = []
    for _level in range(900):
        deep = [deep]
    assert digest_of_content(deep) == digest_of_content(deep)


@pytest.mark.parametrize("other", [(2, "e", "s", "i"), (1, "f", "s", "i"), (1, "e", "t", "i"), (1, "e", "s", "j")])
def test_a_scope_is_of_all_its_parts(other: tuple[int, str, str, str]) -> None:
    assert scope_of(1, "e", "s", "i") != scope_of(*other)
    assert scope_of(1, "e", "s", "i") != scope_of(1, "e", "s", "i", "digest")


@pytest.mark.parametrize(("hours", "repeats"), [(0, True), (1, True), (-1, True), (1.01, False), (-1.01, False)])
def test_a_repetition_counts_as_one_for_its_time_before_and_after(hours: float, repeats: bool) -> None:
    def said(at: datetime) -> Receipt:
        return Receipt("s", "d", at, at + timedelta(hours=1))

    assert said(NOW).is_repeated_by(said(NOW + timedelta(hours=hours))) == repeats
    assert said(NOW).is_repeated_by(Receipt("s", "d", NOW + timedelta(days=9)))
