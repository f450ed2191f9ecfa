"""Retention: what is old goes in small steps, in turns, and what must stay stays."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from pytest_django import Settings

from core import retention, tasks
from core.background import start_job
from core.lifecycle import Kept
from core.models import ApiReceipt, Job, SignOfLife
from core.retention import Retention, Step, by_age, prune_old
from tests import clock

NOW = clock.NOW
OLD, YOUNG = NOW - timedelta(days=91), NOW - timedelta(days=89)
pytestmark = pytest.mark.django_db
receipts = by_age(ApiReceipt, Kept("RETENTION_RECEIPTS_DAYS", by="received_at"))


@pytest.fixture(autouse=True)
def ninety_days(settings: Settings) -> None:
    settings.RETENTION_RECEIPTS_DAYS = 90


def scope_of(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, name)


def receipt(name: str, at: datetime) -> None:
    ApiReceipt.objects.create(scope=scope_of(name), digest=scope_of("content"), said_at=at, received_at=at)


def scopes() -> set[uuid.UUID]:
    return set(ApiReceipt.objects.values_list("scope", flat=True))


def test_what_is_older_than_its_days_goes() -> None:
    receipt("old", OLD)
    receipt("young", YOUNG)
    assert prune_old(now=NOW)["receipts"] == 1
    assert scopes() == {scope_of("young")}


def test_zero_days_keep_for_ever(settings: Settings) -> None:
    settings.RETENTION_RECEIPTS_DAYS = 0
    receipt("old", OLD)
    assert prune_old(now=NOW) == {}
    assert scopes() == {scope_of("old")}


def test_setting_says_for_how_long(settings: Settings) -> None:
    settings.RETENTION_RECEIPTS_DAYS = 88
    receipt("young", YOUNG)
    prune_old(now=NOW)
    assert scopes() == set()


def test_step_goes_on_behind_what_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", 2)
    for n in range(5):
        receipt(f"old {n}", OLD)
    first = receipts(NOW - timedelta(days=90), 0)
    assert (first.deleted, first.after is None) == (2, False)
    second = receipts(NOW - timedelta(days=90), first.after or 0)
    third = receipts(NOW - timedelta(days=90), second.after or 0)
    assert (second.deleted, third.deleted, third.after) == (2, 1, None)


def test_walk_ends_where_nothing_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", 2)
    receipt("old", OLD)
    for n in range(5):
        receipt(f"young {n}", YOUNG)
    first = receipts(NOW - timedelta(days=90), 0)
    assert first.deleted == 1
    assert receipts(NOW - timedelta(days=90), first.after or 0) == Step(0, None)


def test_rows_that_change_later_are_all_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", 1)
    SignOfLife.objects.create(part="worker", instance="here", at=NOW)
    SignOfLife.objects.create(part="worker", instance="gone", at=OLD)
    assert prune_old(now=NOW)["signs of life"] == 1
    assert SignOfLife.objects.get().instance == "here"


def test_work_that_has_not_ended_stays() -> None:
    ended, waiting = (start_job(kind="k", label="l", created_by=None) for _ in range(2))
    Job.objects.update(created_at=OLD)
    Job.objects.filter(pk=ended.pk).update(finished_at=OLD)
    prune_old(now=NOW)
    assert Job.objects.get() == waiting


def test_all_take_turns_and_the_budget_ends_the_run() -> None:
    turns: list[str] = []

    def endless(name: str) -> retention.Prune:
        def prune(_before: datetime, after: int) -> Step:
            turns.append(name)
            return Step(1, after + 1)

        return prune

    kept = [Retention(name, "RETENTION_DAYS", endless(name)) for name in ("a", "b")]
    found = prune_old(now=NOW, budget_s=0.02, kept=kept)
    assert turns[:4] == ["a", "b", "a", "b"]
    assert found == {"a": turns.count("a"), "b": turns.count("b")}


def test_run_is_counted_and_is_a_task() -> None:
    pruned = "signalbox_rows_pruned_total", {"what": "receipts"}
    before = REGISTRY.get_sample_value(*pruned) or 0
    receipt("old", datetime(2020, 1, 1, tzinfo=UTC))
    tasks.prune()
    assert REGISTRY.get_sample_value(*pruned) == before + 1


def test_every_registered_table_can_be_pruned_when_it_is_empty() -> None:
    assert len(retention.all_kept()) >= 10
    assert prune_old(now=NOW) == {}
