"""The names of OCPP's actions as senders write them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from infra_notifications.rules.actions import ACTIONS

CALL, RESULT, ERROR = "call", "result", "error"
# Behind an action's name: what kind of message it is, or that it is signed (OCPP 2.1).
_SUFFIXES = {
    CALL: ("", "req", "request", "call", "payload", "requestpayload", "signed"),
    RESULT: ("conf", "confirmation", "res", "resp", "response", "result", "responsepayload"),
    ERROR: ("error", "err"),
}
# What stands in front of an action's name in a program's handlers.
_PREFIXES = ("on", "handle", "send", "process", "ocpp", "v16", "v201", "v21")
_BETWEEN_NAMES = re.compile(r"[/:.#|\\>]+")
_NO_LETTER = re.compile(r"[^a-z0-9]")


def fold(text: str) -> str:
    """A name without case, blanks, and signs between its words; full-width letters are letters."""
    return _folded(text) if len(text) <= 64 else _folded.__wrapped__(text)


# Messages repeat their names by the million.
@lru_cache(maxsize=8192)
def _folded(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _NO_LETTER.sub("", text.lower())


_ACTIONS = {
    fold(action) + suffix: (action, kind)
    for kind, suffixes in reversed(_SUFFIXES.items())
    for suffix in suffixes
    for action in ACTIONS
}


def known_action(name: str) -> tuple[str, str] | None:
    """The action that a name means, and what kind of message it is of it; None where it means none.

    Addresses, namespaces and names of handlers end with it: `urn:ocpp:StatusNotification`, `on_status_notification`.
    """
    if found := _ACTIONS.get(fold(name)):
        return found
    parts = [folded for part in _BETWEEN_NAMES.split(name[:200]) if (folded := fold(part))]
    for last in ("".join(parts[-1:]), "".join(parts[-2:])):
        names = (last, *(last.removeprefix(prefix) for prefix in _PREFIXES if last.startswith(prefix)))
        if found := next((_ACTIONS[each] for each in names if each in _ACTIONS), None):
            return found
    return None


def with_message_id(frame: list[Any]) -> list[Any]:
    """A frame of OCPP-J, with None where it has no message id: `[2, "StatusNotification", {…}]`, `[3, {…}]`."""
    second, third = (*frame[1:3], None, None)[:2]
    lacks_id = isinstance(second, dict) and len(frame) == 2
    if isinstance(second, str) and len(frame) < 4 and known_action(second):
        lacks_id = not isinstance(third, str) or third.lstrip()[:1] in ("{", "[")
    return [frame[0], None, *frame[1:]] if lacks_id else frame
