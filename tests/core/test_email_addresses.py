"""What is an address and what is none, wherever one is given: one list of cases for every place that takes one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.utils import timezone

from bikeshare.ingest.resources import CyclistBody
from bikeshare.models import Program
from config.environment import Environment
from core.email_addresses import clean_address, is_address
from core.refusal import Refused
from infra_notifications.services.groups import create_group
from outbox.forms.erasure import EraseAddressForm
from outbox.services.topic_lists.lists import create_list
from outbox.services.webhooks import EndpointInput
from vehicles.ingest.people import DriverData

ADDRESSES = ["ops@example.org", "o'brien+alarm@example.org", "ops@sub.example.org", "root@localhost"]
NONE = ["ops", "ops@", "@example.org", "ops@example", "a..b@example.org", "ops@-x.org", "ops@b..c", "a b@example.org"]


def erased(text: str) -> None:
    form = EraseAddressForm({"address": text, "again": text, "reason": "asked for"})
    if not form.is_valid():
        raise ValidationError(str(form.errors))


def contact_of_a_program(text: str) -> None:
    Program(id="prg_x", name="X", contact_email=text).clean_fields(exclude=["id"])


def alert_contact(text: str) -> None:
    EndpointInput("https://hooks.example.com/x", ["*"], contact=text).cleaned()


def alert_addresses(text: str) -> None:
    """A setting of the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("X", text)
        Environment(Path("nowhere")).addresses("X")


PLACES: dict[str, Callable[[str], Any]] = {
    "group": lambda text: create_group(settings={"name": text}, emails=[text], now=timezone.now()),
    "topic list": lambda text: create_list(settings={"name": text, "topics": ["*"]}, emails=[text]),
    "webhook's contact": alert_contact,
    "program's contact": contact_of_a_program,
    "erasure": erased,
    "setting": alert_addresses,
    "driver": lambda text: msgspec.convert({"email": text}, DriverData),
    "cyclist": lambda text: msgspec.convert({"email": text}, CyclistBody),
}
REFUSALS = (Refused, ValidationError, msgspec.ValidationError, ImproperlyConfigured)


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Groups and lists are rows."""


@pytest.mark.parametrize("place", PLACES)
def test_every_place_takes_the_same_addresses(place: str) -> None:
    for text in ADDRESSES:
        PLACES[place](text)


@pytest.mark.parametrize("text", NONE)
@pytest.mark.parametrize("place", PLACES)
def test_every_place_refuses_what_is_none(place: str, text: str) -> None:
    with pytest.raises(REFUSALS):
        PLACES[place](text)


@pytest.mark.parametrize("text", NONE)
def test_a_sentence_names_what_is_none(text: str) -> None:
    assert not is_address(text)
    with pytest.raises(Refused, match="is no e-mail address"):
        clean_address(text)
