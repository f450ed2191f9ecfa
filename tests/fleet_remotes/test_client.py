"""The client of the vendor's API: mutual TLS, Basic, client id, time-outs, and what is known when it fails."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from pytest_django import Settings

from core.refusal import Refused
from fleet_remotes.client import ApiAway, ApiError, Remotes, listed_objects, seconds_to_wait
from fleet_remotes.management.remote_simulator import Simulator, Vendor, serve
from fleet_remotes.services.registration import address_of, register_callback
from tests.factories.fleet_remotes import HEADER_VALUE, CallbackFactory, FleetFactory
from tests.fleet_remotes.conftest import Running
from tests.mailserver import free_port
from tests.waiting import PATIENCE_S

LIGHTS = {"label": "l", "lights": {"on": True}}
WHERE = ("F", "v1", "cb")


@pytest.fixture
def known(vendor: Running) -> Running:
    """A vendor that knows vehicle v1 and callback cb of fleet F."""
    from fleet_remotes.management.remote_simulator.vendor import Hook

    vendor.vendor.vins["v1"] = "VR3TEST0000000001"
    vendor.vendor.hooks["cb"] = Hook("cb", "F", "http://127.0.0.1:9/", retries=0)
    return vendor


def test_a_command_is_taken_and_found_again(known: Running) -> None:
    known.next("silent")
    remote_id = Remotes().send(*WHERE, LIGHTS)
    assert Remotes().action(*WHERE, remote_id)["remote"] == LIGHTS
    assert [entry["remoteActionId"] for entry in Remotes().actions(*WHERE)] == [remote_id]


def test_a_long_list_is_read_page_by_page(known: Running) -> None:
    known.has_carried_out(620)
    assert len({entry["remoteActionId"] for entry in Remotes().actions(*WHERE)}) == 620


def test_a_wrong_login_is_said(known: Running, settings: Settings) -> None:
    settings.REMOTES_PASSWORD = "wrong"
    with pytest.raises(ApiError) as refused:
        Remotes().send(*WHERE, LIGHTS)
    assert (refused.value.status, refused.value.code, refused.value.leaves_fate_open) == (401, "40199", False)
    assert "Wrong user name" in str(refused.value)


def test_what_the_vendor_does_not_know_is_an_error_with_its_code(known: Running) -> None:
    with pytest.raises(ApiError) as refused:
        Remotes().send("F", "nobody", "cb", LIGHTS)
    assert (refused.value.status, refused.value.code) == (404, "40499")


@pytest.mark.parametrize(
    ("path", "kind", "known_fate"),
    [
        ("throttled", ApiError, True),
        ("rejected", ApiError, True),
        ("server_error", ApiError, False),
        ("no_answer", ApiAway, False),
        ("hangs", ApiAway, False),
    ],
)
def test_what_is_known_when_it_fails(
    known: Running, settings: Settings, path: str, kind: type[Exception], known_fate: bool
) -> None:
    known.next(path)
    settings.REMOTES_TIMEOUT_S = 1 if path == "hangs" else PATIENCE_S
    with pytest.raises(kind) as failed:
        Remotes().send(*WHERE, LIGHTS)
    error: Any = failed.value
    assert (not error.leaves_fate_open if kind is ApiError else not error.may_have_arrived) == known_fate
    assert not (path == "throttled" and error.retry_after_s != 2)


def test_a_port_where_nobody_listens_was_never_told(settings: Settings) -> None:
    settings.REMOTES_API_URL, settings.REMOTES_CLIENT_ID = f"http://127.0.0.1:{free_port()}", "id"
    with pytest.raises(ApiAway) as failed:
        Remotes().send(*WHERE, LIGHTS)
    assert not failed.value.may_have_arrived


def test_plain_http_goes_to_this_machine_alone(settings: Settings) -> None:
    settings.REMOTES_API_URL = "http://vendor.example/connectedcar/v3"
    with pytest.raises(ApiAway, match="must be https") as failed:
        Remotes()
    assert not failed.value.may_have_arrived


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\n[1,2]",
        b'HTTP/1.1 202 Accepted\r\nContent-Length: 23\r\n\r\n{"remoteActionId":12345}',
        b"garbage\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n{",
    ],
)
def test_an_answer_that_names_no_id_leaves_the_fate_open(settings: Settings, answer: bytes) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def once() -> None:
        connection, _address = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)

    thread = threading.Thread(target=once, daemon=True)
    thread.start()
    settings.REMOTES_API_URL = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings.REMOTES_TIMEOUT_S = PATIENCE_S
    with pytest.raises(ApiAway) as failed:
        Remotes().send(*WHERE, LIGHTS)
    assert failed.value.may_have_arrived
    thread.join(PATIENCE_S)
    listener.close()


@pytest.mark.parametrize(
    ("raw", "seconds"), [("7", 7), ("0", 1), ("-5", 1), ("1e9", 86_400), ("nan", 60), ("soon", 60), ("", 60)]
)
def test_retry_after_is_read_whatever_it_is(raw: str, seconds: float) -> None:
    assert seconds_to_wait(raw) == seconds


def test_retry_after_may_be_a_date() -> None:
    assert seconds_to_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 1
    assert seconds_to_wait("Wed, 21 Oct 2065 07:28:00 GMT") == 86_400


@pytest.mark.parametrize("answer", [None, 7, {}, {"_embedded": 5}, {"_embedded": {"x": [1, "y"]}}, []])
def test_a_list_that_is_none_is_empty(answer: Any) -> None:
    assert listed_objects(answer) == []


# ---- mutual TLS ---------------------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path, settings: Settings) -> Iterator[trustme.CA]:
    """A vendor that asks for a client certificate of its own authority."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    authority.issue_cert("fleet@signalbox.example").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "client.pem")
    )
    vendor = Vendor(speed=100)
    server = serve(
        Simulator(vendor), "127.0.0.1", 0, certificate=str(tmp_path / "server.pem"), client_ca=str(tmp_path / "ca.pem")
    )
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    settings.REMOTES_API_URL = f"https://127.0.0.1:{server.server_address[1]}/connectedcar/v3"
    settings.REMOTES_CLIENT_ID, settings.REMOTES_TIMEOUT_S = "id", PATIENCE_S
    settings.REMOTES_CA, settings.REMOTES_CERTIFICATE = str(tmp_path / "ca.pem"), str(tmp_path / "client.pem")
    yield authority
    server.shutdown()
    server.server_close()
    vendor.stop()


def test_both_sides_show_their_certificate(tls: trustme.CA) -> None:
    with pytest.raises(ApiError) as refused:
        Remotes().callback("F", "none")
    assert refused.value.status == 404


def test_without_our_certificate_the_vendor_does_not_listen(tls: trustme.CA, settings: Settings) -> None:
    settings.REMOTES_CERTIFICATE = ""
    with pytest.raises(ApiAway):
        Remotes().callback("F", "none")


def test_a_vendor_that_cannot_prove_itself_is_told_nothing(tls: trustme.CA, settings: Settings, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    settings.REMOTES_CA = str(tmp_path / "other.pem")
    with pytest.raises(ApiAway) as failed:
        Remotes().callback("F", "none")
    assert not failed.value.may_have_arrived


def test_a_certificate_that_cannot_be_read_is_said(tls: trustme.CA, settings: Settings) -> None:
    settings.REMOTES_CERTIFICATE = "/nowhere/client.pem"
    with pytest.raises(ApiAway) as failed:
        Remotes().callback("F", "none")
    assert not failed.value.may_have_arrived


# ---- callbacks ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_callback_is_registered_with_its_header_and_a_policy_that_repeats(vendor: Running) -> None:
    callback = CallbackFactory(fleet=FleetFactory(key="F"), callback_id="", status="", batch_window_s=30)
    register_callback(callback=callback, header_value=HEADER_VALUE)
    hook = vendor.vendor.hooks[callback.callback_id]
    assert (hook.target, hook.headers) == (address_of(callback), {"Authorization": HEADER_VALUE})
    assert (hook.retries, hook.batch_size, hook.batch_window_s) == (4320, 500, 30)
    callback.refresh_from_db()
    assert callback.status == "Running"


@pytest.mark.django_db
def test_registering_says_what_is_wrong(vendor: Running, settings: Settings) -> None:
    callback = CallbackFactory(callback_id="")
    with pytest.raises(Refused, match="not the header’s value"):
        register_callback(callback=callback, header_value="something else")
    settings.REMOTES_PASSWORD = "wrong"
    with pytest.raises(Refused, match="HTTP 401"):
        register_callback(callback=callback, header_value=HEADER_VALUE)
    callback.refresh_from_db()
    assert callback.callback_id == ""
