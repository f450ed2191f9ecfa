"""Forms of incidents."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from console.lists import BulkForm
from infra_notifications.services.acknowledging import MAX_NOTE


class AcknowledgeForm(BulkForm):
    """What is noted at each of the selected incidents."""

    note = forms.CharField(
        label=_("Note"), required=False, max_length=MAX_NOTE, widget=forms.Textarea(attrs={"rows": 3})
    )
