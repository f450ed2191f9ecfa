"""The vendor's API over HTTP, plain or with mutual TLS, and a few addresses of our own to steer the simulator by.

`POST /simulator/paths {"<VIN or *>": ["success+duplicated", …]}` names the next paths, `PUT /simulator/vehicles
{"<vehicle id>": "<VIN>"}` makes vehicles, `GET /simulator` counts.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fleet_remotes.choices import REMOTE_TYPES, Capability
from fleet_remotes.management.remote_simulator.paths import named
from fleet_remotes.management.remote_simulator.records import fleet_record as _fleet
from fleet_remotes.management.remote_simulator.records import status_record, vehicle_record
from fleet_remotes.management.remote_simulator.vendor import Hook, Remote, Vendor, kind_in

BASE = "/connectedcar/v3"
HANG_S = 120.0
THROTTLED_FOR_S = 2
_CALLBACKS = re.compile(r"/fleets/([^/]+)/remote/callbacks(?:/([^/]+)(/status)?)?")
_REMOTES = re.compile(r"/fleets/([^/]+)/vehicles/([^/]+)/callbacks/([^/]+)/remotes(?:/([^/]+))?")
_VEHICLES = re.compile(r"/fleets/([^/]+)/vehicles(?:/([^/]+)(/status)?)?")
MOST_OF_A_PAGE = 60


class VendorRefusal(Exception):
    """An xError: HTTP status and the vendor's own code."""

    def __init__(self, status: int, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code or status * 100 + 99


@dataclass
class Simulator:
    """A vendor and what its API asks of callers."""

    vendor: Vendor
    username: str = ""
    password: str = ""
    # Whether the vendor's list shows the label of a request, by which we find a lost command.
    shows_labels: bool = True
    # So many of the next requests are answered by 429.
    busy: int = 0


class Pages(BaseHTTPRequestHandler):
    """One request. `simulator` is set on the class that serves."""

    simulator: Simulator
    protocol_version = "HTTP/1.1"

    @property
    def vendor(self) -> Vendor:
        return self.simulator.vendor

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        try:
            body = json.loads(raw) if raw else {}
            self._route(body)
        except VendorRefusal as refused:
            self._refuse(refused)
        except (ValueError, KeyError, TypeError) as error:
            self._refuse(VendorRefusal(400, f"Bad request: {error}"))

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the base class' names

    def _route(self, body: Any) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/simulator"):
            self._steer(parts.path, body)
            return
        self._check_caller(parse_qs(parts.query))
        if self.simulator.busy:
            self.simulator.busy -= 1
            raise VendorRefusal(429, "Too many requests.")
        path = parts.path.removeprefix(BASE)
        if matched := _REMOTES.fullmatch(path):
            fleet, vehicle_id, callback_id, remote_id = (unquote(part) if part else "" for part in matched.groups())
            if self.command == "POST" and not remote_id:
                self._send_remote(fleet, vehicle_id, callback_id, body)
            elif self.command == "GET" and remote_id:
                if remote_id not in self.vendor.remotes:
                    raise VendorRefusal(404, "No such remote.", 40499)
                self._answer(200, self._record(self.vendor.remotes[remote_id]))
            elif self.command == "GET":
                self._list(vehicle_id, callback_id, parse_qs(parts.query))
            else:
                raise VendorRefusal(405, "Method not allowed.")
        elif matched := _VEHICLES.fullmatch(path):
            self._vehicles(unquote(matched[1]), unquote(matched[2] or ""), parse_qs(parts.query), bool(matched[3]))
        elif path == "/fleets" and self.command == "GET":
            fleets = sorted({hook.fleet for hook in self.vendor.hooks.values()})
            self._answer(200, self._page([_fleet(fleet) for fleet in fleets], "fleets", parse_qs(parts.query)))
        elif matched := _CALLBACKS.fullmatch(path):
            fleet, callback_id = unquote(matched[1]), unquote(matched[2] or "")
            if callback_id:
                self._callback(fleet, callback_id, body, is_status=bool(matched[3]))
            else:
                self._callbacks(fleet, body, parse_qs(parts.query))
        else:
            raise VendorRefusal(404, "No such resource.")

    def _check_caller(self, query: dict[str, list[str]]) -> None:
        if not query.get("client_id"):
            raise VendorRefusal(401, "client_id is missing.")
        if self.simulator.username:
            login = f"{self.simulator.username}:{self.simulator.password}".encode()
            if self.headers.get("Authorization") != "Basic " + base64.b64encode(login).decode():
                raise VendorRefusal(401, "Wrong user name or password.")

    # ---- remotes ----------------------------------------------------------------------------------------------

    def _send_remote(self, fleet: str, vehicle_id: str, callback_id: str, body: Any) -> None:
        hook, vin, kind = self.vendor.hook(callback_id), self.vendor.vin(vehicle_id), kind_in(body)
        if hook is None or hook.fleet != fleet or vin is None:
            raise VendorRefusal(404, "The fleet has no such vehicle or callback.", 40499)
        if kind is None:
            raise VendorRefusal(400, "Only one action is supported at a time.", 40001)
        path, oddities = self.vendor.choose(vin, kind)
        remote = None
        if path.is_processed:
            remote = self.vendor.take(hook, fleet, vehicle_id, vin, kind, body, path, oddities)
        if path.answer == 202 and remote is not None:
            links = {"remote": {"href": f"{self.path.split('?')[0]}/{remote.id}"}}
            self._answer(202, {"_links": links, "remoteActionId": remote.id, "type": [remote.type]})
        elif path.answer == -1:
            time.sleep(HANG_S / self.vendor.speed)
            self.close_connection = True
        elif path.answer == 0:
            self.close_connection = True
        else:
            raise VendorRefusal(path.answer, f"The simulator's path “{path.name}”.")

    def _record(self, remote: Remote) -> dict[str, Any]:
        request = dict(remote.request)
        if not self.simulator.shows_labels:
            request.pop("label", None)
        where = f"{BASE}/fleets/{remote.fleet}/vehicles/{remote.vehicle_id}/callbacks/{remote.callback_id}"
        record: dict[str, Any] = {"_links": {"self": {"href": f"{where}/remotes/{remote.id}"}}}
        record |= {"remoteActionId": remote.id, "type": remote.type, "remote": request, "status": remote.status}
        record |= {"failureCause": remote.cause} if remote.cause else {}
        return record | ({"feedbackDetail": remote.feedback} if remote.feedback else {})

    def _list(self, vehicle_id: str, callback_id: str, query: dict[str, list[str]]) -> None:
        remotes = [
            remote
            for remote in list(self.vendor.remotes.values())[::-1]
            if remote.vehicle_id == vehicle_id and remote.callback_id == callback_id
        ]
        self._answer(200, self._page([self._record(remote) for remote in remotes], "remoteActions", query))

    def _page(self, records: list[dict[str, Any]], name: str, query: dict[str, list[str]]) -> dict[str, Any]:
        """A page of the vendor's CollectionResult, with the link to the next one."""
        size = int(query.get("pageSize", [str(MOST_OF_A_PAGE)])[0])
        if not 1 <= size <= MOST_OF_A_PAGE:
            raise VendorRefusal(400, f"pageSize must be from 1 to {MOST_OF_A_PAGE}.")
        page = int(query.get("pageToken", ["p0"])[0].removeprefix("p"))
        pages = max(1, -(-len(records) // size))
        # As behind the vendor's gateway: another host than the one that was asked.
        address = f"https://api.vendor.example{urlsplit(self.path).path}?pageSize={size}"
        links = {"self": {"href": f"{address}&pageToken=p{page}"}, "first": {"href": address}}
        if page + 1 < pages:
            links["next"] = {"href": f"{address}&pageToken=p{page + 1}"}
        answer = {"total": len(records), "totalPage": pages, "currentPage": page, "_links": links}
        return answer | {"_embedded": {name: records[page * size : (page + 1) * size]}}

    # ---- vehicles ---------------------------------------------------------------------------------------------

    def _vehicles(self, fleet: str, vehicle_id: str, query: dict[str, list[str]], is_status: bool) -> None:
        if self.command != "GET":
            raise VendorRefusal(405, "Method not allowed.")
        vins = self.vendor.vins_in(fleet)
        if not vehicle_id:
            records = [vehicle_record(fleet, *known) for known in sorted(vins.items())]
            self._answer(200, self._page(records, "vehicles", query))
            return
        vin = vins.get(vehicle_id) or self.vendor.vin(vehicle_id)
        if vin is None:
            raise VendorRefusal(404, "No such vehicle.", 40499)
        if is_status:
            self._answer(200, status_record(fleet, vehicle_id, vin, self.vendor.facts(vehicle_id).status))
        else:
            self._answer(
                200, vehicle_record(fleet, vehicle_id, vin, self.vendor.facts(vehicle_id).can or Capability.values)
            )

    # ---- callbacks --------------------------------------------------------------------------------------------

    def _callbacks(self, fleet: str, body: Any, query: dict[str, list[str]]) -> None:
        if self.command == "POST":
            self._answer(200, _ref(self.vendor.register(fleet, body)))
        elif self.command == "GET":
            hooks = [_callback(hook) for hook in list(self.vendor.hooks.values()) if hook.fleet == fleet]
            self._answer(200, self._page(hooks, "callbacks", query))
        else:
            raise VendorRefusal(405, "Method not allowed.")

    def _callback(self, fleet: str, callback_id: str, body: Any, *, is_status: bool) -> None:
        hook = self.vendor.hook(callback_id)
        if hook is None or hook.fleet != fleet:
            raise VendorRefusal(404, "No such callback.", 40499)
        if is_status and self.command == "PUT":
            if body["status"] not in ("Running", "Paused"):
                raise VendorRefusal(400, "status must be Running or Paused.")
            hook.status = body["status"]
            self._answer(202, _ref(hook))
        elif self.command == "PUT" and not is_status:
            self._answer(202, _ref(self.vendor.register(fleet, body, callback_id)))
        elif self.command == "DELETE" and not is_status:
            if any(r.callback_id == callback_id and not r.is_over for r in list(self.vendor.remotes.values())):
                raise VendorRefusal(400, "There is a pending remote attached to it.")
            del self.vendor.hooks[callback_id]
            self._answer(204, None)
        elif self.command == "GET" and not is_status:
            self._answer(200, _callback(hook))
        else:
            raise VendorRefusal(405, "Method not allowed.")

    # ---- steering ---------------------------------------------------------------------------------------------

    def _steer(self, path: str, body: Any) -> None:
        if path == "/simulator/paths" and self.command == "POST":
            for names in body.values():
                for name in names:
                    named(name)
            for vin, names in body.items():
                self.vendor.forced[vin].extend(names)
        elif path == "/simulator/vehicles" and self.command == "PUT":
            self.vendor.vins |= body
        elif path != "/simulator":
            raise VendorRefusal(404, "No such resource.")
        remotes = [self._record(remote) for remote in list(self.vendor.remotes.values())]
        self._answer(200, {"posts": self.vendor.posts, "remotes": remotes})

    # ---- answering --------------------------------------------------------------------------------------------

    def _refuse(self, refused: VendorRefusal) -> None:
        headers = {}
        if refused.status == 429:
            headers = {"Retry-After": str(THROTTLED_FOR_S), "X-RateLimit-Remaining-2": "0"}
        error = {"code": refused.code, "uuid": f"sim-{time.time_ns():x}", "message": refused.message}
        self._answer(refused.status, error, headers)

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/hal+json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent: what matters is counted."""


def _links(hook: Hook, name: str) -> dict[str, Any]:
    fleet = f"{BASE}/fleets/{hook.fleet}"
    return {name: {"href": f"{fleet}/remote/callbacks/{hook.callback_id}"}, "fleet": {"href": fleet}}


def _ref(hook: Hook) -> dict[str, Any]:
    """The vendor's CallbackRef, its answer to what changes a callback."""
    return {"_links": _links(hook, "callback"), "callbackId": hook.callback_id, "status": hook.status}


def _callback(hook: Hook) -> dict[str, Any]:
    """The vendor's RemoteCallback, its answer to a question, where the id is called `id`."""
    subscribe = hook.subscribe | {"remoteTypes": hook.subscribe.get("remoteTypes", [*REMOTE_TYPES.values()])}
    return {"_links": _links(hook, "self"), "id": hook.callback_id, "subscribe": subscribe, "status": hook.status}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Many senders may connect at once.
    request_queue_size = 128


def serve(
    simulator: Simulator, host: str, port: int, *, certificate: str = "", key: str = "", client_ca: str = ""
) -> ThreadingHTTPServer:
    """A server that is ready to `serve_forever`; with `client_ca` it asks callers for their certificate."""
    server = _Server((host, port), type("VendorPages", (Pages,), {"simulator": simulator}))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key or None)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    return server
