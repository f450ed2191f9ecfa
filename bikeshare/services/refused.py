"""The one error of bike-share's services: what was asked for is not possible now, with its code and a sentence."""

from __future__ import annotations

from django.utils.functional import Promise

from bikeshare.choices import Refusal


class Refused(Exception):
    """`code` for machines (the source's own where it has one), `sentence` for people."""

    def __init__(self, refusal: Refusal, sentence: str | Promise = "") -> None:
        self.refusal = refusal
        self.sentence = str(sentence or refusal.label)
        super().__init__(self.sentence)

    @property
    def code(self) -> str:
        return str(self.refusal.value)


class Invalid(Exception):
    """What was given cannot be taken: the field and what is wrong with it."""

    def __init__(self, field: str, sentence: str) -> None:
        self.field, self.sentence = field, sentence
        super().__init__(f"{field}: {sentence}" if field else sentence)
