"""The catalogue in force: what operators changed laid over what the code says; and the changes themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import transaction
from django.utils.translation import gettext as _

from core.refusal import Refused
from vehicles.catalogue import TYPES, NotificationType
from vehicles.choices import LIVE, DriverChannel
from vehicles.models import Driver, DriverNotification, NotificationText, TypeSetting
from vehicles.rules.deciding import Policy
from vehicles.services.languages import language_choices
from vehicles.services.texts import unknown_placeholders

MAX_HOURS = 24 * 365


def policies_in_force() -> dict[str, Policy]:
    """Every type as it holds now."""
    settings = {setting.type: setting for setting in TypeSetting.objects.all()}
    return {name: policy_of(entry, settings.get(name)) for name, entry in TYPES.items()}


def policy_of(entry: NotificationType, setting: TypeSetting | None) -> Policy:
    ways = setting.ways if setting is not None and setting.ways else [str(channel.value) for channel in entry.ways]
    cooldown = setting.cooldown_h if setting is not None and setting.cooldown_h is not None else entry.cooldown_h
    return Policy(
        entry.name,
        entry.condition,
        tuple(ways),
        entry.severity.value,
        entry.category.value,
        enabled=setting is None or setting.enabled,
        rank=entry.rank,
        explains=entry.explains,
        is_trouble=(bool(entry.rank) and entry.explains) or entry.is_mishap,
        once=entry.once,
        needs_consent=entry.needs_consent,
        cooldown=timedelta(hours=cooldown),
        reminder=timedelta(hours=entry.reminder_h),
        thresholds=dict(entry.thresholds) | (setting.thresholds if setting is not None else {}),
        links=setting.links if setting is not None else {},
    )


def change_type(
    *,
    entry: NotificationType,
    enabled: bool,
    ways: Sequence[str],
    cooldown_h: float,
    thresholds: Mapping[str, Any],
    now: datetime,
    links: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Changes a type and has everyone whom it may concern evaluated again. Raises Refused by field."""
    errors: dict[str, str] = {}
    if not ways or set(ways) - set(DriverChannel.values):
        errors["ways"] = _("Choose at least one of %(known)s.") % {"known": ", ".join(DriverChannel.values)}
    if not 0 <= cooldown_h <= MAX_HOURS:
        errors["cooldown_h"] = _("A cooldown lasts from 0 hours to a year.")
    for name, value in thresholds.items():
        if sentence := threshold_problem(entry, name, value):
            errors[f"threshold_{name}"] = sentence
    if sentence := _link_problem(links or {}):
        errors["links"] = sentence
    if errors:
        raise Refused.by_field(errors)
    with transaction.atomic():
        setting, _made = TypeSetting.objects.get_or_create(type=entry.name)
        before = policy_of(entry, setting)
        setting.enabled, setting.thresholds = enabled, dict(thresholds)
        setting.ways = [channel for channel in DriverChannel.values if channel in ways]
        setting.cooldown_h = cooldown_h
        if links is not None:
            setting.links = {program.strip().casefold(): [*link] for program, link in links.items()}
        setting.save()
        if before != policy_of(entry, setting):
            _evaluate_again(entry, before.thresholds != setting.thresholds, now)


# https, or an app's own scheme; none that a browser runs.
_LINK = re.compile(
    r"(?!javascript:|data:|vbscript:|file:|http:)[a-z][a-z0-9+.-]{1,30}://[^\s<>\"]{1,500}", re.IGNORECASE
)


def _link_problem(links: Mapping[str, Sequence[str]]) -> str:
    for url, label in links.values():
        if not _LINK.fullmatch(url):
            return _("“%(url)s” is no https link and no link into an app.") % {"url": url[:60]}
        if not label or len(label) > 60:
            return _("Give each link the words of its button, at most 60 characters.")
    return ""


def threshold_problem(entry: NotificationType, name: str, value: Any) -> str:
    """What is wrong with a threshold; it must be of the catalogue's kind: a number, days, amounts by currency."""
    default = entry.thresholds.get(name)
    if default is None:
        return _("There is no such threshold.")
    if isinstance(default, list):
        good = isinstance(value, list) and bool(value) and all(_is_number(v, 1, 365) and v == int(v) for v in value)
        return "" if good else _("Give whole days from 1 to 365, separated by commas.")
    if isinstance(default, Mapping):
        amounts = isinstance(value, Mapping) and all(
            isinstance(c, str) and len(c) == 3 and _is_number(v, 0, 10**6) for c, v in value.items()
        )
        return "" if amounts else _("Give amounts by currency, e.g. EUR 5, NOK 50.")
    return "" if _is_number(value, 1, 10_000) else _("Give a number from 1 to 10,000.")


def _is_number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _evaluate_again(entry: NotificationType, everyone: bool, now: datetime) -> None:
    """Has the sweep evaluate those who have such a notification, or everyone when its thresholds changed."""
    living = DriverNotification.objects.filter(type=entry.name, state__in=LIVE)
    Driver.objects.filter(pk__in=living.values("driver_id")).update(due_at=now)
    if everyone:
        transaction.on_commit(lambda: current_app.send_task("vehicles.look_at_everyone"), robust=True)


EVERYONE_AT_ONCE = 1_000


def mark_everyone_due(*, now: datetime) -> int:
    """Makes every driver due, a thousand per transaction, so that nobody waits long for a lock."""
    last, marked = 0, 0
    while True:
        ids = list(Driver.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:EVERYONE_AT_ONCE])
        if not ids:
            return marked
        with transaction.atomic():
            # In the order of the ids, as everyone locks them.
            list(Driver.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))
            marked += Driver.objects.filter(pk__in=ids).update(due_at=now)
        last = ids[-1]


def change_text(*, entry: NotificationType, language: str, title: str, body: str) -> None:
    """Sets an operator's words; empty ones give the catalogue's back. Raises Refused by field."""
    known = [code for code, _label in language_choices()]
    if language not in known:
        raise Refused(_("The languages are %(known)s.") % {"known": ", ".join(known)}, field="language")
    title, body = " ".join(title.split()), body.strip()
    if not title and not body:
        NotificationText.objects.filter(type=entry.name, language=language).delete()
        return
    errors: dict[str, str] = {}
    for name, text in (("title", title), ("body", body)):
        if not text:
            errors[name] = _("Give both a title and a text, or neither.")
        elif wrong := unknown_placeholders(text):
            errors[name] = _("Nothing can be filled in for %(names)s.") % {"names": ", ".join(wrong)}
    if errors:
        raise Refused.by_field(errors)
    row, _made = NotificationText.objects.get_or_create(
        type=entry.name, language=language, defaults={"title": title, "body": body}
    )
    row.title, row.body = title[:200], body[:2000]
    row.save()
