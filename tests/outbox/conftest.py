"""Fixtures of the outbox's tests: kinds of event and templates of their own, and a database that really commits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as django_settings
from django.test import override_settings

from outbox import event_kinds
from outbox.event_kinds import register_kinds
from outbox.transports.email import transport as email
from tests.mailserver import ScriptedServer, SmtpScript
from tests.outbox.kit import KINDS, StartScript
from tests.waiting import PATIENCE_S

TEMPLATES = Path(__file__).parent / "templates"


@pytest.fixture(scope="package", autouse=True)
def _templates() -> Iterator[None]:
    engine: dict[str, Any] = django_settings.TEMPLATES[0]
    with override_settings(TEMPLATES=[engine | {"DIRS": [*engine["DIRS"], TEMPLATES]}]):
        yield


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    """The kinds of these tests are known to nobody else."""
    before = dict(event_kinds.registered)
    register_kinds(KINDS)
    yield
    event_kinds.registered.clear()
    event_kinds.registered.update(before)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection counts as stuck, however long this machine halts."""
    monkeypatch.setattr(email, "STUCK_S", 2.0 * PATIENCE_S)


@pytest.fixture
def scripted() -> Iterator[StartScript]:
    """Starts a server that follows a script; returns its port."""
    servers: list[ScriptedServer] = []

    def start(script: SmtpScript) -> int:
        servers.append(ScriptedServer(script))
        return servers[-1].__enter__().port

    yield start
    for server in servers:
        server.__exit__()


@pytest.fixture(scope="package", autouse=True)
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A broker of these tests' own, which nobody works for: the folder in which it keeps its tasks."""
    folder = tmp_path_factory.mktemp("broker")
    before = current_app.conf.broker_transport_options
    current_app.conf.broker_transport_options = {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
    }
    (folder / "queue").mkdir()
    current_app._after_fork()  # which forgets connections to the other broker
    yield folder / "queue"
    current_app.conf.broker_transport_options = before
    current_app._after_fork()
