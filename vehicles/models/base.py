"""What all entities have that facts report of."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Func, Value
from django.utils.translation import gettext_lazy as _

from core.people import shown_id


class Reported(models.Model):
    """An entity of the sender's, with the sender's id. `reports` is the truth, field by field as a timeline
    (`rules.timelines`); the columns beside it hold the present values, for lists and searches."""

    external_id = models.CharField(_("id"), max_length=150, unique=True)
    reports = models.JSONField(_("reports"), default=dict, editable=False)
    created_at = models.DateTimeField(_("first named"), auto_now_add=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.shown_id

    @property
    def shown_id(self) -> str:
        """The sender's id as it is shown: some are people's addresses."""
        return str(shown_id(self.external_id))


def folded(*columns: str) -> Func:
    """Some columns as one folded text, each part after a space so that beginnings of words can be searched."""
    parts: list[Value | F] = []
    for column in columns:
        parts += [Value(" "), F(column)]
    joined = Func(*parts, template="(%(expressions)s)", arg_joiner=" || ", output_field=models.TextField())
    return Func(joined, function="signalbox_fold", output_field=models.TextField())
