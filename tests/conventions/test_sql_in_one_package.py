"""Only gonemaster_db contains SQL; the packages above it pass sessions and call repository functions."""

from __future__ import annotations

import ast

import pytest

from tests.support.sources import syntax_trees

ABOVE = ("gonemaster_tasks/", "gonemaster_api/")
ALLOWED = {("sqlalchemy.orm", "Session")}  # a type only
QUERIES = {"add", "add_all", "delete", "execute", "get", "merge", "query", "scalar", "scalars"}


def queries_in(source: ast.AST) -> list[str]:
    """Return imports of SQLAlchemy except types, and calls of a session that read or write."""
    found = []
    for node in ast.walk(source):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy":
            found += [f"{node.module}.{one.name}" for one in node.names if (node.module, one.name) not in ALLOWED]
        elif isinstance(node, ast.Import):
            found += [one.name for one in node.names if one.name.split(".")[0] == "sqlalchemy"]
        elif isinstance(node, ast.Call) and _is_query(node.func):
            found.append(ast.unparse(node.func))
    return found


def _is_query(called: ast.expr) -> bool:
    if not isinstance(called, ast.Attribute) or called.attr not in QUERIES:
        return False
    return isinstance(called.value, ast.Name) and called.value.id == "session"


@pytest.mark.parametrize("package", ABOVE)
def test_only_the_store_has_sql(package: str) -> None:
    sources = [(name, tree) for name, tree in syntax_trees() if name.startswith(package)]
    assert sources
    found = {name: queries for name, tree in sources if (queries := queries_in(tree))}
    assert found == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from sqlalchemy.orm import Session", []),
        ("from sqlalchemy import select", ["sqlalchemy.select"]),
        ("import sqlalchemy.orm", ["sqlalchemy.orm"]),
        ("session.scalars(chosen)", ["session.scalars"]),
        ("settings.get(name)", []),
    ],
)
def test_a_query_is_recognised(source: str, found: list[str]) -> None:
    assert queries_in(ast.parse(source)) == found
