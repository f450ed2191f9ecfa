"""A form that is sent says from which version of its row it was made: what somebody else changed meanwhile is named,
and nothing is overwritten in silence. Every form that changes a row is such a form (tests/console/test_versions.py).

    form = RouteForm(request.POST, row=route)        # a form with `Versioned`
    with form.held() as route:                        # locked, and as it was shown; raises Refused
        change_route(route=route, …)

A version is a digest of the values that a form shows, with the last entry of the audit log, which tells who changed
what since then. What a form does not show may change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from auditlog.models import LogEntry
from django import forms
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from core.receipts import digest_of_json
from core.refusal import Refused
from core.time_zones import clock_text

FIELD = "version"
CHANGED = "changed"
SHOWN, MOST_SHOWN = 3, 60


def values_of(row: Model, names: Sequence[str]) -> dict[str, Any]:
    """What these fields of a row hold now; of what it is linked to, the keys."""
    many = {field.name for field in row._meta.many_to_many}
    return {
        name: sorted(getattr(row, name).values_list("pk", flat=True)) if name in many else getattr(row, name, "")
        for name in names
    }


def version_of(row: Model, shown: Mapping[str, Any], logged: Sequence[Model] | None = None) -> str:
    """Of what is shown of a row now; nothing can be read out of it. `logged`: the rows of whose changes the audit log
    tells, where it is not the row itself."""
    values = [[name, str(value)] for name, value in sorted(shown.items())]
    last = _entries([row] if logged is None else logged).values_list("pk", flat=True).first()
    return f"{last or 0}-{salted_hmac('core.versions', digest_of_json(values)).hexdigest()[:32]}"


def check_version(row: Model, shown: Mapping[str, Any], version: str, logged: Sequence[Model] | None = None) -> None:
    """Raises Refused, which says who changed what, where a row is no more as it was. Who sends no version looked at no
    form."""
    last, dash, digest = version.partition("-")
    if not dash or constant_time_compare(digest, version_of(row, shown, logged).partition("-")[2]):
        return
    told = _told([row] if logged is None else logged, shown, int(last) if last.isdecimal() else 0)
    sentence = _("This was changed meanwhile: %(changes)s Nothing was saved; save again to overwrite it.")
    raise Refused(sentence % {"changes": told}, code=CHANGED)


def _entries(rows: Sequence[Model]) -> QuerySet[LogEntry]:
    """What the audit log has of some rows, the newest first."""
    which = Q(pk__in=[])
    for row in rows:
        which |= Q(content_type=ContentType.objects.get_for_model(row, for_concrete_model=False), object_pk=str(row.pk))
    found: QuerySet[LogEntry] = LogEntry.objects.filter(which).order_by("-pk")
    return found


def _told(rows: Sequence[Model], names: Mapping[str, Any], last: int) -> str:
    """Who changed what since an entry of the audit log, the newest first."""
    sentences = []
    for entry in _entries(rows).filter(pk__gt=last):
        changes = [
            f"{_label(rows[0], name)}: {_change(change)}"
            for name, change in (entry.changes or {}).items()
            if name in names
        ]
        if changes:
            at = clock_text(entry.timestamp)
            sentences.append(f"{_author(entry)}, {at}: {'; '.join(changes)}.")
    return " ".join(sentences[:SHOWN]) or _("by somebody whom the audit log does not name.")


def _change(change: Any) -> str:
    """From what to what; or what was added to a relation, or taken out of it."""
    if isinstance(change, Mapping):
        return f"{change.get('operation')} {_cut(', '.join(change.get('objects', [])))}"
    return " → ".join(map(_cut, change))


def _author(entry: LogEntry) -> str:
    key = (entry.additional_data or {}).get("api_key")
    if key:
        return _("API key %(name)s") % {"name": key}
    return str(entry.actor or entry.actor_email or _("somebody"))


def _label(row: Model, name: str) -> str:
    try:
        return str(row._meta.get_field(name).verbose_name)  # type: ignore[union-attr] # of a field, which has one
    except FieldDoesNotExist:
        return name


def _cut(value: Any) -> str:
    text = str(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


class VersionedForm:
    """What makes a form one that carries the version of its `row`."""

    # Fields of the row that the form shows under other names.
    also_shown: ClassVar[Sequence[str]] = ()
    fields: dict[str, forms.Field]
    data: Any
    cleaned_data: Any
    row: Any

    def shown(self, row: Any) -> dict[str, Any]:
        """What the form shows of its row now: the fields of the same names, and those that it names."""
        meta = row._meta
        known = {field.name for field in (*meta.concrete_fields, *meta.many_to_many)}
        return values_of(row, sorted(known & {*self.fields, *self.also_shown}))

    def logged(self, row: Any) -> Sequence[Model]:
        """The rows of whose changes the audit log tells."""
        return [row]

    def bear_version(self, row: Any) -> None:
        self.row = row
        if row is not None:
            self.fields[FIELD] = forms.CharField(required=False, widget=forms.HiddenInput, initial=self.present_version)

    def present_version(self) -> str:
        return version_of(self.row, self.shown(self.row), self.logged(self.row))

    def check_version(self, row: Any) -> None:
        """Raises Refused where the row is not as the form showed it; sent once more, the form is of the present
        version."""
        name = self.add_prefix(FIELD)  # type: ignore[attr-defined] # of forms
        try:
            check_version(row, self.shown(row), self.data.get(name, ""), self.logged(row))
        except Refused:
            sent = QueryDict(mutable=True)
            sent.update(self.data)
            sent[name] = version_of(row, self.shown(row), self.logged(row))
            self.data = sent
            raise

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data  # type: ignore[misc] # of forms
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
        """The row, locked until the block ends. Raises Refused where it is not as the form showed it."""
        with transaction.atomic():
            rows = type(self.row)._default_manager.select_for_update(of=("self",))
            row = rows.get(pk=self.row.pk)
            self.check_version(row)
            yield row


class Versioned(VersionedForm, forms.Form):
    """A form that changes the row that it is given as `row`; without one it makes something new, and has no version."""

    def __init__(self, *args: Any, row: Model | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bear_version(row)
