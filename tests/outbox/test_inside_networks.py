"""Of what answers in a private network that the settings open, nobody learns more than its status."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from outbox.choices import DeliveryState, Reason
from outbox.transports.webhook import http
from outbox.transports.webhook.http import BlockingClient, Unreachable
from outbox.transports.webhook.targets import Forbidden, Policy, check_address, is_inside
from tests.outbox.hooks import LOOPBACK, deliver, endpoint_at, fresh, happened, tries
from tests.outbox.receiver import Answer, Receiver

SECRET = b"hunter2 of inside"
NEAR = Policy(LOOPBACK.networks, ("https", "http"), (443,))


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.OUTBOX_ALLOWED_NETWORKS = list(LOOPBACK.networks)
    with Receiver(lambda heard: Answer(400, SECRET)) as found:
        yield found


@pytest.mark.usefixtures("committed")
def test_status_of_a_receiver_inside_is_kept_and_its_words_are_not(receiver: Receiver) -> None:
    endpoint_at(receiver)
    deliveries = happened(12)
    deliver()
    told = [(attempt.code, attempt.answer) for delivery in deliveries for attempt in tries(delivery)]
    assert told == [(400, "")] * 12
    # Over a kept connection too, for which no address was judged.
    assert len({heard.connection for heard in receiver.heard}) < 12


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("banner", [b"SSH-2.0-" + SECRET, b"-ERR unknown " + SECRET, b"HTTP/1.1 200 OK\r\n" + SECRET])
def test_words_of_what_is_no_http_are_not_kept_either(receiver: Receiver, banner: bytes) -> None:
    receiver.says = lambda heard: Answer(raw=banner + b"\r\n\r\n", close=True)
    endpoint_at(receiver)
    (delivery,) = happened()
    deliver()
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.RETRYING, Reason.BROKEN_OFF)
    assert SECRET.decode() not in tries(delivery)[0].answer


def test_what_was_fetched_inside_says_so(receiver: Receiver) -> None:
    with BlockingClient(NEAR) as client:
        answer = client.ask("GET", receiver.url, {}, 1_000)
        assert (answer.status, answer.body, answer.is_inside) == (400, SECRET, True)
        receiver.says = lambda heard: Answer(raw=b"SSH-2.0-" + SECRET + b"\r\n")
        with pytest.raises(Unreachable) as failed:
            client.ask("GET", receiver.url, {}, 1_000)
    assert SECRET.decode() not in str(failed.value)


def test_blocking_client_goes_nowhere_that_was_not_judged(receiver: Receiver) -> None:
    with BlockingClient(Policy()) as client:
        for url in (receiver.url, receiver.url.replace("127.0.0.1", "localhost"), "https://[::ffff:127.0.0.1]/"):
            with pytest.raises(Forbidden):
                client.ask("GET", url, {}, 1_000)
    assert receiver.heard == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["0.0.0.0"],
        ["::"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["10.1.2.3"],
        ["1.1.1.1", "127.0.0.1"],
    ],
)
def test_no_name_leads_a_client_inside(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    """Parties of OCPI, feeds and the vendor's API are asked through this one, whatever their names lead to."""
    monkeypatch.setattr(http, "look_up", lambda host: addresses)
    policy, url = Policy((), ("https", "http"), (receiver.port,)), f"http://127.0.0.1.nip.example:{receiver.port}/"
    with BlockingClient(policy) as client, pytest.raises(Unreachable, match=r"public address") as failed:
        client.ask("POST", url, {}, 1_000, b"{}")
    assert not failed.value.may_have_arrived
    assert receiver.connections == 0


def test_no_answer_leads_a_client_on(receiver: Receiver) -> None:
    with (
        Receiver(lambda heard: Answer(302, headers={"Location": receiver.url})) as first,
        BlockingClient(NEAR) as client,
    ):
        assert client.ask("GET", first.url, {}, 1_000).status == 302
    assert receiver.heard == []


def test_what_was_never_sent_is_told_from_what_may_have_arrived(receiver: Receiver) -> None:
    with BlockingClient(NEAR, total_s=0.3) as client:
        with pytest.raises(Unreachable) as failed:
            client.ask("POST", "http://127.0.0.1:9/", {}, 1_000, b"{}")
        assert not failed.value.may_have_arrived
        receiver.says = lambda heard: Answer(pause_s=5)
        with pytest.raises(Unreachable) as failed:
            client.ask("POST", receiver.url, {}, 1_000, b"{}")
        assert failed.value.may_have_arrived
        receiver.says = lambda heard: Answer(body=b"x" * 2_000)
        with pytest.raises(Unreachable, match="larger than"):
            client.ask("POST", receiver.url, {}, 1_000, b"{}")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with Receiver(tls=tls) as strange, BlockingClient(NEAR) as client:
        with pytest.raises(Unreachable) as failed:
            client.ask("POST", strange.url.replace("http:", "https:"), {}, 1_000, b"{}")
        assert not failed.value.may_have_arrived
        assert strange.heard == []


@given(st.ip_addresses(), st.sampled_from(["0.0.0.0/0", "::/0", "10.0.0.0/8", "127.0.0.0/8"]))
def test_an_address_is_inside_only_if_the_setting_alone_opens_it(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str
) -> None:
    def may_be_called(policy: Policy) -> bool:
        try:
            check_address(address, policy)
        except Forbidden:
            return False
        return True

    policy = Policy((ipaddress.ip_network(network),))
    inside = is_inside(address, policy)
    assert inside == (address in policy.networks[0] and not may_be_called(Policy()))
    if may_be_called(policy):
        assert inside or may_be_called(Policy())
