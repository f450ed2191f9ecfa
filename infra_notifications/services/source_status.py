"""What is known of sources, for pages, the API, the dashboard, `doctor` and Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from core.health import Finding
from core.models import ApiKey
from infra_notifications.choices import Connectivity, SourceTrouble
from infra_notifications.models import ChargePointState, Source
from infra_notifications.models.sources import KEY_KINDS, NUMBER_OF_KIND

# What was lost stays a finding for so long.
LOSS_SHOWN = timedelta(days=1)


def sources() -> QuerySet[Source]:
    """Sources with `is_revoked`: their key can send nothing any more."""
    over = Q(revoked_at__isnull=False) | Q(expires_at__lte=Now())
    by_key = Q(kind__in=KEY_KINDS) & Exists(ApiKey.objects.filter(over, pk=OuterRef("pk").bitand(NUMBER_OF_KIND)))
    return Source.objects.annotate(is_revoked=ExpressionWrapper(by_key, output_field=BooleanField()))


def sources_in_trouble() -> list[Source]:
    """Those of which administrators were told, the longest first."""
    troubled = Source.objects.exclude(trouble=SourceTrouble.NONE).filter(paused=False)
    return list(troubled.order_by("trouble_since", "pk"))


def heard_within_a_day(now: datetime) -> int:
    return Source.objects.filter(last_heard_at__gt=now - timedelta(days=1)).count()


def fed_by(source: Source) -> dict[str, int]:
    """How many charge points and stations a source fed last, and how many of the charge points are silent."""
    states = ChargePointState.objects.filter(source=source)
    return states.aggregate(
        points=Count("pk"),
        stations=Count("charge_point__station", distinct=True),
        silent=Count("pk", filter=Q(connectivity=Connectivity.SILENT)),
    )


def check_sources(now: datetime) -> Finding:
    """Whether each source sends, and whether something of it is accepted."""
    troubled, lost = sources_in_trouble(), list(Source.objects.filter(lost_at__gt=now - LOSS_SHOWN).order_by("lost_at"))
    if lost and not troubled:
        said = "; ".join(_("%(source)s: %(n)d messages lost") % {"source": each, "n": each.lost} for each in lost)
        return Finding(False, said, (now - (lost[0].lost_at or now)).total_seconds())
    if not troubled:
        heard = heard_within_a_day(now)
        text = ngettext("%(n)d source was heard within a day", "%(n)d sources were heard within a day", heard)
        return Finding(True, text % {"n": heard})
    said = "; ".join(f"{source}: {source.get_trouble_display()}" for source in troubled)
    return Finding(False, said, max(0.0, (now - (troubled[0].trouble_since or now)).total_seconds()))


def source_levels() -> Iterator[Metric]:
    """When each source was heard last, whether it is in trouble, and what became of its items."""
    heard = GaugeMetricFamily("signalbox_source_last_heard", "Unix time of a source's last batch", labels=["source"])
    trouble = GaugeMetricFamily(
        "signalbox_source_trouble",
        "1 while a source is silent, all of its items are rejected, or many of its stations lost their connection",
        labels=["source"],
    )
    items = CounterMetricFamily("signalbox_source_items", "Items of a source", labels=["source", "outcome"])
    for source in Source.objects.order_by("pk"):
        label = f"{source} ({source.pk})"
        heard.add_metric([label], source.last_heard_at.timestamp())
        trouble.add_metric([label], float(bool(source.trouble)))
        for outcome in ("accepted", "duplicates", "rejected", "warnings", "lost"):
            items.add_metric([label, outcome], getattr(source, outcome))
    yield from (heard, trouble, items)
