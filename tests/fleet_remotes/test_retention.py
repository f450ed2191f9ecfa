"""How long what the callbacks brought is kept: what was not applied or is still open never goes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from core.retention import prune_old
from fleet_remotes.choices import Kind, State, StepKind
from fleet_remotes.models import (
    ActionStep,
    CallbackMessage,
    CommandBatch,
    CommandDraft,
    RemoteAction,
    RemoteNotification,
)
from tests.factories.console import UserFactory
from tests.factories.fleet_remotes import with_callback
from tests.fleet_remotes.helpers import DAY, accepted, at, body, receive, success

pytestmark = pytest.mark.django_db
OLD = at(0) - 91 * DAY


def test_what_callbacks_brought_goes_with_its_time() -> None:
    action, callback = with_callback(since=OLD)
    receive(callback, body(success(action) | {"eventDate": OLD.isoformat()}), now=OLD)
    later, callback = with_callback(since=at(0))
    receive(callback, body(accepted(later)), now=at(60))
    pruned = prune_old(now=at(120))
    assert (pruned["remotes callbackmessage"], pruned["remotes remotenotification"]) == (1, 1)
    assert [row.action for row in RemoteNotification.objects.all()] == [later]


@pytest.mark.parametrize(
    ("of_action", "goes"),
    [
        ({}, True),
        ({"state": State.FAILED}, True),
        ({"entered_at": at(0) - 89 * DAY}, False),
        ({"created_at": at(0) - 89 * DAY}, False),
        ({"state": State.ACCEPTED}, False),
        ({"state": State.DRAFT}, False),
    ],
)
def test_an_action_that_ended_long_ago_goes_with_its_steps(of_action: dict[str, Any], goes: bool) -> None:
    action = an_old_action(**of_action)
    ActionStep.objects.create(action=action, at=OLD, kind=StepKind.CREATED)
    assert prune_old(now=at(0)).get("remotes remoteaction", 0) == int(goes)
    assert (RemoteAction.objects.count(), ActionStep.objects.count()) == ((0, 0) if goes else (1, 1))


def an_old_action(**changes: Any) -> RemoteAction:
    action, _callback = with_callback(since=OLD)
    values = {"state": State.SUCCEEDED, "created_at": OLD, "entered_at": OLD, "since": OLD} | changes
    RemoteAction.objects.filter(pk=action.pk).update(**values)
    return RemoteAction.objects.get(pk=action.pk)


def test_an_action_that_an_open_one_tries_again_stays_and_its_batch_too() -> None:
    batch = CommandBatch.objects.create(kind=Kind.DOOR, total=1, created_at=OLD)
    first = an_old_action(batch=batch, state=State.FAILED)
    again = an_old_action(retry_of=first, state=State.QUEUED)
    prune_old(now=at(0))
    assert (RemoteAction.objects.count(), CommandBatch.objects.count()) == (2, 1)
    RemoteAction.objects.filter(pk=again.pk).update(state=State.CANCELLED)
    for _run in range(2):
        prune_old(now=at(0))
    assert (RemoteAction.objects.count(), CommandBatch.objects.count()) == (0, 0)


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
    assert "remotes callbackmessage" not in prune_old(now=at(0))
    assert CallbackMessage.objects.count() == 1
