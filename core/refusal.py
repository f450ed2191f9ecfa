"""What the domain refuses: one exception for every service; the API's problem and the form's errors are made of it.

A service raises `Refused` with a sentence for people, in their language. Its `code` is for machines: `invalid` is what
the sender can correct in what was sent (422), any other code says what stands in the way at the moment (409).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.functional import Promise

INVALID = "invalid"


class Reason(NamedTuple):
    """One thing that is wrong: the field, or "" where it is none in particular, and a sentence."""

    field: str
    sentence: str


class Refused(Exception):
    """A request that the domain refuses. `reasons` names each wrong field; `sentence` says it all in one."""

    def __init__(
        self,
        sentence: str | Promise = "",
        *,
        code: str = INVALID,
        field: str = "",
        reasons: Sequence[Reason] = (),
    ) -> None:
        self.reasons = tuple(reasons) or (Reason(field, str(sentence)),)
        self.sentence = str(sentence) or " ".join(self.sentences)
        self.code = str(code)
        super().__init__(self.sentence)

    @classmethod
    def by_field(cls, errors: Mapping[str, str | Sequence[str]]) -> Refused:
        """Of what is wrong with each field: a sentence, or several."""
        texts = {field: [said] if isinstance(said, str) else said for field, said in errors.items()}
        return cls(reasons=[Reason(field, text) for field, sentences in texts.items() for text in sentences])

    @classmethod
    def by_model(cls, error: ValidationError) -> Refused:
        """Of what a model's fields and validators say."""
        if not hasattr(error, "error_dict"):
            return cls(reasons=[Reason("", message) for message in error.messages])
        fields = error.message_dict.items()
        return cls.by_field({"" if field == NON_FIELD_ERRORS else field: said for field, said in fields})

    @property
    def sentences(self) -> list[str]:
        return [reason.sentence for reason in self.reasons]

    @property
    def fields(self) -> dict[str, list[str]]:
        """The sentences by field; what belongs to no field is under ""."""
        sentences: dict[str, list[str]] = {}
        for field, sentence in self.reasons:
            sentences.setdefault(field, []).append(sentence)
        return sentences

    @property
    def line(self) -> str:
        """Everything in one line, each sentence behind the name of its field: for one item of a batch."""
        return " ".join(f"{field}: {sentence}" if field else sentence for field, sentence in self.reasons)


@contextmanager
def refusing_invalid_models() -> Iterator[None]:
    """What a model's `full_clean` or `clean_fields` raises within becomes a refusal."""
    try:
        yield
    except ValidationError as error:
        raise Refused.by_model(error) from error


@contextmanager
def refusing_in_form() -> Iterator[None]:
    """What is refused while a form cleans one field is shown at that field."""
    try:
        yield
    except Refused as refused:
        raise ValidationError(refused.sentences) from refused


def add_refusal(form: forms.BaseForm, refused: Refused, *, field: str | None = None) -> None:
    """Shows each sentence at its field, or at `field`; above the form where it has no such field."""
    for reason in refused.reasons:
        name = field or reason.field
        form.add_error(name if name in form.fields else None, reason.sentence)
