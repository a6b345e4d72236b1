"""No test asserts elapsed time: a slow machine is not a failure."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "thread_time"}


def clocks_in(node: ast.AST) -> Iterator[ast.Attribute]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and inner.attr in CLOCKS:
            yield inner


def timed_asserts(source: str) -> list[int]:
    """Return the lines of the asserts that read a clock, or a function that returns a duration."""
    if not any(clock in source for clock in CLOCKS):
        return []
    tree = ast.parse(source)
    timers = {
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(isinstance(inner, ast.Return) and list(clocks_in(inner)) for inner in ast.walk(function))
    }
    spans = {
        target.id
        for assignment in ast.walk(tree)
        if isinstance(assignment, ast.Assign) and list(clocks_in(assignment.value))
        for target in assignment.targets
        if isinstance(target, ast.Name)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
        and (
            list(clocks_in(node))
            or any(isinstance(inner, ast.Name) and inner.id in timers | spans for inner in ast.walk(node))
        )
    ]


@pytest.mark.parametrize(
    "source",
    [
        "begin = time.monotonic()\nwork()\nassert time.monotonic() - begin < 5",
        "begin = time.process_time()\nwork()\ntook = time.process_time() - begin\nassert took < 1",
        "def work():\n    return time.perf_counter() - begin\nassert work() < 1",
        "async def work():\n    return time.perf_counter() - begin\nassert in_run(world, work) < 1",
    ],
)
def test_a_timed_assert_is_seen(source: str) -> None:
    assert timed_asserts(source) == [source.count("\n") + 1]


def test_no_assert_depends_on_a_clock() -> None:
    found = {
        f"{path.relative_to(TESTS)}:{line}" for path in TESTS.rglob("*.py") for line in timed_asserts(path.read_text())
    }
    assert found == set()
