"""The pictures of docs/mails.md: `python -m tests.mail_pictures` draws them anew, a phone wide, light and dark."""

from __future__ import annotations

import json
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import django
import msgspec

from tests.browser.kit import chromium

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 390
SCHEMES: dict[str, tuple[Literal["light", "dark"], ...]] = {
    "mail_alert": ("light", "dark"),
    "mail_reminder": ("dark",),
    "mail_recovery": ("light",),
    "mail_combined": ("dark",),
    "mail_digest": ("light", "dark"),
    "mail_topics": ("dark",),
}
AT = datetime(2026, 11, 29, 13, 29, 45, tzinfo=UTC)


def _payloads() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """By the picture's name: kind of event, language, payload."""
    from infra_notifications import event_kinds as kinds
    from infra_notifications.choices import Case
    from outbox.event_kinds import kind_of
    from outbox.subscriptions.kinds import TOPIC_MAIL

    def example(kind: str, **more: Any) -> dict[str, Any]:
        data = (
            kind_of(kind).example_data() | {"time_zone": "Europe/Berlin", "url": "https://signalbox.example/…"} | more
        )
        for item in data["items"]:
            (item.get("incident") or item)["opened_at"] = AT
        return dict(data)

    alert, digest = example(kinds.GROUP_ALERT), example(kinds.GROUP_DIGEST)
    recovery = example(kinds.GROUP_RECOVERY)
    recovery["items"][0]["incident"]["closed_at"] = AT + timedelta(minutes=47)
    combined = example(kinds.GROUP_ALERT, total=3, points=2)
    combined["about"] |= {"errors": 3, "points": 2}
    first = combined["items"][0]
    others = (
        ("DE*ABC*E0001*2", "Deck 2, right", 2, Case.UNAVAILABLE, "No message for 25 min"),
        ("DE*ABC*E0001*2", "Deck 2, right", 2, Case.SENSORS, "ShockSensor/Active"),
    )
    for evse_id, name, connector, case, said in others:
        item = json.loads(msgspec.json.encode(first))
        item["charge_point"] |= {"evse_id": evse_id, "name": name, "connector": connector}
        item["incident"] |= {"case": case.value, "said": said}
        combined["items"].append(item)
    digest |= {"opened": 3, "over": 1, "open": 2, "total": 3}
    over = json.loads(msgspec.json.encode(digest["items"][0]))
    over |= {
        "case": Case.SENSORS.value,
        "said": "ShockSensor/Active",
        "closed_at": (AT + timedelta(hours=2)).isoformat(),
    }
    mine = json.loads(msgspec.json.encode(digest["items"][0])) | {"acknowledged_by": "anna"}
    mine["charge_point"] |= {"evse_id": "DE*ABC*E0001*2", "name": "Deck 2, right", "connector": 2}
    digest["items"] += [mine, over]
    return {
        "mail_alert": (kinds.GROUP_ALERT, "en", alert),
        "mail_reminder": (kinds.GROUP_REMINDER, "de", example(kinds.GROUP_REMINDER)),
        "mail_recovery": (kinds.GROUP_RECOVERY, "fr", recovery),
        "mail_combined": (kinds.GROUP_ALERT, "en", combined),
        "mail_digest": (kinds.GROUP_DIGEST, "en", digest),
        "mail_topics": (TOPIC_MAIL, "en", kind_of(TOPIC_MAIL).example_data()),
    }


def draw(folder: Path) -> None:
    """Writes <name>_<scheme>.png for each mail."""
    from playwright.sync_api import sync_playwright

    from outbox.contract import ClaimedEvent
    from outbox.transports.rendering.render import render_mail

    folder.mkdir(parents=True, exist_ok=True)
    # The browser's loop runs in this thread, where Django would refuse the database; nothing here asks it.
    written = {}
    for name, (kind, language, payload) in _payloads().items():
        plain = json.loads(msgspec.json.encode(payload))
        event = ClaimedEvent(1, uuid.UUID(int=1), kind, "notification_group:12", plain, AT, "")
        written[name] = render_mail(event, language, unsubscribable=True)
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        for name, body in written.items():
            for scheme in SCHEMES[name]:
                page = browser.new_page(viewport={"width": WIDTH, "height": 700}, color_scheme=scheme)
                page.set_content(body.html)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= WIDTH, f"{name} is {wide} px wide"
                page.screenshot(path=folder / f"{name}_{scheme}.png", full_page=True)
                page.close()
        browser.close()


if __name__ == "__main__":
    django.setup()
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/images")
