"""Whether what stands at the doors works: the OCPP proxy and the MQTT consumer, for `doctor` and `/healthz/full`.

Both show each few seconds that they live, with what they know of themselves; one that ends in order takes its sign
away.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.health import Finding
from core.models import SignOfLife
from core.selectors import CLOCK_SLACK, LIFE_EXPECTED_WITHIN
from infra_notifications.choices import SourceKind
from infra_notifications.models import OcppRoute, Source
from infra_notifications.services.source_status import LOSS_SHOWN

PROXY, MQTT = "OCPP proxy", "MQTT consumer"
# They show it this often.
SHOWN_EVERY_S = 10.0
# A spool that is so full is about to lose something.
NEARLY_FULL = 0.5


def _living(part: str, now: datetime) -> tuple[list[Mapping[str, Any]], float | None]:
    """What the instances that live say of themselves, and how old the newest sign is; None where there was none."""
    signs = SignOfLife.objects.filter(part=part, at__lte=now + CLOCK_SLACK).order_by("-at")
    newest = signs.first()
    age = None if newest is None else max(0.0, (now - newest.at).total_seconds())
    return [sign.detail for sign in signs.filter(at__gte=now - LIFE_EXPECTED_WITHIN)], age


def _silent(age: float | None) -> str:
    return (
        _("has never shown life, or was ended") if age is None else _("last sign of life %(age)d s ago") % {"age": age}
    )


def check_proxy(now: datetime) -> Finding:
    """Whether the proxy runs where there are routes, takes in what it hears, and loses nothing."""
    living, age = _living(PROXY, now)
    routes = OcppRoute.objects.filter(enabled=True).count()
    if not living and not routes and age is None:
        return Finding(True, _("not used: no route is enabled"))
    if not living:
        said = ngettext("%(n)d route is enabled", "%(n)d routes are enabled", routes) % {"n": routes}
        return Finding(False, f"{_silent(age)}; {said}", age)
    waiting = sum(int(detail.get("waiting_bytes", 0)) for detail in living)
    text = _silent(age) + ", " + _("%(mb).1f MB wait to be taken in") % {"mb": waiting / 1_000_000}
    lost = Source.objects.filter(kind=SourceKind.PROXY, lost_at__gt=now - LOSS_SHOWN).aggregate(n=Sum("lost"))["n"] or 0
    if lost:
        text += ", " + ngettext("%(n)d record lost", "%(n)d records lost", lost) % {"n": lost}
    is_full = waiting > NEARLY_FULL * settings.OCPP_SPOOL_MAX_MB * 1024 * 1024
    return Finding(not lost and not is_full, text, age)


def check_mqtt(now: datetime) -> Finding:
    """Whether the consumer runs where a broker is named, and is connected to it."""
    living, age = _living(MQTT, now)
    if not living and not settings.MQTT_URL and age is None:
        return Finding(True, _("not used: MQTT_URL names no broker"))
    if not living:
        return Finding(False, _silent(age), age)
    away = [str(detail.get("broker", "")) for detail in living if not detail.get("connected")]
    if away:
        return Finding(False, _("not connected to %(brokers)s") % {"brokers": ", ".join(away)}, age)
    return Finding(True, _silent(age), age)
