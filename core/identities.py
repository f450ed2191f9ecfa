"""By what two spellings name the same thing: one rule for tags, cards, codes and boxes, one for phone numbers. Pure.

Readers write the same tag as `E200002C`, `e2:00:00:2c`, `E2-00 00.2C` or `0xE200002C`, and people the same number with
`+` or `00`. What was written is kept and shown; uniqueness, matching and search go by the key. The database has the
same rule (`bikeshare.models.identity`), made of the same expressions.
"""

from __future__ import annotations

import re

from core.text import capitals

_BLANK = " \t\u00a0\u202f"
# What is left out of a number: the mark of hexadecimal digits, and what parts them.
SIGNS = f"^[{_BLANK}]*0[xX]|[-{_BLANK}:._]"
# Of a phone number: what says that a country follows, the zero that is not dialled then, and all that is no digit.
PHONE_SIGNS = f"^[{_BLANK}]*(\\+|00)|\\(0\\)|[^0-9]"
_SIGNS, _PHONE_SIGNS = re.compile(SIGNS), re.compile(PHONE_SIGNS)


def identity(text: str) -> str:
    """The key of a tag, a card, a code or a box."""
    return capitals(_SIGNS.sub("", text) or text)


def phone_identity(text: str) -> str:
    return capitals(_PHONE_SIGNS.sub("", text) or text)
