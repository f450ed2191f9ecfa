"""Client and simulator, each judged by the same table of the vendor's facts."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request, urlopen

import pytest
from django.utils import timezone
from pytest_django import Settings

from fleet_remotes.choices import CallbackStatus
from fleet_remotes.client import ApiAway, Remotes
from fleet_remotes.services.registration import (
    delete_at_vendor,
    register_callback,
    rotate_header,
    set_status,
    update_callback,
)
from tests.factories.fleet_remotes import HEADER_VALUE, CallbackFactory
from tests.fleet_remotes import vendor_facts as facts
from tests.fleet_remotes.conftest import Running
from tests.fleet_remotes.vendor_facts import OPERATIONS, Operation
from tests.waiting import PATIENCE_S

BASE = "/connectedcar/v3"
SUBSCRIBE = {
    "label": "l",
    "callback": {"webhook": {"target": "http://127.0.0.1:9/", "name": "n", "attributes": []}},
    "remoteTypes": ["Doors"],
    "retryPolicy": {"policy": "Bounded", "retryNumber": 10, "retryDelay": 60},
}
BODIES = {
    "setFleetVehicleRemote": SUBSCRIBE,
    "setFleetVehicleRemoteById": SUBSCRIBE,
    "setFleeRemoteCallbackStatus": {"status": "Paused"},
    "sendRemoteToVhl": {"label": "x", "lights": {"on": True}},
}

# ---- the simulator ------------------------------------------------------------------------------------------------


def ask(vendor: Running, operation: Operation, body: Any = None, query: str = "") -> tuple[int, Any]:
    values = {"fid": "F", "vid": "v1", "cbid": "cb", "rid": "past-0"}
    url = f"http://127.0.0.1:{vendor.port}{BASE}{operation.path.format(**values)}?client_id=id{query}"
    data = None if body is None else json.dumps(body).encode()
    login = base64.b64encode(b"fleet:secret").decode()
    request = Request(url, data, {"Authorization": f"Basic {login}"}, method=operation.method)
    try:
        with urlopen(request, timeout=PATIENCE_S) as answer:
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else {}
    except HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture
def peopled(vendor: Running) -> Running:
    """A vendor with a vehicle, a callback and actions of more than two pages."""
    from fleet_remotes.management.remote_simulator.vendor import Hook

    vendor.vendor.vins["v1"] = "VR3TEST0000000001"
    vendor.vendor.hooks["cb"] = Hook("cb", "F", "http://127.0.0.1:9/", retries=0)
    vendor.has_carried_out(150)
    return vendor


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_simulator_answers_as_the_vendors_document_says(peopled: Running, name: str) -> None:
    operation = OPERATIONS[name]
    status, answer = ask(peopled, operation, BODIES.get(name))
    assert (status, operation.answers - answer.keys()) == (operation.ok, set())
    if "status" in answer:
        assert answer["status"] in facts.CALLBACK_STATUS | facts.REMOTE_STATUS
    if operation.holds:
        assert {"self", "first"} <= answer["_links"].keys()
        entries = answer["_embedded"][operation.holds]
        assert 0 < len(entries) <= facts.LARGEST_PAGE
        assert all(operation.entry <= entry.keys() for entry in entries)


@pytest.mark.parametrize("size", [0, facts.LARGEST_PAGE + 1])
def test_the_simulator_refuses_pages_that_the_vendor_does_not_have(peopled: Running, size: int) -> None:
    assert ask(peopled, OPERATIONS["getRemoteRequestsForVhl"], query=f"&pageSize={size}")[0] == 400


def test_a_paused_callback_is_told_nothing_and_one_with_a_pending_remote_stays(peopled: Running) -> None:
    peopled.next("silent")
    ask(peopled, OPERATIONS["sendRemoteToVhl"], BODIES["sendRemoteToVhl"])
    assert ask(peopled, OPERATIONS["deleteFleetRemote"])[0] == 400
    assert ask(peopled, OPERATIONS["setFleeRemoteCallbackStatus"], {"status": "Failed"})[0] == 400
    ask(peopled, OPERATIONS["setFleeRemoteCallbackStatus"], {"status": "Paused"})
    ask(peopled, OPERATIONS["setFleetVehicleRemoteById"], SUBSCRIBE)
    answer = ask(peopled, OPERATIONS["getFleetRemotebyId"])[1]
    assert (answer["status"], answer["subscribe"]) == ("Paused", SUBSCRIBE)


# ---- the client ---------------------------------------------------------------------------------------------------


class Document(BaseHTTPRequestHandler):
    """Answers as the document says and nothing more; an operation or parameter that it does not have is a failure."""

    asked: list[tuple[str, dict[str, str], Any]]
    pages: list[Any]
    subscribed: dict[str, Any]

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        path, query = parts.path.removeprefix(BASE), dict(parse_qsl(parts.query))
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        name = next((n for n, one in OPERATIONS.items() if one.is_for(self.command, path)), "")
        self.asked.append((name, query, body))
        if not name or query.keys() - OPERATIONS[name].query != {"client_id"}:
            return self._answer(400, {"code": 40000, "message": f"not in the document: {self.command} {self.path}"})
        if OPERATIONS[name].holds:
            return self._answer(200, self.pages[int(query.get("pageToken", "0"))])
        if name in ("setFleetVehicleRemote", "setFleetVehicleRemoteById"):
            self.subscribed |= {"subscribe": body}
        self.subscribed |= {"status": body["status"]} if name == "setFleeRemoteCallbackStatus" else {}
        ref = {"_links": {}, "callbackId": "cb1", "status": self.subscribed["status"]}
        read = {"_links": {}, "id": "cb1", **self.subscribed}
        posted = {"_links": {}, "remoteActionId": "ra1", "type": ["Lights"]}
        return self._answer(
            OPERATIONS[name].ok,
            {"sendRemoteToVhl": posted, "getFleetRemotebyId": read}.get(name, ref),
        )

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the base class' names

    def _answer(self, status: int, body: Any) -> None:
        data = b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent."""


@pytest.fixture
def document(settings: Settings) -> Iterator[type[Document]]:
    handler = type(
        "Asked", (Document,), {"asked": [], "pages": [], "subscribed": {"status": "Running", "subscribe": {}}}
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    settings.REMOTES_API_URL = f"http://127.0.0.1:{server.server_address[1]}{BASE}"
    settings.REMOTES_CLIENT_ID, settings.REMOTES_TIMEOUT_S = "id", PATIENCE_S
    yield handler
    server.shutdown()
    server.server_close()


def page(*ids: str, following: str = "") -> dict[str, Any]:
    links: dict[str, Any] = {"self": {"href": "x"}, "first": {"href": "x"}}
    links |= {"next": {"href": following}} if following else {}
    entries = [{"_links": {}, "remoteActionId": one, "type": "Horn", "status": "Success"} for one in ids]
    counts = {"total": 9, "totalPage": 9, "currentPage": 0}
    return {**counts, "_links": links, "_embedded": {"remoteActions": entries}}


@pytest.mark.parametrize(
    "link",
    [
        f"https://api-cert.vendor.example{BASE}/fleets/F/vehicles/v1/callbacks/cb/remotes?pageToken={{n}}",
        f"{BASE}/fleets/F/vehicles/v1/callbacks/cb/remotes?pageSize=60&pageToken={{n}}&client_id=another",
        "?pageToken={n}",
    ],
)
def test_a_list_is_followed_by_its_links_to_the_end(document: type[Document], link: str) -> None:
    document.pages = [page(str(n), following=link.format(n=n + 1) if n < 8 else "") for n in range(9)]
    found = [entry["remoteActionId"] for entry in Remotes().actions("F", "v1", "cb")]
    assert found == [str(n) for n in range(9)]
    assert {query["client_id"] for _name, query, _body in document.asked} == {"id"}
    assert {int(query.get("pageSize", "60")) for _name, query, _body in document.asked} == {facts.LARGEST_PAGE}


@pytest.mark.parametrize("last", [{}, {"message": "maintenance"}, "text", None])
def test_a_list_whose_end_cannot_be_read_proves_nothing(document: type[Document], last: Any) -> None:
    document.pages = [page("1", following="?pageToken=1"), last]
    with pytest.raises(ApiAway, match="no list"):
        Remotes().actions("F", "v1", "cb")


def test_a_list_that_leads_round_in_a_circle_ends(document: type[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet_remotes.client.MOST_PAGES", 5)
    document.pages = [page("1", following="?pageToken=0")]
    with pytest.raises(ApiAway, match="more than 5 pages"):
        Remotes().actions("F", "v1", "cb")


@pytest.mark.django_db
def test_a_callback_is_registered_with_tries_for_all_of_the_three_days(document: type[Document]) -> None:
    callback = CallbackFactory(callback_id="", status="")
    document.pages = [page()]
    register_callback(callback=callback, header_value=HEADER_VALUE)
    (listed, _query, _body), (name, _query, body) = document.asked
    assert listed == "getFleetRemotes"
    policy = body["retryPolicy"]
    assert (name, callback.callback_id) == ("setFleetVehicleRemote", "cb1")
    assert policy["policy"] in facts.RETRY_POLICIES
    assert policy["retryNumber"] * policy["retryDelay"] == facts.KEPT_FOR_S
    assert Remotes().callback("F", "cb1") == ("cb1", "Running")


@pytest.mark.django_db
def test_a_callback_is_updated_rotated_paused_resumed_and_deleted_as_the_document_has_it(
    document: type[Document],
) -> None:
    callback = CallbackFactory(callback_id="cb1", status="Running")
    rotate_header(callback=callback, now=timezone.now(), header_value="Bearer another-0123456789")
    update_callback(callback=callback, batch_window_s=3)
    for status in (CallbackStatus.PAUSED, CallbackStatus.RUNNING):
        set_status(callback=callback, status=status)
        assert callback.status == status == Remotes().callback("F", "cb1")[1]
    delete_at_vendor(callback=callback)
    assert (callback.callback_id, callback.status) == ("", "")
    put, read, pause = "setFleetVehicleRemoteById", "getFleetRemotebyId", "setFleeRemoteCallbackStatus"
    names = [name for name, _query, _body in document.asked]
    assert names == [put, read, put, pause, read, pause, read, "deleteFleetRemote"]
    rotated, updated = (body for name, _query, body in document.asked if name == put)
    for body in (rotated, updated):
        assert body.keys() - {"batchNotify"} == facts.FIELDS_OF_SUBSCRIPTION
        policy = body["retryPolicy"]
        assert policy["retryNumber"] * policy["retryDelay"] == facts.KEPT_FOR_S
        (attribute,) = body["callback"]["webhook"]["attributes"]
        assert attribute == {"type": "Header", "key": callback.header_name, "value": "Bearer another-0123456789"}
    assert updated["batchNotify"]["timeWindow"] == facts.SHORTEST_BATCH_S
    assert [body for name, _query, body in document.asked if name == pause] == [
        {"status": status} for status in ("Paused", "Running")
    ]
