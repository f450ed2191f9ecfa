"""The house rules that a machine can check: directions, sockets, relations, file names, sizes."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
DOMAINS = ("infra_notifications", "vehicles", "fleet_remotes", "bikeshare")
APPS = (*DOMAINS, "outbox", "console", "core")
# Modules that an app may have at its top, the same names everywhere (docs/architecture.md).
MODULES = {
    "__init__",
    "admin",
    "api",
    "apps",
    "choices",
    "client",
    "demo",
    "event_kinds",
    "filters",
    "forms",
    "ingest",
    "mailing",
    "models",
    "rules",
    "search",
    "selectors",
    "services",
    "tables",
    "tasks",
    "tiles",
    "urls",
    "views",
}
# What only one app needs.
OWN_MODULES = {
    # Processes of their own: the link to a broker, and the OCPP proxy.
    "infra_notifications": {"evse_ids", "mqtt", "proxy"},
    "outbox": {"checks", "contract", "dispatcher", "metrics", "nudge", "subscriptions", "transports", "watch"},
    "console": {
        *("accounts", "admin_site", "charts", "context_processors", "lists", "middleware", "navigation", "paging"),
        "bell",
        "unsent",
    },
    "core": {
        "addresses",
        "alive",
        "background",
        "batches",
        "bodies",
        "breaches",
        "cache",
        "combine",
        "corrections",
        "clock",
        "deciding",
        "declared",
        "hold",
        "listening",
        "postgres_tools",
        "device_clock",
        "email_addresses",
        "encryption",
        "field_types",
        "files",
        "erasure",
        "handlers",
        "hashing",
        "health",
        "identities",
        "keys",
        "lifecycle",
        "logs",
        "memory",
        "metrics",
        "middleware",
        "amounts",
        "moments",
        "parties",
        "patience",
        "passwords",
        "people",
        "permissions",
        "pieces",
        "problems",
        "rates",
        "receipts",
        "refusal",
        "registry",
        "reporting",
        "retention",
        "roles",
        "samples",
        "schema_words",
        "schedule",
        "sheets",
        "slow_bodies",
        "sql",
        "text",
        "time_zones",
        "undo",
        "unit_of_work",
        "versions",
        "words",
    },
    # The 38 notifications: what they are and in which words drivers read them, as data.
    "vehicles": {"catalogue"},
    # Failure causes and commands: what they mean, in words.
    "fleet_remotes": {"catalogue"},
}
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 60


@cache
def sources() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return tuple(Path(name) for name in listed if (ROOT / name).is_file())


@cache
def tree(path: Path) -> ast.Module:
    """A file's syntax, read once for all the rules that look at it."""
    return ast.parse((ROOT / path).read_text())


def own_code() -> list[Path]:
    return [p for p in sources() if p.parts[0] in (*APPS, "config") and "migrations" not in p.parts]


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever the statement stands."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _config(package: str) -> AppConfig:
    """The app of a package: core bears the label of the console, where its tables were made."""
    return next(config for config in apps.get_app_configs() if config.name == package)


def test_shared_models_relate_to_no_domain_and_domains_not_to_one_another() -> None:
    for app in APPS:
        for model in _config(app).get_models():
            for field in model._meta.get_fields():
                related = getattr(field, "related_model", None)
                if related is None or field.auto_created:
                    continue
                target = related._meta.app_label
                if app in ("outbox", "console", "core"):
                    assert target not in DOMAINS, f"{model.__name__}.{field.name} relates to {target}"
                else:
                    assert target == app or target not in DOMAINS, f"{model.__name__}.{field.name} relates to {target}"


def test_every_app_has_the_same_file_names() -> None:
    for path in own_code():
        if len(path.parts) < 2 or path.parts[0] == "config":
            continue
        app, module = path.parts[0], path.parts[1].removesuffix(".py")
        if module in ("management", "templatetags", "migrations"):
            continue
        known = MODULES | OWN_MODULES.get(app, set())
        assert module in known, f"{path}: {module} is no module name of the house"


def test_tasks_are_thin_doors() -> None:
    for path in own_code():
        if path.name != "tasks.py":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= 11, f"{path}: {node.name} has {length} lines"


def test_files_and_functions_stay_small() -> None:
    large = {str(path): n for path in own_code() if (n := (ROOT / path).read_text().count("\n")) > MAX_FILE_LINES}
    for path in own_code():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                large |= {f"{path}: {node.name}": length} if length > MAX_FUNCTION_LINES else {}
    assert large == {}, "files and functions that have too many lines"


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path) for path in own_code() if tree(path).body and not ast.get_docstring(tree(path))]
    assert silent == []


def test_import_directions_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
