"""Our own rules of safe code, read off the syntax: what ruff and bandit cannot know of Signalbox.

Each rule yields the lines that break it. Places that may are named in EXCUSED with a reason; one that is no longer
needed fails too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.architecture.test_layout import ROOT, own_code, tree

Rule: TypeAlias = Callable[[ast.Module], Iterator[ast.AST]]
SECRET = re.compile(r"(?:^|_)(?:secret|token|signature|password|digest|api_key|plain_key)$")
# Modules that make objects of bytes, whatever these say.
REBUILDING = ("pickle", "marshal", "shelve", "dill", "yaml")
LOGS = {"debug", "info", "warning", "error", "exception", "critical"}


def name_of(node: ast.AST) -> str:
    """The last part of a name: `hmac` of `request.hmac`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@cache
def walked(tree: ast.AST) -> tuple[ast.AST, ...]:
    """A file's nodes, laid out once for all rules."""
    return tuple(ast.walk(tree))


def calls(tree: ast.Module, *names: str) -> Iterator[ast.Call]:
    for node in walked(tree):
        if isinstance(node, ast.Call) and name_of(node.func) in names:
            yield node


def compares_secrets(tree: ast.Module) -> Iterator[ast.AST]:
    """`==` ends at the first wrong character, which can be measured: hmac.compare_digest does not."""
    for node in walked(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = (node.left, *node.comparators)
            if not any(isinstance(side, ast.Constant) for side in sides):
                yield from (node for side in sides if SECRET.search(name_of(side)))


def trusts_without_proof(tree: ast.Module) -> Iterator[ast.AST]:
    """TLS whose certificate nobody looks at."""
    for node in walked(tree):
        if name_of(node) in ("CERT_NONE", "_create_unverified_context"):
            yield node
        if isinstance(node, ast.keyword) and node.arg in ("verify", "verify_ssl", "check_hostname"):
            yield from (node.value for _ in [0] if isinstance(node.value, ast.Constant) and node.value.value is False)


def logs_secrets(tree: ast.Module) -> Iterator[ast.AST]:
    """A line of the log that is given a secret by its name."""
    for call in calls(tree, *LOGS):
        yield from (call for keyword in call.keywords if SECRET.search(keyword.arg or ""))
        yield from (call for each in (*call.args, *(k.value for k in call.keywords)) if SECRET.search(name_of(each)))


def redirects_where_the_request_says(tree: ast.Module) -> Iterator[ast.AST]:
    """An open redirect: the address comes straight from what was sent, not through `landing`, which checks it."""
    for call in calls(tree, "redirect", "HttpResponseRedirect", "HttpResponsePermanentRedirect"):
        unchecked = [one for one in call.args if not (isinstance(one, ast.Call) and name_of(one.func) == "landing")]
        inner = {name_of(node) for argument in unchecked for node in ast.walk(argument)}
        if inner & {"GET", "POST", "META", "headers", "COOKIES"}:
            yield call


def runs_text_as_code(tree: ast.Module) -> Iterator[ast.AST]:
    """What executes or rebuilds what somebody wrote."""
    for node in walked(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (
            node for module in modules if module.split(".")[0] in ("pickle", "marshal", "shelve", "dill", "yaml")
        )
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("eval", "exec", "compile")
        ):
            yield node
    yield from (
        call for call in calls(tree, "import_module", "import_string") if not isinstance(call.args[0], ast.Constant)
    )
    yield from calls(tree, "from_string")


def starts_processes(tree: ast.Module) -> Iterator[ast.AST]:
    for node in walked(tree):
        if isinstance(node, ast.Import) and any(alias.name == "subprocess" for alias in node.names):
            yield node
        if isinstance(node, ast.keyword) and node.arg == "shell":
            yield node.value
    yield from calls(tree, "system", "popen")


def writes_sql_around_the_orm(tree: ast.Module) -> Iterator[ast.AST]:
    """Statements are executed by a cursor, where ruff asks for each that is put together (S608)."""
    yield from calls(tree, "RawSQL", "raw", "extra")


def skips_the_form_token(tree: ast.Module) -> Iterator[ast.AST]:
    for node in walked(tree):
        if isinstance(node, ast.FunctionDef):
            yield from (each for each in node.decorator_list if name_of(each) == "csrf_exempt")


def vouches_for_markup(tree: ast.Module) -> Iterator[ast.AST]:
    """What says of a text that it need not be escaped, but for one that stands in the code."""
    for call in calls(tree, "mark_safe", "SafeString", "SafeText"):
        if not (call.args and isinstance(call.args[0], ast.Constant)):
            yield call


def writes_markup_in_a_hint(tree: ast.Module) -> Iterator[ast.AST]:
    """What stands below a field is written into the page as it is: `<` begins a tag there, `&lt;` shows it."""
    for node in walked(tree):
        if isinstance(node, ast.keyword) and node.arg == "help_text":
            texts = (each for each in ast.walk(node.value) if isinstance(each, ast.Constant))
            yield from (each for each in texts if isinstance(each.value, str) and "<" in each.value)


def writes_in_place(tree: ast.Module) -> Iterator[ast.AST]:
    """A file that can be read while it is half written, or stays so when we are killed: `files.put` has it whole."""
    yield from calls(tree, "write_text", "write_bytes")
    for call in calls(tree, "open"):
        if any(isinstance(each, ast.Constant) and each.value in ("w", "wb", "w+", "wb+") for each in call.args):
            yield call


RULES: dict[Rule, tuple[str, ...]] = {
    compares_secrets: ("a == self.secret", "given_token != want"),
    trusts_without_proof: ("c.verify_mode = ssl.CERT_NONE", "get(u, verify=False)"),
    logs_secrets: ("log.info('x', token=t)", "log.warning('x', what=self.password)"),
    redirects_where_the_request_says: ("redirect(request.GET['next'])", "HttpResponseRedirect(f'{request.META}')"),
    runs_text_as_code: ("eval(x)", "import pickle", "from yaml import load", "import_module(name)", "e.from_string(t)"),
    starts_processes: ("import subprocess", "run(c, shell=True)", "os.system(c)"),
    writes_sql_around_the_orm: ("M.objects.raw(s)", "q.extra(where=[s])", "RawSQL(s, ())"),
    skips_the_form_token: ("@csrf_exempt\ndef view(): ...",),
    writes_markup_in_a_hint: ("F(help_text='e.g. Volt <a@b.example>')", "F(help_text=_('a < b'))"),
    vouches_for_markup: ("mark_safe(text)", "SafeString(f'<b>{x}')"),
    writes_in_place: ("path.write_text(x)", "(a / b).write_bytes(x)", "open(path, 'wb')", "path.open('w')"),
}
EXCUSED: dict[Rule, dict[str, str]] = {
    trusts_without_proof: {"core/alive.py": "asks its own port, whose certificate is for another name"},
    compares_secrets: {
        "core/ingest.py": "the digest of a message, which its sender knows",
        "infra_notifications/services/ocpi/pulls.py": "a flag",
        "outbox/services/bounces/taking.py": "a digest that tells addresses apart; the signed way is another",
    },
    redirects_where_the_request_says: {
        "console/lists/personal.py": "to the page itself, without a parameter",
        "console/lists/export.py": "to the page itself, with what it was asked for but the file",
    },
    # What is imported by its path has that path in our code.
    runs_text_as_code: {
        "core/erasure.py": "a model's `erased_by`",
        "core/retention.py": "a model's `prune`",
        "outbox/services/freshness.py": "an event kind's `refresh`",
        "outbox/transports/email/transport.py": "an event kind's link",
        "outbox/transports/registry.py": "a channel's transport",
    },
    starts_processes: {
        "infra_notifications/proxy/listening.py": "the proxy's own writer, without any argument of others",
        "core/postgres_tools.py": "PostgreSQL's programs for `manage.py backup` and `restore`, which a person starts",
    },
    skips_the_form_token: {
        "console/views.py": "the browser's time zone, of no consequence",
        "outbox/views/deliveries.py": "one-click unsubscribe (RFC 8058): the link is signed",
        "infra_notifications/views/mail_links.py": "the link is signed",
        "infra_notifications/api/ocpi.py": "asks for a party's token",
        "infra_notifications/api/citrineos.py": "asks for a key",
        "vehicles/api/base.py": "asks for a signature",
        "fleet_remotes/api/base.py": "asks for a secret header",
    },
    vouches_for_markup: {
        "console/templatetags/console.py": "icons of the package; cells that are escaped one by one",
        "console/charts.py": "pygal's drawing, written anew",
    },
    writes_in_place: {
        "core/files.py": "writes aside and puts it in place",
        "config/demo/__main__.py": "a lock, which holds nothing",
    },
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_holds(rule: Rule) -> None:
    found = {
        f"{path}:{getattr(node, 'lineno', 0)}"
        for path in map(str, own_code())
        if rule is writes_in_place or not path.startswith("config/demo/")
        for node in rule(tree(Path(path)))
    }
    excused = EXCUSED.get(rule, {})
    left = {place for place in found if place.partition(":")[0] not in excused}
    assert not left, f"{rule.__name__}: {sorted(left)}"
    assert excused.keys() == {place.partition(":")[0] for place in found}, "an excuse that is no longer needed"


@pytest.mark.parametrize(("rule", "line"), [(rule, line) for rule, lines in RULES.items() for line in lines])
def test_rule_sees_what_it_is_for(rule: Rule, line: str) -> None:
    assert list(rule(ast.parse(line)))


def test_no_template_turns_escaping_off_or_holds_script() -> None:
    """The policy of pages allows no inline script and style; an attribute of either would be without effect."""
    wrong = re.compile(
        r"\|\s*safe\b|autoescape off|<script(?![^>]*\bsrc=)|\son[a-z]+=|javascript:|\sstyle=", re.IGNORECASE
    )
    pages = [path for path in (ROOT / "templates").rglob("*.html") if "mail" not in path.parts]
    assert len(pages) > 200
    found = {str(path.relative_to(ROOT)): hit[0] for path in pages if (hit := wrong.search(path.read_text()))}
    assert not found


def test_every_form_that_changes_something_carries_its_token() -> None:
    signed_links = {"mail_acknowledge.html"}
    for path in (path for path in (ROOT / "templates").rglob("*.html") if path.name not in signed_links):
        text = path.read_text()
        for form in re.findall(r"<form\b(?:[^>%]|%(?!\}))*?method=\"post\".*?</form>", text, re.IGNORECASE | re.DOTALL):
            assert "csrf_token" in form or "{% crispy" in form, path
