"""What can be done with selected rows of the lists of the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console.lists import BulkAction, BulkRun
from outbox.choices import RETRYABLE
from outbox.models import Delivery
from outbox.services.deliveries import retry_delivery


def _send_again(run: BulkRun) -> list[int]:
    deliveries = Delivery.objects.filter(pk__in=run.ids, state__in=RETRYABLE)
    return [delivery.pk for delivery in deliveries if retry_delivery(delivery=delivery, now=run.now)]


def _question(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext(
        "Send %(n)d delivery again now? One that was delivered, is being sent or waits is left alone.",
        "Send %(n)d deliveries again now? Those that were delivered, are being sent or wait are left alone.",
        number,
    )
    return text % {"n": number}


def _summary(number: int, arguments: Mapping[str, Any]) -> str:
    text = ngettext("%(n)d delivery is sent again.", "%(n)d deliveries are sent again.", number)
    return text % {"n": number} if number else _("None of them could be sent again.")


SEND_AGAIN = BulkAction(
    key="deliveries.send_again",
    label=gettext_lazy("Send again"),
    icon="arrow-path",
    permission="outbox.retry_delivery",
    run=_send_again,
    question=_question,
    said=_summary,
)
