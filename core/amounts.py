"""Amounts of money as people write them: 1.234,56 and 1,234.56 €, 1'234.50, CHF 12.-. Pure."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?")
# A word with the dot behind it (Fr.), and what groups digits or is a sign.
_WORDS, _OTHERS = re.compile(r"[^\W\d_]+\.?"), re.compile(r"[^\d.,+-]")
_NO_CENTS = re.compile(r"[.,]-*$")
# Signs and words that mean one currency alone.
_SIGNS = {"€": "EUR", "£": "GBP"}
_NAMED = {"eur": "EUR", "euro": "EUR", "euros": "EUR"}
_CODE = re.compile(r"\b[A-Z]{3}\b")


def amount_in(text: str) -> str | None:
    """The number that a text writes, with a point; None for none, and for what may be one of two numbers: 1,234 €."""
    spelt = _NO_CENTS.sub("", _OTHERS.sub("", _WORDS.sub("", text)))
    last = max(spelt.rfind("."), spelt.rfind(","))
    head, mark, cents = (spelt[:last], spelt[last], spelt[last + 1 :]) if last >= 0 else (spelt, "", "")
    if mark and mark in head:
        head, mark, cents = spelt, "", ""
    group = next((one for one in ".," if one in head), "")
    if group and not re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(?:\{group}\d{{3}})+", head):
        return None
    if not group and len(cents) == 3 and head.strip("+-") != "0":
        return None
    plain = head.replace(group, "") if group else head
    number = f"{plain}.{cents}" if cents else plain
    return number if _PLAIN.fullmatch(number) else None


def currency_of(text: str) -> str:
    """The currency that a text names beside its number, as three letters; "" where none is certain."""
    signs = [code for sign, code in _SIGNS.items() if sign in text]
    named = [_NAMED[word] for word in re.findall(r"[^\W\d_]+", text.casefold()) if word in _NAMED]
    found = {*signs, *named, *_CODE.findall(text)}
    return found.pop() if len(found) == 1 else ""


def currency_in(text: str) -> str:
    """A currency's three letters. Raises ValueError."""
    code = currency_of(text) or text.strip().upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError("`currency`: three letters of ISO 4217, e.g. EUR")
    return code
