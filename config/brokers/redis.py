"""Redis as a broker, for a worker that goes on after Redis was away."""

from __future__ import annotations

from kombu.transport import redis, virtual


class QoS(redis.QoS):
    """Forgets a task that was done, also where Redis is away and cannot be told.

    Kombu would count it as under way for ever. A worker whose places were all taken when Redis went away then asks for
    no task any more, and so never notices that its connection is broken.
    """

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        finally:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue)  # type: ignore[no-untyped-call]
        finally:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]


class Channel(redis.Channel):
    QoS = QoS


class Transport(redis.Transport):
    Channel = Channel
