"""How long what the callbacks brought is kept: what was not applied never goes, a vehicle's history neither."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from core.retention import prune_old
from fleet_remotes.models import CallbackMessage, CommandDraft, RemoteAction, RemoteNotification
from tests.factories.console import UserFactory
from tests.factories.fleet_remotes import with_callback
from tests.fleet_remotes.kit import DAY, accepted, at, body, receive, success

pytestmark = pytest.mark.django_db
OLD = at(0) - 91 * DAY


def test_what_callbacks_brought_goes_with_its_time_and_actions_stay() -> None:
    action, callback = with_callback(since=OLD)
    receive(callback, body(success(action) | {"eventDate": OLD.isoformat()}), now=OLD)
    later, callback = with_callback(since=at(0))
    receive(callback, body(accepted(later)), now=at(60))
    pruned = prune_old(now=at(120))
    assert (pruned["remotes callbackmessage"], pruned["remotes remotenotification"]) == (1, 1)
    assert [row.action for row in RemoteNotification.objects.all()] == [later]
    assert set(RemoteAction.objects.values_list("state", flat=True)) == {"succeeded", "accepted"}


def test_a_body_that_was_not_applied_stays() -> None:
    action, callback = with_callback(since=OLD)
    receive(callback, body(success(action)), now=OLD, apply=False)
    prune_old(now=at(0))
    assert CallbackMessage.objects.get().applied_at is None


def test_drafts_that_nobody_touched_go() -> None:
    owner = UserFactory()
    CommandDraft.objects.create(owner=owner)
    young = CommandDraft.objects.create(owner=owner)
    CommandDraft.objects.exclude(pk=young.pk).update(updated_at=young.updated_at - timedelta(days=91))
    assert prune_old(now=young.updated_at)["remotes commanddraft"] == 1
    assert CommandDraft.objects.get() == young


def test_a_setting_keeps_them_for_ever(settings: Settings) -> None:
    settings.RETENTION_MESSAGES_DAYS = 0
    action, callback = with_callback(since=OLD)
    receive(callback, body(success(action)), now=OLD)
    assert not {name for name in prune_old(now=at(0)) if name.startswith("remotes")}
    assert CallbackMessage.objects.count() == 1
