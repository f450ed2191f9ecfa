"""Subscribes to a broker and hands on what is published, in batches; acknowledged only once it is committed.

The session is persistent: what is published while this process, or the database, is away waits at the broker. One
thread belongs to the broker; it waits where the other, which writes, is behind.
"""

from __future__ import annotations

import queue
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import structlog
from django.utils import timezone
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties

log = structlog.get_logger("signalbox.mqtt")
_PORTS = {"mqtt": 1883, "mqtts": 8883}
AT_ONCE, WAITING = 500, 5_000
# How long the first of a batch waits for others, and how long until a batch that failed is tried again.
GATHER_S, RETRY_S = 0.05, (1.0, 2.0, 5.0, 10.0, 30.0)
KEEPALIVE_S = 30


@dataclass(frozen=True, slots=True)
class Publication:
    topic: str
    body: bytes
    received_at: datetime
    # By which it is acknowledged.
    mid: int
    qos: int


def parse_url(url: str) -> SplitResult:
    """`mqtt[s]://[user[:password]@]host[:port]`. Raises ValueError with a sentence."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("MQTT_URL must be such as mqtt://user:password@broker.example:1883 or mqtts://…")
    return parts


class MqttLink:
    """One broker. `take` is given what was published, in order, and raises where it could not be stored.

    `shows_life` is called every half second while all goes on.
    """

    def __init__(
        self,
        url: str,
        topics: Sequence[str],
        client_id: str,
        take: Callable[[list[Publication]], None],
        *,
        shows_life: Callable[[], None] = lambda: None,
    ) -> None:
        parts = parse_url(url)
        self._address = (parts.hostname or "", parts.port or _PORTS[parts.scheme])
        self._topics, self._take, self._shows_life = list(topics), take, shows_life
        self._waiting: queue.Queue[Publication] = queue.Queue(WAITING)
        self._stopping = False
        # Not a clean session: the broker keeps what comes while nobody listens.
        self._client = Client(CallbackAPIVersion.VERSION2, client_id, clean_session=False, manual_ack=True)
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self._client.tls_set_context(ssl.create_default_context())
        self._client.reconnect_delay_set(1, 30)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._published

    def run(self) -> None:
        """Until `stop`. What was not acknowledged then comes again."""
        self._client.connect_async(*self._address, keepalive=KEEPALIVE_S)
        self._client.loop_start()
        try:
            while not self._stopping:
                self._shows_life()
                if batch := self._batch():
                    self._hand_on(batch)
        finally:
            self._client.disconnect()
            self._client.loop_stop()

    @property
    def is_connected(self) -> bool:
        return bool(self._client.is_connected())

    def stop(self) -> None:
        self._stopping = True

    def _batch(self) -> list[Publication]:
        try:
            batch = [self._waiting.get(timeout=0.5)]
        except queue.Empty:
            return []
        until = time.monotonic() + GATHER_S
        while len(batch) < AT_ONCE and (rest := until - time.monotonic()) > 0:
            try:
                batch.append(self._waiting.get(timeout=rest))
            except queue.Empty:
                break
        return batch

    def _hand_on(self, batch: list[Publication]) -> None:
        """Tries until it is stored: nothing is acknowledged, and nothing overtakes it, before."""
        tries = 0
        while not self._stopping:
            try:
                self._take(batch)
            except Exception as error:
                delay = RETRY_S[min(tries, len(RETRY_S) - 1)]
                log.warning("a batch was not stored", n=len(batch), again_in_s=delay, error=str(error).strip())
                tries += 1
                self._shows_life()
                self._rest(delay)
                continue
            for publication in batch:
                self._client.ack(publication.mid, publication.qos)
            return

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            time.sleep(0.1)

    def _connected(
        self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Properties | None = None
    ) -> None:
        if reason.is_failure:
            log.error("the broker refuses the link", reason=str(reason))
            return
        log.info("connected to the broker", host=self._address[0])
        client.subscribe([(topic, 1) for topic in self._topics])

    def _disconnected(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any = None) -> None:
        if not self._stopping:
            log.warning("the broker is away; connecting again", reason=str(reason))

    def _published(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        publication = Publication(message.topic, bytes(message.payload), timezone.now(), message.mid, message.qos)
        # The broker's thread waits here while the database is away, so that memory stays bounded.
        while not self._stopping:
            try:
                self._waiting.put(publication, timeout=0.5)
            except queue.Full:
                continue
            return
