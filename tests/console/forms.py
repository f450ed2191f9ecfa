"""The forms of a page, as a browser would send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_SENT_BY_CLICK = ("submit", "button", "image", "reset", "file")
_TYPED = ("text", "number", "email", "url", "textarea")
# What people change by typing or choosing.
_CHANGED = (*_TYPED, "date", "time", "datetime-local", "checkbox", "radio", "select")


@dataclass
class Form:
    """Where it is sent to, what it would send, which of it people see with a value in it, and which are typed."""

    path: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    shows: list[str] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)

    def put(self, kind: str, name: str, value: str) -> None:
        if name:
            self.values.setdefault(name, []).append(value)
            if kind in _CHANGED and value:
                self.shows.append(name)
            if kind in _TYPED and value:
                self.typed.append(name)


class _Reader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path, self.forms, self.by_id = path, list[Form](), dict[str, Form]()
        self.loose: list[tuple[str, str, str, str]] = []
        self.form: Form | None = None
        self.name = self.text = self.owner = ""

    def _put(self, kind: str, name: str, value: str, owner: str) -> None:
        if owner:
            self.loose.append((owner, kind, name, value))
        elif self.form is not None:
            self.form.put(kind, name, value)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a: dict[str, Any] = {name: value if value is not None else "" for name, value in attrs}
        owner = a.get("form", "")
        if tag == "form":
            self.form = Form(a.get("action") or self.path, a.get("method", "get").lower())
            self.forms.append(self.form)
            self.by_id[a.get("id", "")] = self.form
        elif tag == "input" and (kind := a.get("type", "text")) not in _SENT_BY_CLICK and "disabled" not in a:
            if kind not in ("checkbox", "radio") or "checked" in a:
                self._put(kind, a.get("name", ""), a.get("value", "on" * (kind in ("checkbox", "radio"))), owner)
        elif tag in ("textarea", "select"):
            self.name, self.text, self.owner = a.get("name", ""), "", owner
        elif tag == "option" and "selected" in a:
            self._put("select", self.name, a.get("value", ""), self.owner)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "textarea":
            self._put("textarea", self.name, self.text.removeprefix("\n"), self.owner)


def forms_of(html: str, path: str) -> list[Form]:
    """The forms of a page that send something, each with the fields that stand elsewhere and belong to it."""
    reader = _Reader(path)
    reader.feed(html)
    for owner, *put in reader.loose:
        if owner in reader.by_id:
            reader.by_id[owner].put(*put)
    return [form for form in reader.forms if form.method == "post"]
