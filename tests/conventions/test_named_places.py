"""Only the modules listed here read the clock and the environment, or may use vague names."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

import pytest

from tests.support.sources import syntax_trees

WALL_CLOCK = {
    "gonemaster_db/core/clock.py",  # the one source of UTC time for rows
    "gonemaster_client/cli/commands/service.py",  # the end of a pause, as the option counts from now
    "gonemaster_engine/run/run.py",  # the default of an argument: callers may pass the time
}
ENVIRONMENT = {
    "gonemaster_tasks/config/environment.py",  # settings of all parts
    "gonemaster_tasks/config/loader.py",
    "gonemaster_api/server/supervisor/fork.py",  # the environment of the program that it becomes
    "gonemaster_api/server/supervisor/programs.py",  # the environment that children inherit
    "gonemaster_api/server/supervisor/listening.py",  # the socket of systemd
    "gonemaster_api/mcp/program.py",  # its only settings: URL, token, and whether writing is allowed
    "gonemaster_api/demo/__main__.py",  # the environment that children inherit
    "gonemaster_tasks/worker/upkeep/heartbeat.py",  # the number of restarts, from the supervisor
    "gonemaster_client/cli/configuration.py",  # the token and the server
    "gonemaster_engine/dnssec/blocklist.py",  # XDG_CACHE_HOME, as badkeys uses it
    "gonemaster_engine/cli/badkeys_list.py",
}
VAGUE = re.compile(r"(Manager|Helper|Util|Utils)$|^(helpers?|utils?)$")


def reads_wall_clock(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"} and _is(node, "datetime", "date")


def reads_environment(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"} and _is(node, "os")


def _is(node: ast.Attribute, *owners: str) -> bool:
    return ast.unparse(node.value).rpartition(".")[2] in owners


def files_where(found: Callable[[ast.AST], bool]) -> set[str]:
    return {name for name, tree in syntax_trees() if any(found(node) for node in ast.walk(tree))}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("datetime.datetime.now(UTC)", reads_wall_clock),
        ("datetime.now()", reads_wall_clock),
        ("os.environ['A']", reads_environment),
        ("os.getenv('A')", reads_environment),
    ],
)
def test_what_is_looked_for_is_seen(source: str, found: Callable[[ast.AST], bool]) -> None:
    assert any(found(node) for node in ast.walk(ast.parse(source)))


def test_the_wall_clock_is_read_in_named_places() -> None:
    assert files_where(reads_wall_clock) == WALL_CLOCK


def test_the_environment_is_read_in_named_places() -> None:
    assert files_where(reads_environment) == ENVIRONMENT


def test_no_name_says_nothing() -> None:
    names = {
        f"{name}: {node.name}"
        for name, tree in syntax_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and VAGUE.search(node.name)
    }
    names |= {name for name, _ in syntax_trees() if VAGUE.search(name.rpartition("/")[2].removesuffix(".py"))}
    assert names == set()
