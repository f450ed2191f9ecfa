"""Files as a broker, for a worker that never meets half a task."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

from core import files


class Channel(filesystem.Channel):
    """Shows a task to readers when it is written: Kombu's own may be read while it is empty, which ends the worker."""

    def _put(self, queue: str, payload: Any, **_kwargs: Any) -> None:  # type: ignore[override]
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        try:
            files.put(folder / name, dumps(payload))  # type: ignore[no-untyped-call]
        except OSError as error:
            raise ChannelError(f"The task cannot be written to {folder}: {error}") from error


class Transport(filesystem.Transport):
    Channel = Channel
