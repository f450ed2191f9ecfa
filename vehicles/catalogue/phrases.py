"""The words beside those of the notifications (`words/phrases.toml`): units, reasons, the frames of mails."""

from __future__ import annotations

import tomllib
from pathlib import Path

_PATH = Path(__file__).with_name("words") / "phrases.toml"
PHRASES: dict[str, dict[str, str]] = tomllib.loads(_PATH.read_text(encoding="utf-8"))
