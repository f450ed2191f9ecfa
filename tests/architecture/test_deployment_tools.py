"""What `deploy/` holds is what its programs take: systemd's, nginx's own check, and the commands that are started."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from django.core.management import get_commands
from django.forms import BaseForm, FileField
from django.urls import reverse

from tests.console.walk import own_routes

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
PROGRAMS = ("srv/signalbox/.venv/bin/python", "bin/kill")


def verified(folder: Path, unit: str) -> str:
    """What systemd says of a unit on a machine where its programs are; "" where all is well."""
    for name in PROGRAMS:
        program = folder / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    words = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={folder}", unit]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_knows_every_word_of_a_unit(unit: Path, tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "systemd", tmp_path / "etc/systemd/system")
    assert verified(tmp_path, unit.name) == ""


@needs_systemd
@pytest.mark.parametrize(("right", "wrong"), [("Restart=always", "Restart=allways"), ("/.venv/bin/", "/venv/bin/")])
def test_a_wrong_unit_would_be_noticed(right: str, wrong: str, tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "systemd", tmp_path / "etc/systemd/system")
    unit = tmp_path / "etc/systemd/system/signalbox-ocpp-proxy.service"
    unit.write_text(unit.read_text().replace(right, wrong))
    assert verified(tmp_path, unit.name)


@pytest.mark.parametrize("example", ["nginx.conf", "nginx-ocpp.conf"])
def test_nginx_takes_the_example(example: str, tmp_path: Path) -> None:
    """As it is, but for its certificate and its ports; also the nginx of Debian 12."""
    if (nginx := shutil.which("nginx") or shutil.which("/usr/sbin/nginx")) is None:
        pytest.skip("nginx is not installed")
    leaf = trustme.CA().issue_cert("signalbox.example")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    text = (DEPLOY / example).read_text()
    text = re.sub(r"(ssl_certificate)(\s+)\S+;", rf"\1\2{tmp_path}/cert.pem;", text)
    text = re.sub(r"(ssl_certificate_key)(\s+)\S+;", rf"\1\2{tmp_path}/key.pem;", text)
    text = re.sub(r"listen (443|80)\b", r"listen 127.0.0.1:1\1", text)
    text = text.replace("/var/log/nginx", str(tmp_path))
    main = tmp_path / "nginx.conf"
    main.write_text(f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{text}\n}}\n")
    done = subprocess.run([nginx, "-t", "-p", tmp_path, "-c", main], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all("http2" in line for line in done.stderr.splitlines() if "[warn]" in line)


def uploads() -> dict[str, int]:
    """The path of each page that takes a file, and how many bytes it takes."""
    found = {}
    for route in own_routes():
        view: Any = inspect.unwrap(route.view)
        if "request.FILES" in inspect.getsource(getattr(view, "view_class", view)):
            used = [view.__globals__.get(name) for name in view.__code__.co_names]
            forms = [each for each in used if isinstance(each, type) and issubclass(each, BaseForm)]
            files = [field for form in forms for field in form().fields.values() if isinstance(field, FileField)]
            found[f"/{route.pattern}"] = max(field.most_bytes for field in files)  # type: ignore[attr-defined]
    return found


def test_the_proxy_lets_through_what_each_page_takes() -> None:
    nginx = (DEPLOY / "nginx.conf").read_text()
    (most,) = re.findall(r"^  client_max_body_size (\d+)m;", nginx, re.MULTILINE)
    own = dict(re.findall(r"location = (\S+) \{[^}]*client_max_body_size (\d+)m;", nginx))
    (ingress,) = re.findall(r"proxy-body-size: (\d+)m", (DEPLOY / "kubernetes/20-web.yaml").read_text())
    told = (DEPLOY.parent / "docs/security.md").read_text()
    assert len(uploads()) == 2
    for path, taken in uploads().items():
        # A form's own fields stand around the file.
        assert taken + 2**19 <= int(own.get(path, most)) * 2**20, path
        assert taken + 2**19 <= int(ingress) * 2**20, path
        assert f"{taken >> 20} MiB" in told, path
    assert set(own) == {path for path, taken in uploads().items() if taken > int(most) * 2**20}


def test_no_key_and_no_link_stands_in_the_log_of_nginx() -> None:
    (pattern,) = re.findall(r'"~(\^\S+)" "\$begin/\*\*\*"', (DEPLOY / "nginx.conf").read_text())
    long = re.compile(pattern.replace("(?<begin>", "(?P<begin>"))
    key = f"sbx_0123abcd_{'k' * 43}"
    for name in ("citrineos", "infra_notifications:mail_acknowledge", "outbox:unsubscribe"):
        path = reverse(name, args=[key])
        found = long.match(path)
        assert found is not None
        assert found["begin"] == path.partition(f"/{key}")[0]
    assert long.match("/infrastructure/charge-points/123/export.csv") is None
    assert long.match("/api/v1/charging/charge-points/DE*ABC*E1234567*1") is None


def commands() -> set[str]:
    """What compose and systemd start by manage.py."""
    lines = [line for unit in UNITS for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    lines += [" ".join(service.get("command", ())) for service in COMPOSE["services"].values()]
    return {name for line in lines for name in re.findall(r"manage\.py (\w+)", line)}


def test_every_command_that_is_started_is_one() -> None:
    assert {"migrate", "ocpp_proxy", "mqtt_consumer"} <= commands() <= set(get_commands())


def test_compose_names_only_what_it_has() -> None:
    """The volumes that services use, the services that they wait for, and the file of their settings."""
    services = COMPOSE["services"]
    used = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", ())}
    assert used == COMPOSE["volumes"].keys()
    awaited = {name for service in services.values() for name in service.get("depends_on", ())}
    assert awaited <= services.keys()
    assert {service["env_file"] for service in services.values() if "env_file" in service} == {"signalbox.env"}
    assert (DEPLOY / "signalbox.env.example").is_file()


def test_the_proxys_folder_outlives_its_container() -> None:
    """What it heard, and the copy of its routes, lie below VAR_DIR in `ocpp`."""
    proxy = COMPOSE["services"]["ocpp-proxy"]
    assert proxy["volumes"] == ["proxy:/var/lib/signalbox/ocpp"]
    # In memory lies as much as the proxy may put there, twice over with its journals.
    assert proxy["shm_size"] == "128m"
