"""Filters beside the lists of the outbox."""

import django_filters
from django.utils.translation import gettext_lazy as _

from outbox.choices import Channel, DeliveryState, Reason
from outbox.models import Delivery


class DeliveryFilters(django_filters.FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=DeliveryState.choices, label=_("State"))
    channel = django_filters.MultipleChoiceFilter(choices=Channel.choices, label=_("Channel"))
    reason = django_filters.ChoiceFilter(choices=[c for c in Reason.choices if c[0]], label=_("Reason"))

    class Meta:
        model = Delivery
        fields = ("state", "channel", "reason")
