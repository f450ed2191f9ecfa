"""The part of `doctor` that fleet remotes have: bodies that wait, silent callbacks, access to the vendor."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from core.health import Finding
from fleet_remotes.models import Callback, CallbackMessage

# A body that waits longer than this means that nobody applies them.
WAITED_TOO_LONG_S = 300.0


def check_callbacks(now: datetime) -> Finding:
    """Whether what the vendor brings is applied, and whether every callback is heard."""
    oldest = CallbackMessage.objects.filter(applied_at__isnull=True).order_by("id").first()
    age = (now - oldest.received_at).total_seconds() if oldest else 0.0
    if age > WAITED_TOO_LONG_S:
        return Finding(False, _("a callback has waited %(age)d s to be applied") % {"age": age}, age)
    silent = list(Callback.objects.filter(silent_since__isnull=False).values_list("slug", flat=True))
    if silent:
        return Finding(False, _("no notifications arrive at %(slugs)s") % {"slugs": ", ".join(silent)})
    if not settings.REMOTES_CLIENT_ID:
        return Finding(True, _("sending to fleet vehicles is not set up"))
    return Finding(True, _("notifications are applied"), age)
