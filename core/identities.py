"""By what two spellings name the same thing: one rule for tags, cards, codes and boxes, one for phone numbers. Pure.

Readers write the same tag as `E200002C`, `e2:00:00:2c`, `E2-00 00.2C` or `0xE200002C`, and people the same number with
`+` or `00`. What was written is kept and shown; uniqueness, matching and search go by the key. The database has the
same rule (`bikeshare.models.identity`), made of the same expressions.
"""

from __future__ import annotations

import re

from core.text import capitals

_BLANK = " \t\r\n\u00a0\u202f"
# What readers put before a number, and behind one of hexadecimal digits (all lookbehinds are of one width each).
_BEFORE = f"^[{_BLANK}]*([uU][iI][dD]|[rR][fF][iI][dD]|[tT][aA][gG]|[eE][pP][cC]|[nN][fF][cC])[{_BLANK}]*[:=]"
_BEHIND = "((?<=[0-9a-fA-F]{8})|(?<=[0-9a-fA-F]{2}[-:. ][0-9a-fA-F]{2}))[hH]"
# What is left out of a number: words and marks around it, the mark of hexadecimal digits, and what parts them.
SIGNS = f"{_BEFORE}|(^|[,;\\[{_BLANK}])0[xX]|{_BEHIND}[{_BLANK}]*$|[-\\[\\]{_BLANK}:._,;?#]"
# Of a phone number: what says that a country follows, the zero that is not dialled then, and all that is no digit.
PHONE_SIGNS = f"^[{_BLANK}]*(\\+|00)|\\(0\\)|[^0-9]"
_SIGNS, _PHONE_SIGNS = re.compile(SIGNS), re.compile(PHONE_SIGNS)


def identity(text: str) -> str:
    """The key of a tag, a card, a code or a box."""
    return capitals(_SIGNS.sub("", text) or text)


def phone_identity(text: str) -> str:
    return capitals(_PHONE_SIGNS.sub("", text) or text)
