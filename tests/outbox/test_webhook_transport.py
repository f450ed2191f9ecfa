"""Webhooks on the wire: signed, over kept connections, judged by their answer, never to a forbidden address."""

from __future__ import annotations

import base64
import hmac
import ipaddress
import itertools
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import trustme
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import WebhookVerificationError

from outbox.choices import DeliveryState, EndpointState, Reason, Verdict
from outbox.contract import ANSWER_BYTES
from outbox.models import Delivery, WebhookEndpoint
from outbox.services.webhooks import pause_endpoint, rotate_secret, send_test
from outbox.transports.webhook import http
from outbox.transports.webhook.http import judge_answer, pause_asked_for
from outbox.transports.webhook.signing import new_secret, signatures, signer
from outbox.transports.webhook.targets import Policy
from tests.mailserver import free_port
from tests.outbox.hooks import LOOPBACK, TRIP, deliver, endpoint_at, fresh, happened, make_due, tries
from tests.outbox.kit import Note
from tests.outbox.receiver import Answer, Receiver, Script

pytestmark = pytest.mark.usefixtures("committed")
Start = Callable[..., Receiver]


@pytest.fixture(autouse=True)
def _loopback_is_allowed(settings: Settings) -> None:
    settings.OUTBOX_ALLOWED_NETWORKS = list(LOOPBACK.networks)


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda says=None, **more: stack.enter_context(Receiver(says, **more))


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is taken for a public network, of whose answers the words are kept."""
    monkeypatch.setattr(http, "is_inside", lambda address, policy: False)


def always(answer: Answer) -> Script:
    return lambda heard: answer


# ---- what is sent -------------------------------------------------------------------------------------------------


def test_event_arrives_signed_and_whole(start: Start, public: None) -> None:
    receiver = start()
    endpoint = endpoint_at(receiver, headers={"Authorization": "Bearer them", "X-Tenant": "7"})
    (delivery,) = happened(kind=TRIP, subject="trip:7", payload=Note(title="Tür", words="auf"))
    assert deliver() == 1
    (heard,) = receiver.heard
    assert heard.verify(endpoint.secret)["data"] == {"title": "Tür", "words": "auf"}  # type: ignore[attr-defined]
    assert (heard.method, heard.path) == ("POST", "/hook")
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert (heard.headers["authorization"], heard.headers["x-tenant"]) == ("Bearer them", "7")
    assert abs(int(heard.headers["webhook-timestamp"]) - time.time()) < 60
    event = delivery.event
    event.refresh_from_db()
    assert heard.event | {"data": None} == {
        "id": event.public_id,
        "object": "event",
        "type": TRIP,
        "topic": TRIP,
        "timestamp": event.occurred_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "created": int(event.occurred_at.timestamp()),
        "domain": "test",
        "severity": "info",
        "subject": "trip:7",
        "program": None,
        "live_mode": True,
        "sequence": event.position,
        "version": event.position,
        "api_version": "2026-11-01",
        "data": None,
    }
    delivery = fresh(delivery)
    assert (delivery.state, delivery.reason, delivery.attempts) == (DeliveryState.DELIVERED, Reason.ACCEPTED, 1)
    (attempt,) = tries(delivery)
    assert (attempt.verdict, attempt.code, attempt.answer) == (Verdict.DELIVERED, 200, "ok")


def test_signature_is_that_of_the_specification() -> None:
    """The example of the specification's own reference implementations."""
    secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert signatures([signer(secret)], message, 1614265330, b'{"test": 2432232314}') == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_secret_is_of_the_size_that_the_specification_asks_for() -> None:
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert all(re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret) for secret in secrets)
    assert {len(base64.b64decode(secret[6:])) for secret in secrets} == {32}


def test_changed_body_does_not_verify(start: Start) -> None:
    receiver = start()
    endpoint = endpoint_at(receiver)
    happened()
    deliver()
    (heard,) = receiver.heard
    forged = type(heard)(**vars(heard) | {"body": heard.body.replace(b"dark", b"fine")})
    assert forged.body != heard.body
    with pytest.raises(WebhookVerificationError):
        forged.verify(endpoint.secret)  # type: ignore[attr-defined]


def test_old_and_new_secret_both_verify_until_the_overlap_ends(start: Start) -> None:
    receiver = start()
    endpoint = endpoint_at(receiver)
    old, new = endpoint.secret, rotate_secret(endpoint=endpoint, now=timezone.now())  # type: ignore[attr-defined]
    happened()
    deliver()
    heard = receiver.heard.pop()
    assert heard.verify(old) == heard.verify(new)
    assert heard.headers["webhook-signature"].count("v1,") == 2
    endpoint.secrets.filter(expires_at__isnull=False).update(expires_at=timezone.now())
    happened()
    deliver()
    heard = receiver.heard.pop()
    assert heard.verify(new)
    with pytest.raises(WebhookVerificationError):
        heard.verify(old)


def test_repeat_carries_the_same_id_and_body_and_a_fresh_signature(start: Start) -> None:
    answers = itertools.chain([Answer(503)], itertools.repeat(Answer()))
    receiver = start(lambda heard: next(answers))
    endpoint = endpoint_at(receiver)
    (delivery,) = happened()
    deliver()
    delivery = fresh(delivery)
    assert (delivery.state, delivery.reason) == (DeliveryState.RETRYING, Reason.TEMPORARY)
    make_due(delivery)
    time.sleep(1.01)  # the timestamp counts whole seconds
    deliver()
    first, second = receiver.heard
    assert (first.id, first.body) == (second.id, second.body)
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert second.verify(endpoint.secret)  # type: ignore[attr-defined]
    assert [one.code for one in tries(delivery)] == [503, 200]


def test_each_endpoint_gets_an_id_of_its_own_and_the_same_body(start: Start) -> None:
    receiver = start()
    endpoint_at(receiver), endpoint_at(receiver)
    happened()
    deliver()
    first, second = receiver.heard
    assert first.id != second.id
    assert first.body == second.body


def test_sequence_follows_the_log(start: Start) -> None:
    receiver = start()
    endpoint_at(receiver)
    deliveries = happened(20)
    deliver()
    found = {heard.event["id"]: heard.event["sequence"] for heard in receiver.heard}
    assert found == {one.event.public_id: fresh(one).event.position for one in deliveries}
    assert sorted(found.values()) == list(range(1, 21))


def test_connection_is_kept_for_the_next_request(start: Start) -> None:
    receiver = start()
    endpoint_at(receiver)
    happened(200)
    assert deliver() == 200
    assert receiver.connections <= http_connections()
    assert len({heard.id for heard in receiver.heard}) == 200


def http_connections() -> int:
    from outbox.transports.destination import QUICK_WINDOW

    return QUICK_WINDOW


def test_kept_connection_that_the_receiver_closed_costs_no_attempt(start: Start) -> None:
    """It closes after some answers without saying so: the next request finds the connection dead."""
    numbers = itertools.count(1)
    receiver = start(lambda heard: Answer(close=next(numbers) % 4 == 0))
    endpoint_at(receiver)
    deliveries = happened(30)
    deliver()
    assert {fresh(one).state for one in deliveries} == {DeliveryState.DELIVERED}
    assert {fresh(one).attempts for one in deliveries} == {1}


# ---- what the answer means ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (200, Verdict.DELIVERED, Reason.ACCEPTED),
        (202, Verdict.DELIVERED, Reason.ACCEPTED),
        (204, Verdict.DELIVERED, Reason.ACCEPTED),
        (301, Verdict.RETRY, Reason.REDIRECT),
        (302, Verdict.RETRY, Reason.REDIRECT),
        (308, Verdict.RETRY, Reason.REDIRECT),
        (400, Verdict.FAILED, Reason.REJECTED),
        (401, Verdict.FAILED, Reason.REJECTED),
        (403, Verdict.FAILED, Reason.REJECTED),
        (404, Verdict.FAILED, Reason.REJECTED),
        (409, Verdict.FAILED, Reason.REJECTED),
        (422, Verdict.FAILED, Reason.REJECTED),
        (408, Verdict.RETRY, Reason.TEMPORARY),
        (425, Verdict.RETRY, Reason.TEMPORARY),
        (429, Verdict.RETRY, Reason.TEMPORARY),
        (410, Verdict.FAILED, Reason.GONE),
        (500, Verdict.RETRY, Reason.TEMPORARY),
        (502, Verdict.RETRY, Reason.TEMPORARY),
        (503, Verdict.RETRY, Reason.TEMPORARY),
        (504, Verdict.RETRY, Reason.TEMPORARY),
    ],
)
def test_status_decides(status: int, verdict: Verdict, reason: Reason) -> None:
    outcome = judge_answer(status, "words", None)
    assert (outcome.verdict, outcome.reason, outcome.code, outcome.answer) == (verdict, reason, status, "words")


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Sat, 21 Nov 2026 09:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 08:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        (None, None),
        ("9" * 400, 9_999_999_999.0),
    ],
)
def test_retry_after_is_read_in_seconds_or_as_a_date(header: str | None, pause: float | None) -> None:
    assert pause_asked_for(header, 1_795_251_600.0) == pause


def test_retry_after_puts_the_next_attempt_off_and_rests_the_endpoint(start: Start) -> None:
    receiver = start(always(Answer(429, headers={"Retry-After": "90"})))
    endpoint_at(receiver)
    deliveries = happened(40)
    before = timezone.now()
    deliver()
    after = timezone.now()
    found = [fresh(one) for one in deliveries]
    assert {one.state for one in found} <= {DeliveryState.PENDING, DeliveryState.RETRYING}
    asked = [one for one in found if one.attempts]
    assert 1 <= len(asked) == len(receiver.heard) <= 8
    assert all(one.next_attempt_at and one.next_attempt_at >= before + timedelta(seconds=90) for one in asked)
    rested = [one for one in found if not one.attempts]
    assert rested
    assert all(one.next_attempt_at and one.next_attempt_at <= after + timedelta(seconds=61) for one in rested)


def test_gone_disables_the_endpoint_and_keeps_what_waits(start: Start) -> None:
    receiver = start(always(Answer(410)))
    endpoint = endpoint_at(receiver)
    (later,) = happened()
    later_due = timezone.now() + timedelta(hours=1)
    type(later).objects.filter(pk=later.pk).update(next_attempt_at=later_due)
    (delivery,) = happened()
    deliver()
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.reason) == (EndpointState.DISABLED, Reason.GONE)
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.FAILED, Reason.GONE)
    assert (fresh(later).state, fresh(later).reason) == (DeliveryState.SUPPRESSED, Reason.DISABLED)
    (after,) = happened()
    assert (after.state, after.reason) == (DeliveryState.SUPPRESSED, Reason.DISABLED)


def test_rejection_fails_at_once_and_keeps_four_kilobytes_of_the_answer(start: Start, public: None) -> None:
    receiver = start(always(Answer(400, b"x" * 9_000 + b"\xff\x00")))
    endpoint_at(receiver)
    (delivery,) = happened()
    deliver()
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.FAILED, Reason.REJECTED)
    (attempt,) = tries(delivery)
    assert attempt.answer == "x" * ANSWER_BYTES


def test_endless_answer_is_cut(start: Start) -> None:
    receiver = start(always(Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"y" * 200_000)))
    endpoint_at(receiver)
    (delivery,) = happened()
    deliver()
    assert fresh(delivery).state == DeliveryState.DELIVERED


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(drop=True), Reason.BROKEN_OFF),
        (Answer(raw=b"220 mail.example ESMTP\r\n\r\n", close=True), Reason.BROKEN_OFF),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nX: " + b"z" * 20_000 + b"\r\n\r\n", close=True), Reason.BROKEN_OFF),
        (Answer(raw=b"", close=True), Reason.BROKEN_OFF),
    ],
)
def test_answer_that_is_none_is_tried_again(start: Start, answer: Answer, reason: Reason) -> None:
    receiver = start(always(answer))
    endpoint_at(receiver)
    (delivery,) = happened()
    deliver()
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.RETRYING, reason)


def test_receiver_that_is_not_there_is_tried_again() -> None:
    endpoint_at(f"http://127.0.0.1:{free_port()}/")
    (delivery,) = happened()
    deliver()
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.RETRYING, Reason.CONNECTION)
    assert fresh(delivery).attempts == 1


def test_receiver_that_hangs_is_given_up_in_time(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TOTAL_S", 0.4)
    receiver = start(always(Answer(pause_s=3_600)))
    endpoint_at(receiver)
    (delivery,) = happened()
    deliver()
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.RETRYING, Reason.TIMEOUT)
    (attempt,) = tries(delivery)
    assert 380 <= attempt.duration_ms < 10_000


def test_time_outs_are_those_of_the_contract() -> None:
    assert (http.TOTAL_S, http.CONNECT_S) == (15.0, 5.0)


def test_cookies_of_one_receiver_reach_nobody(start: Start) -> None:
    receiver = start(always(Answer(headers={"Set-Cookie": "session=1; Path=/"})))
    endpoint_at(receiver), endpoint_at(receiver)
    happened(3)
    deliver()
    assert not any("cookie" in heard.headers for heard in receiver.heard)


# ---- paused, disabled, deleted, test --------------------------------------------------------------------------------


def test_endpoint_paused_after_the_event_holds_it_back(start: Start) -> None:
    receiver = start()
    endpoint = endpoint_at(receiver)
    (delivery,) = happened()
    WebhookEndpoint.objects.update(state=EndpointState.PAUSED)  # between publishing and claiming
    deliver()
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.SUPPRESSED, Reason.PAUSED)
    assert (receiver.heard, tries(delivery)) == ([], [])
    assert endpoint.pk


def test_test_event_goes_to_its_endpoint_alone_also_while_paused(start: Start) -> None:
    receiver, other = start(), start()
    endpoint = endpoint_at(receiver, TRIP)
    endpoint_at(other, "*")
    pause_endpoint(endpoint=endpoint, now=timezone.now())
    sent = send_test(endpoint=endpoint, sent_by="anna", now=timezone.now())
    deliver()
    (heard,) = receiver.heard
    assert heard.verify(endpoint.secret)["type"] == "webhook.test"  # type: ignore[attr-defined]
    assert heard.event["data"]["sent_by"] == "anna"
    assert fresh(sent).state == DeliveryState.DELIVERED
    assert other.heard == []


def test_deleted_endpoint_fails_what_is_claimed(start: Start) -> None:
    receiver = start()
    endpoint_at(receiver)
    (delivery,) = happened()
    WebhookEndpoint.objects.all().delete()
    deliver()
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.FAILED, Reason.DELETED)


def test_poisoned_event_fails_alone(start: Start) -> None:
    receiver = start()
    endpoint_at(receiver)
    poisoned, sound = happened(2)
    type(poisoned.event).objects.filter(pk=poisoned.event_id).update(payload=["no", "object"])
    deliver()
    assert (fresh(poisoned).state, fresh(poisoned).reason) == (DeliveryState.FAILED, Reason.TEMPLATE)
    assert "AttributeError" in tries(poisoned)[0].answer
    assert fresh(sound).state == DeliveryState.DELIVERED


@pytest.mark.parametrize("broken", ["deleted", "not base64"])
def test_endpoint_with_a_broken_row_fails_alone(start: Start, broken: str) -> None:
    receiver = start()
    endpoint = endpoint_at(receiver)
    sound = endpoint_at(receiver)
    endpoint.secrets.all().delete() if broken == "deleted" else endpoint.secrets.update(secret="whsec_x")
    happened()
    deliver()
    states = dict(Delivery.objects.values_list("list_key", "state"))
    assert states == {endpoint.key: DeliveryState.FAILED, sound.key: DeliveryState.DELIVERED}


# ---- no harm ------------------------------------------------------------------------------------------------------


def test_redirect_is_not_followed(start: Start) -> None:
    inside = start()
    receiver = start(always(Answer(307, headers={"Location": inside.url})))
    endpoint_at(receiver)
    (delivery,) = happened()
    deliver()
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.RETRYING, Reason.REDIRECT)
    assert (len(receiver.heard), inside.heard) == (1, [])


def test_literal_address_that_is_no_longer_allowed_is_not_called(start: Start) -> None:
    """The setting was narrowed after the endpoint was made."""
    receiver = start()
    endpoint_at(receiver)
    (delivery,) = happened()
    deliver(policy=Policy())
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.FAILED, Reason.FORBIDDEN)
    assert receiver.connections == 0


def names(monkeypatch: pytest.MonkeyPatch, answers: Iterator[list[str]]) -> list[str]:
    """Has the system's resolver answer this way; returns the names that it was asked for."""
    asked: list[str] = []

    def look_up(host: str) -> list[str]:
        asked.append(host)
        return next(answers)

    monkeypatch.setattr(http, "look_up", look_up)
    return asked


HOOKS = "http://hooks.example:{port}/"


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["127.0.0.1", "10.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],  # any port, plain http: in the named network alone
        ["127.0.0.1", "fe80::1%lo"],
    ],
)
def test_name_with_any_forbidden_address_is_not_called(
    start: Start, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    receiver = start()
    names(monkeypatch, itertools.repeat(addresses))
    endpoint_at(HOOKS.format(port=receiver.port))
    (delivery,) = happened()
    deliver()
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.FAILED, Reason.FORBIDDEN)
    assert receiver.connections == 0
    (attempt,) = tries(delivery)
    assert any(str(ipaddress.ip_address(address)) in attempt.answer for address in addresses)


def test_name_that_changes_its_mind_is_judged_at_each_connection(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: a good address first, an inner one at the delivery."""
    receiver = start(always(Answer(close=True)))
    asked = names(monkeypatch, itertools.chain([["127.0.0.1"]], itertools.repeat(["169.254.169.254"])))
    endpoint_at(HOOKS.format(port=receiver.port))
    (first,) = happened()
    deliver()
    (second,) = happened()
    deliver()
    assert fresh(first).state == DeliveryState.DELIVERED
    assert (fresh(second).state, fresh(second).reason) == (DeliveryState.FAILED, Reason.FORBIDDEN)
    assert asked == ["hooks.example"] * 2
    assert len(receiver.heard) == 1


def test_connection_is_made_to_the_judged_address_with_the_name_in_host(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is resolved once per connection; the system's resolver is not asked again by anybody."""
    receiver = start()
    names(monkeypatch, iter([["127.0.0.1"]]))
    monkeypatch.setattr(socket, "getaddrinfo", _refuse)
    endpoint_at(HOOKS.format(port=receiver.port))
    (delivery,) = happened()
    deliver()
    assert fresh(delivery).state == DeliveryState.DELIVERED
    (heard,) = receiver.heard
    assert heard.headers["host"] == f"hooks.example:{receiver.port}"


def _refuse(*arguments: Any, **_more: Any) -> Any:
    if isinstance(arguments[0], str) and "example" in arguments[0]:
        raise AssertionError(f"resolved behind our back: {arguments}")
    raise socket.gaierror(socket.EAI_NONAME, "only for the receiver's own address")


def test_socket_itself_refuses_what_the_resolver_let_by(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last guard: were the first one broken, no connection would be made."""
    receiver = start()
    names(monkeypatch, itertools.repeat(["127.0.0.1"]))
    endpoint_at(HOOKS.format(port=receiver.port))
    (delivery,) = happened()
    judged: list[str] = []
    judge = http.judge

    def only_the_last(address: str, policy: Policy) -> None:
        judged.append(address)
        if len(judged) > 1:
            judge(address, Policy())

    monkeypatch.setattr(http, "judge", only_the_last)
    deliver()
    assert judged == ["127.0.0.1"] * 2
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.FAILED, Reason.FORBIDDEN)
    assert receiver.connections == 0


def test_name_that_does_not_resolve_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(http, "look_up", look_up)
    endpoint_at("http://nowhere.example/")
    (delivery,) = happened()
    deliver()
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.RETRYING, Reason.CONNECTION)
    assert "Name or service not known" in tries(delivery)[0].answer


def test_proxy_of_the_environment_is_not_used(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, receiver = start(), start()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    endpoint_at(receiver)
    happened()
    deliver()
    assert (len(receiver.heard), proxy.connections) == (1, 0)


# ---- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def tls_server(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_tls_asks_for_the_name_of_the_url_at_the_pinned_address(
    start: Start, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA
) -> None:
    asked: list[str | None] = []
    context = tls_server(authority, "hooks.example")
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    receiver = start(tls=context)
    names(monkeypatch, itertools.repeat(["127.0.0.1"]))
    endpoint_at(f"https://hooks.example:{receiver.port}/")
    (delivery,) = happened()
    deliver(tls=trusting(authority))
    assert fresh(delivery).state == DeliveryState.DELIVERED
    assert asked == ["hooks.example"]


@pytest.mark.parametrize(("issued_to", "trusted"), [("other.example", True), ("hooks.example", False)])
def test_certificate_of_another_name_or_of_nobody_is_refused(
    start: Start, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA, issued_to: str, trusted: bool
) -> None:
    receiver = start(tls=tls_server(authority, issued_to))
    names(monkeypatch, itertools.repeat(["127.0.0.1"]))
    endpoint_at(f"https://hooks.example:{receiver.port}/")
    (delivery,) = happened()
    deliver(tls=trusting(authority) if trusted else None)
    assert (fresh(delivery).state, fresh(delivery).reason) == (DeliveryState.RETRYING, Reason.TLS)
    assert receiver.heard == []


def test_hmac_is_what_it_says() -> None:
    """Computed once more by hand, so that the package and our code cannot agree on the same mistake."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, b"msg_1.7.{}", "sha256").digest()).decode()
    assert signatures([signer(secret)], "msg_1", 7, b"{}") == f"v1,{expected}"
