"""Who may open a connection, and to where: what others name goes through the one client that judges every address."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.test_layout import imported, own_code, tree

# Packages and modules by which a connection can be opened, whatever they are called with.
NETWORK = {
    "aiohttp",
    "apprise",
    "boto3",
    "ftplib",
    "http.client",
    "httpx",
    "imaplib",
    "paho",
    "poplib",
    "pycurl",
    "redis",
    "requests",
    "smtplib",
    "socket",
    "socketserver",
    "telnetlib",
    "urllib.request",
    "urllib3",
    "websockets",
    "xmlrpc",
}
# The same by an event loop or by Django.
OPENS = {"open_connection", "create_connection", "create_datagram_endpoint", "sock_connect", "get_connection"}
CHECKED = "outbox/transports/webhook/http.py"
# Each with what it may reach, and who says so.
MAY_OPEN = {
    CHECKED: "any URL, after its addresses were judged",
    "infra_notifications/proxy/upstream.py": "a route's CSMS, after its addresses were judged by the same rules",
    "outbox/transports/email/smtp.py": "the mail server of EMAIL_URL",
    "outbox/services/bounces/mailbox.py": "the mailbox of BOUNCE_MAILBOX_URL",
    "infra_notifications/mqtt/link.py": "the broker of MQTT_URL",
    "core/alive.py": "this machine's own port",
    "core/slow_bodies.py": "ends what came in, and begins nothing",
    "core/services.py": "nothing: it asks for this machine's name",
}
CLIENTS = ("bikeshare/client.py", "fleet_remotes/client.py", "infra_notifications/services/ocpi/peers.py")
# They listen, and read what came in; for demo and development.
LISTENERS = ("infra_notifications/proxy/", "config/demo/")


def opens(path: Path) -> set[str]:
    """By what a module could open a connection."""
    found = {name for name in imported(path) if any(name == n or name.startswith(f"{n}.") for n in NETWORK)}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and node.attr in OPENS:
            found.add(node.attr)
        # `importlib.import_module("socket")`, `__import__("socket")`
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function in ("import_module", "__import__") and node.args[0].value in NETWORK:
                found.add(str(node.args[0].value))
    return found


def is_for_development(path: Path) -> bool:
    return "simulator" in path.parent.name or path.stem.endswith("_simulator")


def test_only_these_modules_open_connections() -> None:
    found = {str(path): opens(path) for path in own_code() if not is_for_development(path)}
    unknown = {
        path: names
        for path, names in found.items()
        if names and path not in MAY_OPEN and not path.startswith(LISTENERS)
    }
    assert not unknown, f"call out by outbox.transports.webhook.http, or say here where this leads: {unknown}"
    assert all(found[path] for path in MAY_OPEN), "a module of the table opens nothing any more"


def test_of_those_that_listen_only_one_calls() -> None:
    listening = [path for path in own_code() if str(path).startswith("infra_notifications/proxy/")]
    assert [str(path) for path in listening if opens(path) & (OPENS | {"http.client"})] == [
        "infra_notifications/proxy/upstream.py"
    ]


@pytest.mark.parametrize("client", CLIENTS)
def test_clients_of_domains_use_the_checked_one(client: str) -> None:
    assert "outbox.transports.webhook.http.BlockingClient" in imported(Path(client))


@pytest.mark.parametrize(
    "line",
    [
        "import socket",
        "from urllib import request",
        "from urllib.request import urlopen",
        "import httpx as h",
        "def f():\n    import requests",
        "import asyncio\nasyncio.open_connection('h', 1)",
        "import importlib\nimportlib.import_module('http.client')",
        "__import__('aiohttp')",
    ],
)
def test_no_way_is_overlooked(line: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(line)
    assert opens(path)
