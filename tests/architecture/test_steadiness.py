"""Tests that a busy machine cannot make fail: none waits for what has to come with a patience of its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.test_layout import ROOT

# Where real processes are killed, stopped and timed, how long something takes is what is judged.
TIMED = ("tests/browser", "tests/brokers", "tests/faults", "tests/processes", "tests/live.py")
# Each with the number of its arguments.
WAITS = {("join", 1), ("wait", 1), ("result", 1), ("exception", 1), ("timeout", 1), ("settimeout", 1), ("wait_for", 2)}
CLOCKS = {"monotonic", "perf_counter", "time"}
# A wait for something that must not come, and a limit that a machine which halts does not reach.
A_WHILE_S, LONG_S = 1, 10


def number(node: ast.expr | None) -> float | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else None


def name_of(node: ast.expr) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def hurried(source: str) -> list[int]:
    """The lines on which something is waited for with a short limit, or has to be over within some seconds."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=func, args=args, keywords=keywords):
                limits = [number(args[-1])] if (name_of(func), len(args)) in WAITS else []
                limits += [number(word.value) for word in keywords if word.arg == "timeout"]
                if any(limit is not None and A_WHILE_S <= limit < 60 for limit in limits):
                    found.append(node.lineno)
            case ast.Compare(
                left=ast.BinOp(left=ast.Call(func=func), op=ast.Sub()), ops=[ast.Lt() | ast.LtE()], comparators=[limit]
            ) if name_of(func) in CLOCKS:
                seconds = number(limit)
                if seconds is not None and seconds < LONG_S:
                    found.append(node.lineno)
    return found


def test_no_test_is_in_a_hurry() -> None:
    """`tests/waiting.py` has the patience of all tests; processor time (`time.process_time`) may have narrow limits."""
    paths = [path for path in (ROOT / "tests").glob("**/*.py") if not str(path.relative_to(ROOT)).startswith(TIMED)]
    found = {str(path.relative_to(ROOT)): hurried(path.read_text()) for path in paths if path != Path(__file__)}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        "thread.join(5)",
        "assert started.wait(10)",
        "pool.submit(work).result(2.5)",
        "asyncio.wait_for(run(), 5)",
        "queue.get(timeout=3)",
        "assert time.monotonic() - began < 2",
    ],
)
def test_a_hurry_is_seen(source: str) -> None:
    assert hurried(source) == [1]


@pytest.mark.parametrize(
    "source", ["thread.join(PATIENCE_S)", "', '.join('ab')", "gone.wait(0.1)", "assert time.process_time() - began < 2"]
)
def test_patience_is_none(source: str) -> None:
    assert hurried(source) == []
