"""What `deploy/` sets up has no more rights than it needs: image, compose, systemd units, Kubernetes manifests."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from django.conf import settings

from core.alive import BY_FILE, PORTS
from tests.licences import table

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BY_DIGEST = re.compile(r"[\w./-]+(:[\w.-]+)?@sha256:[0-9a-f]{64}")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
# Those that are Signalbox and not an engine.
OURS = {name: service for name, service in COMPOSE["services"].items() if "image" not in service}
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
KUBERNETES = "1.31"
PARTS = {*BY_FILE, *PORTS}


# ---- image ----------------------------------------------------------------------------------------------------------


def test_image_stands_on_a_digest_and_runs_as_nobody_in_particular() -> None:
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.MULTILINE))
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert all(BY_DIGEST.fullmatch(arguments[base.removeprefix("$")]) for base in bases)
    (user,) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert all(int(number) >= 10_000 for number in user)
    # Root's is whatever it runs; it owns what it must write and nothing else.
    assert set(re.findall(r"--owner signalbox.*", DOCKERFILE)) == {
        "--owner signalbox --group signalbox /var/lib/signalbox/metrics /var/lib/signalbox/ocpp"
    }
    assert "chown" not in DOCKERFILE


def test_image_is_made_of_named_folders_and_of_all_of_them() -> None:
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*"
    taken = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
    }
    assert copied == taken
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize("name", ["deploy/signalbox.env", "deploy/production.env", ".env"])
def test_what_installations_fill_in_is_ignored_by_git(name: str) -> None:
    assert subprocess.run(["git", "check-ignore", "--quiet", name], cwd=ROOT, check=False).returncode == 0


# ---- compose --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_service_of_compose_may_do_little(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"]
    assert service["mem_limit"]
    assert not {"privileged", "network_mode", "pid", "devices", "cap_add"} & (
        service.keys() - ({"cap_add"} if name == "postgres" else set())
    )
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    if "image" in service:
        assert BY_DIGEST.fullmatch(service["image"])
    else:
        assert service["user"] == "10001:10001"
    if name != "migrate":
        check = service["healthcheck"]["test"]
        assert "image" in service or (check[:4] == ["CMD", "python", "-m", "core.alive"] and check[4] in PARTS)


def test_each_part_has_its_own_health_check() -> None:
    own = [
        service["healthcheck"]["test"][4]
        for service in COMPOSE["services"].values()
        if "image" not in service and "healthcheck" in service
    ]
    assert sorted(own) == sorted(PARTS)


# ---- systemd --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed (package systemd)")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_calls_a_unit_ok(unit: Path, tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "systemd", tmp_path / "etc/systemd/system")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=25", f"--root={tmp_path}", unit.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert level, done.stdout
    assert float(level[1]) <= 2.5


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_unit_has_an_account_a_folder_and_limits_of_its_own(unit: Path) -> None:
    text = unit.read_text()
    for line in ("User=signalbox", "StateDirectory=signalbox", "StateDirectoryMode=0700", "Restart=always"):
        assert f"\n{line}\n" in text
    assert re.search(r"^MemoryMax=\d+[GM]$", text, re.MULTILINE)
    assert re.search(r"^TasksMax=\d+$", text, re.MULTILINE)


# ---- Kubernetes -----------------------------------------------------------------------------------------------------


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield f"{path.stem}:{document['kind']}/{document['metadata']['name']}", document


DOCUMENTS = dict(manifests())
PODS = {name: one["spec"]["template"]["spec"] for name, one in DOCUMENTS.items() if "template" in one.get("spec", {})}


@pytest.fixture(scope="module")
def kubernetes_validate() -> ModuleType:
    """Loaded by these tests alone: it takes seconds, which every process of the tests would spend."""
    return importlib.import_module("kubernetes_validate")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_manifest_is_one_that_kubernetes_knows(name: str, kubernetes_validate: ModuleType) -> None:
    document = DOCUMENTS[name]
    kubernetes_validate.validate(document, KUBERNETES, strict=True)
    assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "signalbox"


def test_a_wrong_manifest_would_be_noticed(kubernetes_validate: ModuleType) -> None:
    wrong = yaml.safe_load(yaml.safe_dump(DOCUMENTS["20-web:Deployment/web"]))
    wrong["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRootFileSystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", PODS)
def test_pod_meets_the_restricted_standard_and_more(name: str) -> None:
    """Pod Security Standards, "restricted"; a read-only root, limits, and images by digest beside that."""
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert all(volume.keys() & {"emptyDir", "persistentVolumeClaim"} for volume in pod["volumes"])
    (container,) = pod["containers"]
    assert BY_DIGEST.fullmatch(container["image"])
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    if not name.startswith("10-migrate"):
        command = container["livenessProbe"]["exec"]["command"]
        assert command[:3] == ["python", "-m", "core.alive"]
        assert command[3] in PARTS
        assert container["startupProbe"]["exec"]["command"] == command


@pytest.mark.parametrize(("name", "pod", "limit"), [("web", "20-web", "WEB"), ("worker", "30-worker", "WORKER")])
def test_each_meets_its_own_limit_of_memory_before_that_of_the_system(name: str, pod: str, limit: str) -> None:
    """What asks for too much fails by itself; the system would end all of it."""
    unit = (DEPLOY / "systemd" / f"signalbox-{name}.service").read_text()
    given = {
        *re.findall(r"^MemoryMax=(\d+)M$", unit, re.MULTILINE),
        COMPOSE["services"][name]["mem_limit"].removesuffix("m"),
        PODS[f"{pod}:Deployment/{name}"]["containers"][0]["resources"]["limits"]["memory"].removesuffix("Mi"),
    }
    processes = int([*re.findall(r"--workers (\d+)", unit), settings.CELERY_WORKER_CONCURRENCY][0])
    of_a_process = getattr(settings, f"{limit}_MEMORY_MB") + 200
    assert {int(number) >= processes * of_a_process for number in given} == {True}


def test_beat_is_never_there_twice() -> None:
    beat = DOCUMENTS["30-worker:Deployment/beat"]["spec"]
    assert (beat["replicas"], beat["strategy"]["type"]) == (1, "Recreate")


def test_commands_are_the_same_everywhere() -> None:
    """What compose, Kubernetes and systemd start is the same program."""
    compose = {name: " ".join(service.get("command", ["granian"])[:3]) for name, service in OURS.items()}
    pods = {
        name.rpartition("/")[2]: " ".join(pod["containers"][0].get("command", ["granian"])[:3])
        for name, pod in PODS.items()
    }
    assert pods == compose


# ---- licences -------------------------------------------------------------------------------------------------------


def test_licences_that_ask_for_more_are_named() -> None:
    def package(name: str, *said: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "version": "1", "licenses": list(said)}

    fine = [
        package("a", {"license": {"id": "MIT"}}),
        package("b", {"expression": "Apache-2.0 OR GPL-3.0"}),
        package("c", {"license": {"name": "License :: OSI Approved :: BSD License"}}),
        package("python-crontab"),
    ]
    odd = [
        package("d", {"license": {"id": "AGPL-3.0-only"}}),
        package("e", {"license": {"id": "GPL-2.0"}}),
        package("f"),
    ]
    rows, named = table({"components": [*odd, *fine]})
    assert named == ["d: AGPL-3.0-only", "e: GPL-2.0", "f: none named"]
    assert rows[2:5] == ["| a | 1 | MIT |", "| b | 1 | Apache-2.0 OR GPL-3.0 |", "| c | 1 | BSD License |"]
