"""The modules of the compiled engine use only what mypyc supports (docs/explanation/performance.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.sources import ROOT, compiled_modules


def unsupported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and kind of what the compiled module would do wrong."""
    lines = {node.name: node.lineno for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef):
            yield node.lineno, "coroutine: it would throw with three arguments, which Python deprecates"
        elif isinstance(node, ast.Call) and any(keyword.arg == "slots" for keyword in node.keywords):
            yield node.lineno, "dataclass with slots=True: the process would crash"
        elif isinstance(node, ast.ClassDef):
            named = {each.id for field in node.body if isinstance(field, ast.AnnAssign) for each in names(field)}
            if any(lines.get(name, 0) > node.lineno for name in named):
                yield node.lineno, "field of a class defined below: the process would crash"


def names(field: ast.AnnAssign) -> Iterator[ast.Name]:
    return (node for node in ast.walk(field.annotation) if isinstance(node, ast.Name))


@pytest.mark.parametrize("name", compiled_modules())
def test_a_compiled_module_has_only_what_the_compiler_supports(name: str) -> None:
    source = (ROOT / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert list(unsupported(ast.parse(source))) == []
