"""Where outgoing calls may go: tables of URLs and addresses that must and must not pass."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from outbox.transports.webhook.targets import Forbidden, Policy, Target, check_address, parse_target

STRICT = Policy()


def allowing(*networks: str) -> Policy:
    return Policy(networks=tuple(ipaddress.ip_network(one) for one in networks))


LOOPBACK = allowing("127.0.0.0/8", "::1/128")


def reachable(address: str, policy: Policy = STRICT, *, unusual: bool = False) -> bool:
    try:
        check_address(ipaddress.ip_address(address), policy, only_named_networks=unusual)
    except Forbidden:
        return False
    return True


# ---- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::200e"])
def test_public_address_is_called(address: str) -> None:
    assert reachable(address)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("fc00::1", "private"),
        ("fd12:3456::1", "private"),
        ("fec0::1", "private"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("169.254.169.254", "metadata"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("100.64.0.1", "CGNAT"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.250", "multicast"),
        ("ff02::1", "multicast"),
        ("ff0e::1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("240.0.0.1", "reserved"),
        ("192.0.0.8", "reserved"),
        ("192.88.99.1", "reserved"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.7", "documentation"),
        ("203.0.113.7", "documentation"),
        ("2001:db8::1", "documentation"),
        ("3fff::1", "documentation"),
        ("198.18.0.1", "benchmarks"),
        ("100::1", "reserved"),
        ("2001:2::1", "reserved"),
        ("2001:20::1", "reserved"),
        ("5f00::1", "reserved"),
        ("::ffff:127.0.0.1", "IPv4-mapped"),
        ("::ffff:8.8.8.8", "IPv4-mapped"),
        ("::ffff:a9fe:a9fe", "IPv4-mapped"),
        ("::ffff:0:127.0.0.1", "IPv4-translated"),
        ("::127.0.0.1", "IPv4-compatible"),
        ("64:ff9b::7f00:1", "NAT64"),
        ("64:ff9b::808:808", "NAT64"),
        ("64:ff9b:1::a00:1", "NAT64"),
        ("2002:7f00:1::", "6to4"),
        ("2002:a9fe:a9fe::1", "6to4"),
        ("2002:808:808::", "6to4"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
        ("2a00::5efe:7f00:1", "ISATAP"),
        ("2a00::200:5efe:a00:1", "ISATAP"),
        ("1000::1", "not a public address"),
        ("4000::1", "not a public address"),
    ],
)
def test_address_of_a_special_network_is_refused_by_name(address: str, kind: str) -> None:
    with pytest.raises(Forbidden, match=kind):
        check_address(ipaddress.ip_address(address), STRICT)


def test_address_bound_to_an_interface_is_refused() -> None:
    with pytest.raises(Forbidden, match="interface"):
        check_address(ipaddress.ip_address("fe80::1%eth0"), allowing("fe80::/10"))


@pytest.mark.parametrize(
    ("address", "networks", "allowed"),
    [
        ("127.0.0.1", ["127.0.0.0/8"], True),
        ("10.1.2.3", ["127.0.0.0/8"], False),
        ("10.1.2.3", ["10.1.0.0/16"], True),
        ("10.2.2.3", ["10.1.0.0/16"], False),
        ("169.254.169.254", ["169.254.169.254/32"], True),
        ("::1", ["127.0.0.0/8"], False),
        ("::ffff:127.0.0.1", ["127.0.0.0/8"], False),
        ("64:ff9b::808:808", ["64:ff9b::/96"], True),
        ("64:ff9b::7f00:1", ["64:ff9b::/96"], False),
        ("64:ff9b::7f00:1", ["64:ff9b::/96", "127.0.0.0/8"], True),
        ("2002:a00:1::", ["2002::/16"], False),
        ("::ffff:10.0.0.1", ["::/0"], False),
        ("fd00::1", ["::/0"], True),
        ("8.8.8.8", ["10.0.0.0/8"], True),
    ],
)
def test_named_network_opens_itself_and_nothing_else(address: str, networks: list[str], allowed: bool) -> None:
    assert reachable(address, allowing(*networks)) == allowed


def test_unusual_port_or_scheme_is_for_named_networks_alone() -> None:
    policy = allowing("10.0.0.0/8")
    assert reachable("10.0.0.1", policy, unusual=True)
    assert not reachable("8.8.8.8", policy, unusual=True)


@given(st.ip_addresses())
def test_no_address_that_the_standard_library_calls_private_passes(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if reachable(str(address)):
        assert address.is_global
        assert not address.is_multicast
        assert not any((address.is_private, address.is_loopback, address.is_link_local, address.is_reserved))


# ---- URLs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://hooks.example.com/in?key=1", "https://hooks.example.com/in?key=1"),
        ("HTTPS://Hooks.Example.COM", "https://hooks.example.com/"),
        ("https://hooks.example.com:443/", "https://hooks.example.com/"),
        ("https://hooks.example.com:8443/x", "https://hooks.example.com:8443/x"),
        ("https://hooks.example.com./x", "https://hooks.example.com/x"),
        ("https://8.8.8.8/x", "https://8.8.8.8/x"),
        ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]/x"),
        ("https://[2606:4700:0:0::1111]:8443/", "https://[2606:4700::1111]:8443/"),
        (
            "https://köln.example/süd?ort=nord süd".replace(" ", "+"),
            "https://xn--kln-sna.example/s%C3%BCd?ort=nord+s%C3%BCd",
        ),
        ("https://a.example/%2F%20?x=%41", "https://a.example/%2F%20?x=%41"),
        ("https://a_b.example/x", "https://a_b.example/x"),
        ("https://1.2.3.example/", "https://1.2.3.example/"),
        ("https://пример.example/", "https://xn--e1afmkfd.example/"),
    ],
)
def test_url_is_taken_and_written_in_one_way(url: str, written: str) -> None:
    target = parse_target(url, STRICT)
    assert target.url == written
    assert parse_target(written, STRICT) == target


@pytest.mark.parametrize(
    ("url", "said"),
    [
        # what is no URL
        ("", "begin with https"),
        ("hooks.example.com", "begin with https"),
        ("https://", "begin with https"),
        ("https:///path", "begin with https"),
        ("https://a.example:0/", "port"),
        ("https://a.example:/", "port"),
        ("https://a.example:99999/", "not a URL"),
        ("https://a.example:https/", "not a URL"),
        ("https://a .example/", "space"),
        ("https://a.example/\r\nX: y", "space"),
        ("https://a.example\\@127.0.0.1/", "backslash"),
        ("https://a.example/\u200b", "invisible"),
        ("https://a.example/#x", "fragment"),
        ("https://a.example/" + "x" * 2_000, "longer"),
        ("https://[::1", "not a URL"),
        ("https://[fe80::1%25eth0]/", "interface|not an IPv6"),
        # schemes and ports
        ("http://a.example/", "Only https"),
        ("ftp://a.example/", "begin with https"),
        ("file:///etc/passwd", "begin with https"),
        ("gopher://a.example/", "begin with https"),
        ("javascript:alert(1)", "begin with https"),
        ("https://a.example:22/", "port 443, 8443"),
        ("https://a.example:6379/", "port 443, 8443"),
        ("https://8.8.8.8:22/", "port 443, 8443"),
        # credentials
        ("https://user@a.example/", "user name"),
        ("https://user:secret@a.example/", "user name"),
        ("https://a.example@127.0.0.1/", "user name"),
        ("https://127.0.0.1:443@a.example/", "user name"),
        ("https://@a.example/", "user name"),
        # addresses
        ("https://127.0.0.1/", "loopback"),
        ("https://[::1]/", "loopback"),
        ("https://[::ffff:127.0.0.1]/", "IPv4-mapped"),
        ("https://[::ffff:7f00:1]/", "IPv4-mapped"),
        ("https://[64:ff9b::7f00:1]/", "NAT64"),
        ("https://[2002:7f00:1::]/", "6to4"),
        ("https://169.254.169.254/latest/meta-data", "metadata"),
        ("https://192.168.0.10:8443/", "private"),
        # odd spellings of addresses
        ("https://0x7f.1/", "odd spelling"),
        ("https://0x7f000001/", "odd spelling"),
        ("https://127.1/", "odd spelling"),
        ("https://127.0.0.01/", "odd spelling"),
        ("https://0177.0.0.1/", "odd spelling"),
        ("https://2130706433/", "odd spelling"),
        ("https://017700000001/", "odd spelling"),
        ("https://127.0.0.1./", "odd spelling"),
        ("https://127.0.0.0x1/", "odd spelling"),
        ("https://1.2.3.4.5/", "odd spelling"),
        ("https://256.1.1.1/", "odd spelling"),
        ("https://0x/", "odd spelling"),
        ("https://a.example.1/", "odd spelling"),
        # look-alikes
        ("https://１２７.０.０.１/", "look like|odd spelling"),
        ("https://127。0。0。1/", "look like|odd spelling"),
        ("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "look like"),
        ("https://ｅxample.com/", "look like"),
        ("https://exa\u00admple.com/", "invisible"),
        ("https://pаypal.com/", "alphabets"),
        ("https://xn--pypal-4ve.com/", "alphabets"),
        ("https://xn--0.com/", "international name"),
        ("https://a%2eexample/", "not the name"),
        ("https://%31%32%37.0.0.1/", "not the name|odd spelling"),
        # names of the house
        ("https://localhost/", "local network"),
        ("https://LOCALHOST./", "local network"),
        ("https://a.localhost/", "local network"),
        ("https://router.local/", "local network"),
        ("https://metadata.google.internal/", "local network"),
        ("https://db/", "local network"),
        ("https://-a.example/", "not the name"),
        ("https://a..example/", "not the name"),
        ("https://" + "a" * 64 + ".example/", "not the name"),
    ],
)
def test_url_is_refused_with_a_sentence(url: str, said: str) -> None:
    with pytest.raises(Forbidden, match=said):
        parse_target(url, STRICT)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9000/x", "http://localhost:9000/", "https://[::1]:1234/", "http://hooks.example.com:9000/"],
)
def test_named_networks_take_any_port_and_plain_http(url: str) -> None:
    """What a name resolves to is judged when it is called."""
    target = parse_target(url, LOOPBACK)
    assert target.only_named_networks
    with pytest.raises(Forbidden):
        check_address(ipaddress.ip_address("8.8.8.8"), LOOPBACK, only_named_networks=target.only_named_networks)


def test_url_is_shown_without_the_key_in_its_query() -> None:
    assert parse_target("https://a.example/in?sig=secret", STRICT).shown == "https://a.example/in"


@given(st.text(max_size=30), st.text(alphabet="abc.:@[]0x127%/\\?#é。", max_size=30))
def test_whatever_passes_is_read_the_same_by_the_client(start: str, rest: str) -> None:
    """A difference between our reading and the HTTP client's would be a way around every check."""
    for url in (f"https://{start}{rest}", f"https://{rest}{start}", f"https://a.example{rest}"):
        try:
            target: Target = parse_target(url, STRICT)
        except Forbidden:
            continue
        read = URL(target.url, encoded=True)
        assert (read.scheme, read.raw_host, read.port) == (target.scheme, target.host, target.port)
        assert read.user is None
