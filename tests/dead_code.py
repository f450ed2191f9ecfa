"""Dead code, found by vulture: names of the product that nothing but tests uses, names of the tests that nothing uses.

What a template, a script or a dotted path names counts as used, and so does what a class body declares (fields,
choices, Meta, the attributes of pages): frameworks read it. What else a framework calls is in `CALLED_BY_OTHERS`, with
the reason.
"""

from __future__ import annotations

import ast
import keyword
import re
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from vulture import Vulture
from vulture.core import Item

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("bikeshare", "config", "console", "core", "fleet_remotes", "infra_notifications", "outbox", "vehicles")
BESIDE = ("bench", "tests", "manage.py")
MIN_CONFIDENCE = 60
# Of tests only these are judged: their variables are fixtures that are asked for by name, and marks.
CALLABLE = ("function", "method", "class")
# Patterns of names, with who uses them.
CALLED_BY_OTHERS: Mapping[str, str] = {
    "*Config": "Django finds an app's configuration by its base class",
    "clean_*": "Django's forms clean each field by the method of its name",
    "on_*": "paho-mqtt calls it for what comes from the broker",
    "label_from_instance": "Django's forms name each row of a choice by it",
    "from_db_value": "Django's model fields read from the database by it",
    "get_prep_value": "Django's model fields write to the database by it",
    "app_configs": "Django's system checks are given it",
    "check_field_key": "Django calls the checks that are registered",
    "check_breached_passwords": "Django calls the checks that are registered",
    "password_change": "Django's admin has a page of this name",
    "get_help_text": "Django's forms say by it what passwords are taken",
    "*DATE_FORMAT": "Django's formats of a language",
    "*TIME_FORMAT": "Django's formats of a language",
    "block_size": "Django sends so much of a file at once",
    "unraisablehook": "Python calls it for errors that cannot be raised",
    "process_exception": "Django asks its middleware about what a view raised",
    "RateAccount": "its rows are written by SQL; its declarations are read from the registry of models",
    "line_formatter": "config/server_log.json names it to the server",
    "has_*_permission": "Django's admin asks whether a page is allowed",
    "get_list_select_related": "Django's admin asks what its list joins",
    "save_formset": "Django's admin writes inline rows by it",
    "add_arguments": "Django's management commands",
    "as_sql": "Django's expressions write themselves",
    "has_changed": "Django's fields compare themselves with what was sent",
    "__init_subclass__": "Python calls it for each subclass",
    "disable_csrf": "crispy-forms reads it from a form's helper",
    "form_tag": "crispy-forms reads it from a form's helper",
    "parse_body": "django-ninja reads a request's body by it",
    "_has_been_logged": "Django logs a response unless it has this mark",
    "_csp_config": "django-csp reads from the response what a page may load",
    "preprocess": "Jinja2's extensions see a template's text by it",
    "setup_schedule": "celery's beat calls it at its start",
    "_heap": "celery's beat keeps its due tasks in it",
    "handle_[A-Z]*": "aiosmtpd calls it for each command of the mail's sender",
    "handle_*tag": "html.parser calls it for what it reads",
    "handle_data": "html.parser calls it for what it reads",
    "do_[A-Z]*": "http.server calls the method of the request's verb",
    "get_json": "the GBFS validator fetches by it",
    "log_message": "http.server writes its log by it",
    "close_connection": "http.server reads whether a connection stays open",
    "data_received": "asyncio calls it for a protocol",
    "get_buffer": "asyncio calls it for a protocol",
    "buffer_updated": "asyncio calls it for a protocol",
    "pause_writing": "asyncio calls it for a protocol",
    "resume_writing": "asyncio calls it for a protocol",
    "max_size": "asyncio's TLS reads from its class how much it reads at once",
    "x_labels": "pygal reads it from a chart",
    "y_labels": "pygal reads it from a chart",
    "urlpatterns": "Django reads an URL file's paths",
    "app_name": "Django reads an URL file's name space",
    "handler[45]0?": "Django reads the pages of errors from the root URL file",
    "TRANSPORT_ALIASES": "kombu's registry of brokers is changed in place",
    "asks_for": "the tests read from each view which permission it asks for",
    "deliver_due": "the tests and benchmarks deliver within their own process",
    "pytest_*": "pytest calls its hooks by their names",
}
# Decorators that hand a function to somebody who calls it.
REGISTERING = (
    "@shared_task*",
    "@receiver*",
    "@register*",
    "@admin.*",
    "@router.*",
    "@api.*",
    "@*.connect",
    "@condition*",
    "@pytest.fixture*",
    "@given*",
    "@hook*",
    "@factory.*",
)


def names_outside_of_python() -> set[str]:
    """Every word of the templates and scripts."""
    files = [*(ROOT / "templates").rglob("*"), *(ROOT / "static").rglob("*.js")]
    words = {word for path in files if path.is_file() for word in re.findall(r"[A-Za-z_]\w*", path.read_text())}
    return {word for word in words if not keyword.iskeyword(word)}


def names_in_dotted_paths(paths: Iterable[Path]) -> set[str]:
    """What code names by text, to be imported when it is used: `"outbox.transports.email.transport.EmailTransport"`."""
    pattern = re.compile(rf"(?:{'|'.join(PRODUCT)})(?:\.\w+)+[.:](\w+)")
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text())))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {found[1] for text in texts if (found := pattern.fullmatch(text))}


def declarations(paths: Iterable[Path]) -> set[str]:
    """What class bodies declare: fields, choices, attributes of pages."""
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text())))
    statements = [statement for node in nodes if isinstance(node, ast.ClassDef) for statement in node.body]
    targets = [t for statement in statements if isinstance(statement, ast.Assign) for t in statement.targets]
    targets += [statement.target for statement in statements if isinstance(statement, ast.AnnAssign)]
    return {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}


def unused(paths: Iterable[str]) -> list[Item]:
    """What vulture does not see used within the paths, but for what class bodies declare."""
    vulture = Vulture(ignore_decorators=list(REGISTERING))
    sources = [path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")]
    vulture.scan("\n".join(sorted(names_outside_of_python() | names_in_dotted_paths(sources))))
    vulture.scavenge([str(ROOT / path) for path in paths])
    declared = declarations(sources)
    items: list[Item] = vulture.get_unused_code(MIN_CONFIDENCE)
    return [
        item
        for item in items
        if "migrations" not in item.filename.parts
        and item.filename != ROOT / "config/settings.py"
        and not (item.typ in ("variable", "attribute") and item.name in declared)
    ]


def main() -> int:
    items = unused(PRODUCT)
    for item in unused([*PRODUCT, *BESIDE]):
        if item.typ in CALLABLE and item.filename.relative_to(ROOT).parts[0] in BESIDE:
            items.append(item)
    stale = [name for name in CALLED_BY_OTHERS if not any(fnmatchcase(item.name, name) for item in items)]
    dead = [item for item in items if not any(fnmatchcase(item.name, name) for name in CALLED_BY_OTHERS)]
    for item in dead:
        print(f"{item.filename.relative_to(ROOT)}:{item.first_lineno}: unused {item.typ} {item.name}")
    for name in stale:
        print(f"tests/dead_code.py: nothing is called {name} any more")
    return 1 if dead or stale else 0


if __name__ == "__main__":
    sys.exit(main())
