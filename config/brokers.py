"""Two mends of Kombu, by which Celery talks to brokers: without them a worker can end, or live and do nothing.

Imported by `config.celery` in every process that sends or takes tasks.
"""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem, redis, virtual
from kombu.utils.json import dumps


class _QoS(redis.QoS):
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


class _FileChannel(filesystem.Channel):
    """Shows a task to readers when it is written: Kombu's own may be read while it is empty, which ends the worker."""

    def _put(self, queue: str, payload: Any, **_kwargs: Any) -> None:  # type: ignore[override]
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        hidden = folder / f".{name}"  # the name of no queue
        try:
            hidden.write_text(dumps(payload))  # type: ignore[no-untyped-call]
            os.replace(hidden, folder / name)
        except OSError as error:
            raise ChannelError(f"The task cannot be written to {folder}: {error}") from error


redis.Channel.QoS = _QoS
filesystem.Transport.Channel = _FileChannel
