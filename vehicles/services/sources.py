"""Platforms that push: a body is stored as it came, in a commit of its own, and then read into facts.

What cannot be applied at once (a database that is busy) is applied by the sweep; what was not understood is counted
and shown. Repetitions are known by the platform's own id, or else by the body itself.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

import msgspec
import structlog
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from core.api import rfc3339
from core.ingest import Submission
from core.pieces import MALFORMED, decode_any
from core.refusal import Refused
from core.schema_words import readable
from core.text import SLUG, clean_json
from core.words import name_among
from vehicles.choices import PlatformName
from vehicles.ingest import AnyFact, IncomingFact
from vehicles.ingest.platforms import PLATFORMS, Platform, Translation
from vehicles.models import ChargingLocation, PlatformMessage, Vehicle, VehicleSource
from vehicles.models.sources import KEYS_OF_SOURCES
from vehicles.rules.places import Position, place_at
from vehicles.services.intake import take_facts

log = structlog.get_logger("signalbox.vehicles")
# So many sentences are kept of a source, and of a message.
NOTES, NOTES_OF_MESSAGE = 100, 50
LEAST_SECRET = 16
AT_ONCE = 200


def create_source(
    *, slug: str, platform: str, secret: str = "", enabled: bool = True, silent_after_s: int = 86_400
) -> tuple[VehicleSource, str]:
    """Creates a source and returns it with its secret, which is generated where none is given.

    Raises Refused for a bad or taken slug, an unknown platform, or a secret that is guessed quickly.
    """
    slug = slug.strip().lower()
    if not SLUG.fullmatch(slug) or len(slug) > 60:
        raise Refused(_("Give a short name of letters, digits and hyphens."), field="slug")
    platform = name_among(PlatformName.values, platform)
    if platform not in PlatformName.values:
        raise Refused(
            _("There is no platform “%(name)s”; there are %(all)s.")
            % {"name": platform, "all": ", ".join(PlatformName.values)},
            field="platform",
        )
    secret = check_secret(secret) if secret.strip() else token_urlsafe(32)
    source = VehicleSource(slug=slug, platform=platform, secret=secret, enabled=enabled, silent_after_s=silent_after_s)
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError as error:
        raise Refused(_("There is a source of this slug already."), field="slug", code="unique") from error
    return source, secret


def check_secret(secret: str) -> str:
    """The secret without blanks around it. Raises Refused for one that a header cannot hold or that is too short."""
    secret = secret.strip()
    if not LEAST_SECRET <= len(secret) <= 500 or not secret.isascii() or not secret.isprintable():
        raise Refused(_("Give 16 to 500 printable ASCII characters, or none for a random one."), field="secret")
    return secret


def change_source(*, source: VehicleSource, **changes: Any) -> VehicleSource:
    """Changes the secret, or switches a source on or off. Raises Refused for a secret that is guessed quickly."""
    if "secret" in changes:
        changes["secret"] = check_secret(changes["secret"])
    for name, value in changes.items():
        setattr(source, name, value)
    if changes:
        source.save(update_fields=list(changes))
    return source


def challenge_of(platform: Platform, body: bytes) -> str | None:
    """What the platform wants to have signed; None where the body is no challenge, or none that may be signed.

    Whoever asks gets a signature: what could be the body of a webhook is never signed.
    """
    try:
        return platform.challenge(msgspec.json.decode(clean_json(body))) or None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def platform_of(source: VehicleSource) -> Platform:
    return PLATFORMS[source.platform]


def count_refused(*, source: VehicleSource, now: datetime) -> None:
    """A wrong signature: nothing is stored but this count, because anybody can send one."""
    VehicleSource.objects.filter(pk=source.pk).update(refused=F("refused") + 1, last_refused_at=now)


def receive(*, source: VehicleSource, body: bytes, now: datetime) -> PlatformMessage:
    """Stores a body, and applies it. Raises DatabaseError when it could not even be stored."""
    message = PlatformMessage.objects.create(source=source, body=body, received_at=now)
    VehicleSource.objects.filter(pk=source.pk).update(received=F("received") + 1, last_received_at=now)
    try:
        apply_message(message=message, now=now)
    except DatabaseError as error:
        log.warning("a platform's message waits for the sweep", message_id=message.pk, error=str(error).strip())
    return message


def apply_message(*, message: PlatformMessage, now: datetime) -> None:
    """Reads a stored body into facts; what was wrong with it is noted.

    Done twice, by two sweeps or after a crash, its facts are repetitions that change nothing.
    """
    translation = _translate(platform_of(message.source), bytes(message.body))
    message.facts = _take(message, translation)
    message.notes, message.applied_at = translation.notes[:NOTES_OF_MESSAGE], now
    waiting = PlatformMessage.objects.filter(pk=message.pk, applied_at__isnull=True)
    if waiting.update(facts=message.facts, notes=message.notes, applied_at=now):
        _count(message.source_id, message.facts, message.notes, now)


def apply_waiting(*, now: datetime) -> int:
    """Applies what could not be applied when it came; how many were tried."""
    waiting = PlatformMessage.objects.filter(applied_at__isnull=True, received_at__lt=now - timedelta(seconds=5))
    messages = list(waiting.select_related("source").order_by("id")[:AT_ONCE])
    for message in messages:
        apply_message(message=message, now=now)
    return len(messages)


def _translate(platform: Platform, body: bytes) -> Translation:
    try:
        decoded, note = decode_any(body)
    except MALFORMED:
        translation, note = Translation(), "The body is no JSON."
    else:
        translation = platform.translate(decoded)
    if note:
        translation.note(note)
    return translation


def _take(message: PlatformMessage, translation: Translation) -> int:
    """Takes the facts as those of the source; how many of them were."""
    delivery = hashlib.blake2b(bytes(message.body), digest_size=16).hexdigest()
    told: Counter[str] = Counter()
    items: list[tuple[int, IncomingFact]] = []
    _find_places(translation)
    with_cars = _with_cars(translation)
    every = zip(translation.facts, translation.deliveries, translation.unless_car, strict=True)
    for place, (fact, known, unless_car) in enumerate(every):
        key = known or delivery
        if unless_car is not None and fact["account"] not in with_cars:
            if unless_car:
                translation.note(unless_car)
            continue
        try:
            items.append((place, msgspec.convert(fact | {"id": f"{key}/{told[key]}"[-200:]}, AnyFact)))
        except msgspec.ValidationError as error:
            translation.note(f"A fact of type {fact['type']} was left out: {readable(error)}.")
        told[key] += 1
    submission = Submission(KEYS_OF_SOURCES | message.source_id, items)
    (intake,) = take_facts(submissions=[submission], now=message.received_at)
    for _place, sentence in (*intake.rejected, *intake.warnings):
        translation.note(sentence)
    return intake.accepted


def _with_cars(translation: Translation) -> set[str]:
    """The accounts of which a car is known, or told of in the same body."""
    asked = {
        fact["account"] for fact, one in zip(translation.facts, translation.unless_car, strict=True) if one is not None
    }
    if not asked:
        return asked
    told = {fact["account"] for fact in translation.facts if {"vehicle", "account"} <= fact.keys()}
    cars = Vehicle.objects.filter(account__external_id__in=asked, removed=False)
    return told | set(cars.values_list("account__external_id", flat=True))


def _find_places(translation: Translation) -> None:
    """Telemetry that says where the car stood is of the place of its driver that is there."""
    told = [(fact, at) for fact, at in zip(translation.facts, translation.positions, strict=True) if at is not None]
    if not told:
        return
    drivers = _drivers_of({fact["vehicle"] for fact, _at in told}, translation)
    places: dict[str, dict[str, Position]] = defaultdict(dict)
    known = ChargingLocation.objects.filter(driver__external_id__in=set(drivers.values()), latitude__isnull=False)
    columns = ("driver__external_id", "external_id", "latitude", "longitude")
    for driver, name, latitude, longitude in known.exclude(longitude=None).values_list(*columns):
        places[driver][name] = (latitude, longitude)
    for fact, at in told:
        if not fact["data"].get("location") and (place := place_at(at, places[drivers.get(fact["vehicle"], "")])):
            fact["data"]["location"] = place


def _drivers_of(cars: set[str], translation: Translation) -> dict[str, str]:
    """Whose these cars are: by what the body says, or else by what is known."""
    known = Vehicle.objects.filter(external_id__in=cars, driver__isnull=False)
    drivers = dict(known.values_list("external_id", "driver__external_id"))
    return drivers | {
        fact["vehicle"]: fact["driver"] for fact in translation.facts if {"vehicle", "driver"} <= fact.keys()
    }


def _count(source_id: int, facts: int, notes: Sequence[str], now: datetime) -> None:
    """Counts what a message brought; of its notes the last hundred different ones are kept."""
    with transaction.atomic():
        source = VehicleSource.objects.select_for_update().get(pk=source_id)
        kept: dict[str, Any] = dict(source.notes)
        for note in notes:
            text = note[:300]
            count = kept.pop(text, {"n": 0})["n"] + 1
            kept[text] = {"n": count, "at": rfc3339(now)}
        newest = sorted(kept.items(), key=lambda item: item[1]["at"])[-NOTES:]
        source.notes, source.facts = dict(newest), source.facts + facts
        source.save(update_fields=("notes", "facts"))
