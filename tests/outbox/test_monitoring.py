"""The dashboard and the alert rules under deploy/: every metric that they name exists, with the labels they use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from core.health import Finding
from core.metrics import exposition
from core.retention import Retention, Step, prune_old
from core.services import show_life
from outbox import checks
from outbox.choices import DeliveryState, Reason
from outbox.contract import Recipient, failed, retry
from outbox.models import Delivery, HealthAlert
from outbox.services.deliveries import cancel_delivery
from outbox.services.health_alerts import MAIL_AFTER
from tests.outbox.kit import NOW, a_delivery, a_note, published, settled

DEPLOY = Path(settings.BASE_DIR) / "deploy"
DASHBOARD = DEPLOY / "grafana" / "signalbox.json"
RULES = DEPLOY / "prometheus" / "signalbox-alerts.yml"
# Labels that Prometheus adds, and those of histograms.
GIVEN = {"job", "instance", "le"}
_METRIC = re.compile(r"\b(signalbox_\w+)(?:\{([^}]*)\})?")
_BY = re.compile(r"by \(([^)]*)\)")


def dashboard_expressions() -> list[str]:
    board = json.loads(DASHBOARD.read_text())
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]


def rules() -> dict[str, str]:
    """The expression of each alert; the file is written so that no YAML reader is needed to find them."""
    found: dict[str, str] = {}
    for part in RULES.read_text().split("- alert: ")[1:]:
        name, _, rest = part.partition("\n")
        body = rest.split("expr: ", 1)[1]
        text = body.split(">-\n", 1)[1] if body.startswith(">-") else body.split("\n", 1)[0]
        lines = []
        for line in text.split("\n"):
            if re.match(r"\s+(for|labels|annotations):", line):
                break
            lines.append(line.strip())
        found[name] = " ".join(lines)
    return found


EXPRESSIONS = [*dashboard_expressions(), *rules().values()]


@pytest.fixture
def known(db: None, client: Client) -> dict[str, set[str]]:
    """Every name of a series that Signalbox can give, with its labels."""
    show_life(part="worker", now=timezone.now())
    client.get("/")
    published(a_note(recipients=(Recipient("a@example.org", held_back=Reason.UNSUBSCRIBED),)))
    a_delivery()
    settled(failed(Reason.ADDRESS_REFUSED, 550, "no"))
    a_delivery()
    prune_old(now=NOW, kept=[Retention("events", "RETENTION_EVENTS_DAYS", lambda _before, _after: Step(1, None))])
    HealthAlert.objects.create(name="worker", text="x", began_at=NOW)
    series: dict[str, set[str]] = {}
    # In tests the counters are not in files that processes share, and so not in the exposition.
    for family in (*REGISTRY.collect(), *text_string_to_metric_families(exposition().decode())):
        for sample in family.samples:
            series.setdefault(sample.name, set()).update(sample.labels)
    return series


def labels_in(expression: str, matchers: str | None) -> Iterator[str]:
    for matcher in (matchers or "").split(","):
        if matcher.strip():
            yield re.split(r"[=!~]", matcher.strip())[0]
    for group in _BY.findall(expression):
        yield from (label.strip() for label in group.split(","))


def test_there_is_a_dashboard_and_there_are_rules() -> None:
    assert len(dashboard_expressions()) >= 20
    assert len(rules()) >= 8
    assert all(expression.strip() for expression in EXPRESSIONS)


def test_every_alert_is_described() -> None:
    described = re.findall(r"^\| (Signalbox\w+) \|", (DEPLOY.parent / "docs" / "upkeep.md").read_text(), re.MULTILINE)
    assert described == list(rules())


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_and_label_exists(known: dict[str, set[str]], expression: str) -> None:
    named = _METRIC.findall(expression)
    assert named or expression.startswith("up{")
    for name, matchers in named:
        assert name in known, name
        assert set(labels_in(expression, matchers)) <= known[name] | GIVEN, name
    assert expression.count("(") == expression.count(")")


def test_what_the_issue_asks_for_is_on_the_dashboard() -> None:
    named = {name for expression in dashboard_expressions() for name, _labels in _METRIC.findall(expression)}
    assert {
        "signalbox_events_published_total",
        "signalbox_deliveries_published_total",
        "signalbox_deliveries_settled_total",
        "signalbox_deliveries_suppressed_total",
        "signalbox_oldest_due_seconds",
        "signalbox_send_seconds_bucket",
        "signalbox_first_attempt_wait_seconds_bucket",
    } <= named


def test_states_and_classes_that_are_matched_are_ones_that_exist() -> None:
    states = {state for expression in EXPRESSIONS for state in re.findall(r'state="(\w+)"', expression)}
    assert states <= set(DeliveryState.values)
    assert states >= {"delivered", "failed", "retrying"}


def test_alerts_begin_where_signalbox_itself_complains() -> None:
    assert rules()["SignalboxDeliveriesLate"].endswith(f"> {checks.DUE_TOO_LONG_S:.0f}")
    from core.selectors import LIFE_EXPECTED_WITHIN

    assert rules()["SignalboxPartSilent"].endswith(f"> {LIFE_EXPECTED_WITHIN.total_seconds():.0f}")
    assert rules()["SignalboxTrouble"].endswith(f"> {2 * MAIL_AFTER.total_seconds():.0f}")


# ---- what is counted ----------------------------------------------------------------------------------------------


def ended(channel: str, state: str, reason: str) -> float:
    labels = {"channel": channel, "state": state, "reason": reason}
    return REGISTRY.get_sample_value("signalbox_deliveries_settled_total", labels) or 0.0


@pytest.mark.parametrize(
    ("outcome", "state", "reason"),
    [
        (retry(Reason.TEMPORARY, 451, "later"), "retrying", "temporary"),
        (failed(Reason.ADDRESS_REFUSED, 550, "no"), "failed", "address_refused"),
    ],
)
def test_what_became_of_a_delivery_is_counted(db: None, outcome: Any, state: str, reason: str) -> None:
    before = ended("email", state, reason)
    a_delivery()
    settled(outcome)
    assert ended("email", state, reason) == before + 1


def test_cancelling_is_counted(db: None) -> None:
    before = ended("email", "cancelled", "by_hand")
    cancel_delivery(delivery=a_delivery(), now=NOW)
    assert ended("email", "cancelled", "by_hand") == before + 1


def test_age_of_what_is_due_later_is_zero(db: None) -> None:
    published(a_note("a@example.org"), now=timezone.now())
    Delivery.objects.update(next_attempt_at=timezone.now() + MAIL_AFTER)
    assert 'signalbox_oldest_due_seconds{channel="email"} 0.0' in exposition().decode()


def test_troubles_are_levels(db: None) -> None:
    HealthAlert.objects.create(name="worker", text="x", began_at=timezone.now() - MAIL_AFTER)
    HealthAlert.objects.create(name="beat", text="x", began_at=NOW, ended_at=NOW)
    text = exposition().decode()
    found = re.search(r'^signalbox_trouble_seconds\{name="worker"\} (\S+)$', text, re.MULTILINE)
    assert found is not None
    assert 60 <= float(found[1]) < 120
    assert 'name="beat"' not in text


# ---- what doctor says ---------------------------------------------------------------------------------------------


def test_doctor_tells_of_dead_letters_without_complaint(db: None) -> None:
    assert checks.check_dead_letters(NOW) == Finding(True, "nothing has failed for good")
    a_delivery(state="failed")
    assert checks.check_dead_letters(NOW) == Finding(True, "1 delivery has failed for good; see Dead letters")


def test_doctor_says_who_is_mailed_about_troubles(settings: Any) -> None:
    assert checks.check_alerts(NOW).text == "nobody is mailed about troubles: ADMIN_EMAILS is not set"
    settings.ADMIN_EMAILS = ["a@example.org", "b@example.org"]
    assert checks.check_alerts(NOW).text == "troubles are mailed to a@example.org, b@example.org"
