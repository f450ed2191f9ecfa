"""manage.py mqtt_consumer: what MaEVe and EVerest publish on MQTT_URL becomes messages. Runs until SIGTERM."""

from __future__ import annotations

import contextlib
import platform
import signal
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from core import clock, hold
from core.alive import show_alive
from core.services import end_life, show_life
from infra_notifications.mqtt.link import MqttLink, Publication, parse_url
from infra_notifications.services.doors import MQTT, SHOWN_EVERY_S
from infra_notifications.services.mqtt import MqttIntake


class Command(BaseCommand):
    help = "Takes in what MaEVe and EVerest publish on the broker of MQTT_URL."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MQTT_URL:
            raise CommandError("Set MQTT_URL, e.g. mqtt://user:password@broker.example:1883.")
        try:
            host = parse_url(settings.MQTT_URL).hostname or ""
        except ValueError as error:
            raise CommandError(str(error)) from error
        intake = MqttIntake(host, settings.MQTT_STATION)

        if reason := hold.reason_to_hold(timezone.now()):
            raise CommandError(f"{reason}: what the broker has is for the installation.")
        clock.start()

        def take(publications: list[Publication]) -> None:
            close_old_connections()
            intake.take(publications, timezone.now())

        shown_at = -SHOWN_EVERY_S

        def shows_life() -> None:
            nonlocal shown_at
            show_alive("mqtt", settings.METRICS_DIR)
            if time.monotonic() - shown_at >= SHOWN_EVERY_S:
                shown_at = time.monotonic()
                with contextlib.suppress(DatabaseError, InterfaceError):
                    detail = {"broker": host, "connected": link.is_connected}
                    show_life(part=MQTT, instance=instance, now=timezone.now(), detail=detail)

        instance = f"{platform.node()[:60]} {settings.MQTT_CLIENT_ID}"[:120]
        link = MqttLink(settings.MQTT_URL, settings.MQTT_TOPICS, settings.MQTT_CLIENT_ID, take, shows_life=shows_life)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: link.stop())
        link.run()
        with contextlib.suppress(DatabaseError, InterfaceError):
            end_life(part=MQTT, instance=instance)
