"""Forms of topic lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from outbox.choices import Language
from outbox.event_kinds import domains
from outbox.forms.topics import SubscriptionForm
from outbox.models import TopicList
from outbox.models.topic_lists import DEFAULT_GATHER_S
from outbox.services.mailing_lists.addresses import addresses_in
from outbox.services.topic_lists.lists import MAX_GATHER_S, clean_settings


def _domain_choices() -> list[tuple[str, Any]]:
    return [("", _("any")), *((domain, domain) for domain in domains())]


class TopicListForm(SubscriptionForm):
    """A topic list: whom it mails, about what, on which condition. Addresses have several fields."""

    field_order = ("name", "description", "enabled", "domain", "topics", "condition")

    name = forms.CharField(label=_("Name"), max_length=100)
    description = forms.CharField(
        label=_("Description"), required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    enabled = forms.BooleanField(
        label=_("Enabled"),
        required=False,
        initial=True,
        help_text=_("While it is off, nothing is mailed, and what would have been is listed under “Not told”."),
    )
    domain = forms.ChoiceField(label=_("Domain"), required=False, choices=_domain_choices)
    gather_s = forms.IntegerField(
        label=_("Gather for (seconds)"),
        min_value=0,
        max_value=MAX_GATHER_S,
        initial=DEFAULT_GATHER_S,
        help_text=_("The first event mails at once; what follows within this time comes in one mail. 0: a mail each."),
    )
    language = forms.ChoiceField(label=_("Language of the mails"), choices=Language.choices, initial=Language.ENGLISH)

    def __init__(self, data: Any = None, *, topic_list: TopicList | None = None, **kwargs: Any) -> None:
        addresses: list[str] = []
        if topic_list is not None:
            kwargs["initial"] = {name: getattr(topic_list, name) for name in self.base_fields}
            addresses = [row.address for row in topic_list.addresses.all()]
        super().__init__(data, row=topic_list, **kwargs)
        self.topic_list = topic_list
        # What was typed stays in its fields; pasted lists are spread over several.
        self.known_emails = data.getlist("known_emails") if data is not None else ["", *addresses]
        self.emails = (addresses_in(data.getlist("emails")) if data is not None else addresses) or [""]

    def check(self, data: dict[str, Any]) -> dict[str, Any]:
        return clean_settings(data)

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        others = TopicList.objects.filter(name__iexact=name)
        if self.topic_list is not None:
            others = others.exclude(pk=self.topic_list.pk)
        if others.exists():
            raise ValidationError(_("There is a topic list named “%(name)s” already.") % {"name": name})
        return name


class TopicCheckForm(forms.Form):
    """What the live check of a condition asks about: unlike the list's own form it needs no name and no address."""

    topics = forms.Field(required=False, widget=forms.SelectMultiple)
    domain = forms.CharField(required=False, max_length=40)
    condition = forms.CharField(required=False, max_length=10_000)
