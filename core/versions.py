"""A form that is sent says from which version of its row it was made: what somebody else changed meanwhile is named,
and nothing is overwritten in silence.

    form = RouteForm(request.POST, row=route)        # a form with `Versioned`
    with form.held() as route:                        # locked, and as it was shown; raises Refused
        change_route(route=route, …)

A version is a digest of the values that a form shows, with the last entry of the audit log, which tells who changed
what since then. What a form does not show may change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from auditlog.models import LogEntry
from django import forms
from django.db import transaction
from django.db.models import Model
from django.http import QueryDict
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.receipts import digest_of_json
from core.refusal import Refused

FIELD = "version"
CHANGED = "changed"
SHOWN, MOST_SHOWN = 3, 60


def version_of(row: Model, names: Sequence[str]) -> str:
    """Of what these fields of a row hold now; nothing can be read out of it."""
    values = [[name, str(getattr(row, name, ""))] for name in sorted(names)]
    last = LogEntry.objects.get_for_object(row).order_by("-pk").values_list("pk", flat=True).first()
    return f"{last or 0}-{salted_hmac('core.versions', digest_of_json(values)).hexdigest()[:32]}"


def check_version(row: Model, names: Sequence[str], version: str) -> None:
    """Raises Refused, which says who changed what, where a row is no more as it was. Who sends no version looked at no
    form."""
    last, dash, digest = version.partition("-")
    if not dash or constant_time_compare(digest, version_of(row, names).partition("-")[2]):
        return
    told = _told(row, names, int(last) if last.isdecimal() else 0)
    sentence = _("This was changed meanwhile: %(changes)s Nothing was saved; save again to overwrite it.")
    raise Refused(sentence % {"changes": told}, code=CHANGED)


def _told(row: Model, names: Sequence[str], last: int) -> str:
    """Who changed what since an entry of the audit log, the newest first."""
    sentences = []
    for entry in LogEntry.objects.get_for_object(row).filter(pk__gt=last).order_by("-pk"):
        changes = [
            f"{_label(row, name)}: {_cut(old)} → {_cut(new)}"
            for name, (old, new) in (entry.changes or {}).items()
            if name in names
        ]
        if changes:
            at = date_format(timezone.localtime(entry.timestamp), "TIME_FORMAT")
            sentences.append(f"{_author(entry)}, {at}: {'; '.join(changes)}.")
    return " ".join(sentences[:SHOWN]) or _("by somebody whom the audit log does not name.")


def _author(entry: LogEntry) -> str:
    key = (entry.additional_data or {}).get("api_key")
    if key:
        return _("API key %(name)s") % {"name": key}
    return str(entry.actor or entry.actor_email or _("somebody"))


def _label(row: Model, name: str) -> str:
    return str(row._meta.get_field(name).verbose_name)  # type: ignore[union-attr] # of a field, which has one


def _cut(value: Any) -> str:
    text = str(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


class Versioned(forms.Form):
    """A form that changes the row that it is given as `row`; without one it makes something new, and has no version.

    Its fields have the names of the row's.
    """

    def __init__(self, *args: Any, row: Model | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row
        if row is not None:
            known = {field.name for field in row._meta.concrete_fields}
            self.versioned = sorted(known & self.fields.keys())
            self.fields[FIELD] = forms.CharField(
                required=False, widget=forms.HiddenInput, initial=version_of(row, self.versioned)
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data.pop(FIELD, None)
        return data

    @contextmanager
    def held_or_new(self) -> Iterator[Any]:
        """As `held`, or None where something new is made."""
        if self.row is None:
            yield None
        else:
            with self.held() as row:
                yield row

    @contextmanager
    def held(self) -> Iterator[Any]:
        """The row, locked until the block ends. Raises Refused where it is not as the form showed it; sent once more,
        the form is of the present version."""
        assert self.row is not None
        with transaction.atomic():
            row = type(self.row)._default_manager.select_for_update(of=("self",)).get(pk=self.row.pk)
            try:
                check_version(row, self.versioned, self.data.get(self.add_prefix(FIELD), ""))
            except Refused:
                sent = QueryDict(mutable=True)
                sent.update(self.data)
                sent[self.add_prefix(FIELD)] = version_of(row, self.versioned)
                self.data = sent
                raise
            yield row
