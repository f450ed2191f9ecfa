"""The CSMS of the demo: answers what stations ask, and takes the webhooks of a ticket system.

It is nobody's back office: it accepts every station and every card, numbers transactions, and forgets everything.
"""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import WSMsgType, web

PROTOCOLS = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
# Below this path stations connect; below that the ticket system listens.
OCPP_PATH, HOOK_PATH = "/ocpp", "/tickets"
# The ticket system is restarted now and then: so many requests are taken, so many refused, and so on.
HOOKS_TAKEN, HOOKS_REFUSED = 9, 2


class Csms:
    """An application of aiohttp; `connected` counts the stations, `calls` what they said by action."""

    def __init__(self, *, interval_s: int = 300) -> None:
        self.interval_s = interval_s
        self.connected = 0
        self.calls: dict[str, int] = {}
        self._transactions = itertools.count(1001)
        self._hooks = itertools.cycle([200] * HOOKS_TAKEN + [503] * HOOKS_REFUSED)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get(OCPP_PATH + "/{identity}", self.serve)
        app.router.add_post(HOOK_PATH, self.take_hook)
        return app

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=PROTOCOLS, max_msg_size=1024 * 1024)
        await socket.prepare(request)
        self.connected += 1
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT and (answer := self.answer(message.data)):
                    await socket.send_str(answer)
        finally:
            self.connected -= 1
        return socket

    def answer(self, frame: str) -> str:
        """The frame that answers a call; empty for what is none."""
        try:
            match json.loads(frame):
                case [2, uid, str(action), dict(payload)]:
                    self.calls[action] = self.calls.get(action, 0) + 1
                    return json.dumps([3, uid, self._result(action, payload)])
                case [2, uid, *_rest]:
                    return json.dumps([4, uid, "FormationViolation", "", {}])
        except (ValueError, RecursionError):
            return ""
        return ""

    def _result(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        match action:
            case "BootNotification":
                return {"currentTime": now, "interval": self.interval_s, "status": "Accepted"}
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize" if "idTag" in payload:
                return {"idTagInfo": {"status": "Accepted"}}
            case "Authorize":
                return {"idTokenInfo": {"status": "Accepted"}}
            case "StartTransaction":
                return {"transactionId": next(self._transactions), "idTagInfo": {"status": "Accepted"}}
        return {}

    async def take_hook(self, _request: web.Request) -> web.Response:
        """Most are taken; some come while the ticket system is restarted, and are sent again later."""
        status = next(self._hooks)
        return web.Response(status=status, text="created" if status == 200 else "restarting, try again")
