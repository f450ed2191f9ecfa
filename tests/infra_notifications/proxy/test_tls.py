"""TLS at the proxy: the certificate that stations see, its renewal, client certificates, and a CSMS behind wss://."""

from __future__ import annotations

import asyncio
import base64
import signal
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from infra_notifications.proxy.options import Options
from infra_notifications.proxy.tls import station_context
from tests.infra_notifications.proxy.peers import Proxy, Station, csms, play, proxy, relaying, station
from tests.infra_notifications.proxy.test_frames import frame
from tests.mailserver import free_port
from tests.waiting import PATIENCE_S, soon

TEXT = 1


def trusting(*authorities: trustme.CA, as_station: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for authority in authorities:
        authority.configure_trust(context)
    if as_station is not None:
        as_station.configure_cert(context)
    return context


def write(folder: Path, leaf: trustme.LeafCert) -> None:
    """Certificate and key in two files, as certbot and others leave them."""
    (folder / "key.pem").write_bytes(leaf.private_key_pem.bytes())
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))


def shown(peer: Station) -> bytes:
    certificate: bytes = peer.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return certificate


class Stations:
    """An authority for stations and what the proxy is told of it."""

    def __init__(self, folder: Path) -> None:
        self.authority, self.server = trustme.CA(), trustme.CA()
        write(folder, self.server.issue_cert("localhost"))
        (folder / "stations.pem").write_bytes(self.authority.cert_pem.bytes())
        self.options = Options(
            certificate=folder / "cert.pem", key=folder / "key.pem", client_ca=folder / "stations.pem"
        )


def test_a_client_certificate_is_checked_and_passed_on(tmp_path: Path) -> None:
    made = Stations(tmp_path)
    leaf = made.authority.issue_cert("cp-1.stations.example", common_name="CP-1")

    async def scene() -> None:
        async with csms() as system, relaying(system.url, tls=station_context(made.options)) as running:
            tls = trusting(made.server, as_station=leaf)
            peer = await station(running.port, "/site/CP-1", "Client-Cert: :Zm9yZ2Vk:", tls=tls)
            assert peer.head.status == 101
            visit = await system.visit()
            der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
            assert visit.head.get("Client-Cert") == f":{base64.b64encode(der).decode()}:"
            assert visit.head.get("X-Forwarded-Proto") == "https"
            raw = frame(TEXT, b"x" * 300_000) + frame(TEXT, b"end")
            peer.writer.write(raw)
            assert await visit.read(len(raw)) == raw
            visit.writer.write(raw)
            assert await peer.read(len(raw)) == raw
            peer.writer.close()
            assert await visit.read_rest() == b""
            await soon(lambda: not running.relay.pairs)

    play(scene())


def test_a_forged_header_is_dropped_where_there_is_no_certificate(tmp_path: Path) -> None:
    made = Stations(tmp_path)

    async def scene() -> None:
        async with csms() as system, relaying(system.url, tls=station_context(made.options)) as running:
            peer = await station(running.port, "/site/CP-1", "client-cert: :Zm9yZ2Vk:", tls=trusting(made.server))
            assert peer.head.status == 101
            assert (await system.visit()).head.get("Client-Cert") is None

    play(scene())


@pytest.mark.parametrize("required", [True, False])
def test_a_certificate_of_another_authority_is_no_certificate(tmp_path: Path, required: bool) -> None:
    made = Stations(tmp_path)
    options = Options(
        certificate=made.options.certificate,
        key=made.options.key,
        client_ca=made.options.client_ca,
        client_required=required,
    )
    stranger = trustme.CA().issue_cert("cp-1.stations.example")

    async def refused(context: ssl.SSLContext, port: int) -> bool:
        try:
            return (await station(port, tls=context)).head.status != 101
        except (OSError, EOFError):
            return True

    async def scene() -> None:
        async with csms() as system, relaying(system.url, tls=station_context(options)) as running:
            assert await refused(trusting(made.server, as_station=stranger), running.port)
            assert await refused(trusting(made.server), running.port) is required

    play(scene())


def test_a_csms_behind_tls_is_judged_by_its_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)

    async def scene() -> None:
        async with csms(tls=server) as system:
            url = system.url.replace("ws://", "wss://")
            async with relaying(url, upstream_ca=tmp_path / "ca.pem") as running:
                peer = await station(running.port)
                assert peer.head.status == 101
                visit = await system.visit()
                raw = frame(TEXT, b"x" * 1_000_000)
                peer.writer.write(raw)
                assert await visit.read(len(raw)) == raw
                visit.writer.close()
                assert await peer.read_rest() == b""
            async with relaying(url) as running:  # the system's authorities do not know it
                assert (await station(running.port)).head.status == 502

    play(scene())


# ---- the certificate of the real process ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def csms_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def running(folder: Path, csms_port: int) -> Iterator[Proxy]:
    write(folder, trustme.CA().issue_cert("localhost"))
    names = {"OCPP_TLS_CERTIFICATE": str(folder / "cert.pem"), "OCPP_TLS_KEY": str(folder / "key.pem")}
    with proxy(folder, f"site=ws://127.0.0.1:{csms_port}/ocpp", **names) as process:
        yield process


async def retried(port: int, tls: ssl.SSLContext) -> Station:
    """A station, as soon as the proxy shows the certificate that it trusts."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            peer = await station(port, tls=tls)
            assert peer.head.status == 101
            return peer
        except ssl.SSLError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)


@pytest.mark.processes
def test_a_new_certificate_is_shown_without_a_restart(running: Proxy, folder: Path, csms_port: int) -> None:
    async def scene() -> None:
        async with csms(port=csms_port) as system:
            first, second = trustme.CA(), trustme.CA()
            write(folder, first.issue_cert("localhost"))
            old = await retried(running.port, trusting(first))
            visit = await system.visit()
            write(folder, second.issue_cert("localhost"))
            new = await retried(running.port, trusting(second))
            assert shown(old) != shown(new)
            # Who is connected stays so.
            old.writer.write(frame(TEXT, b"still here"))
            assert len(await visit.read(16)) == 16

    play(scene())


@pytest.mark.processes
def test_a_certificate_that_cannot_be_read_changes_nothing(running: Proxy, folder: Path, csms_port: int) -> None:
    async def scene() -> None:
        async with csms(port=csms_port):
            authority = trustme.CA()
            write(folder, authority.issue_cert("localhost"))
            running.process.send_signal(signal.SIGHUP)
            await retried(running.port, trusting(authority))
            (folder / "cert.pem").write_bytes(b"half a certi")
            await soon(lambda: "certificate not read" in running.log())
            peer = await station(running.port, tls=trusting(authority))
            assert peer.head.status == 101

    play(scene())
