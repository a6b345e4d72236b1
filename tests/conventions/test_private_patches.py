"""Tests replace only public names; a replaced private name has a reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ALLOWED = {
    "hostile/_patterns.py: _compile",  # the only place where the standard library compiles each regular expression
}


def is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.endswith("__")


def private_patches(source: str) -> Iterator[str]:
    """Yield the private names that a test sets or deletes on another object."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            texts = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
            names = [str(text).rpartition(".")[2] for text in texts]
            if node.func.attr in {"setattr", "delattr", "object", "patch"}:
                yield from filter(is_private, names)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del) and is_private(node.attr):
            is_own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
            yield from () if is_own else (node.attr,)
        elif isinstance(node, ast.Dict):  # names and values of limits, set in a loop
            yield from (
                str(key.value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
                and is_private(key.value)
                and isinstance(value, ast.Constant | ast.Tuple)
            )


@pytest.mark.parametrize(
    "source",
    [
        'monkeypatch.setattr(module, "_LIMIT", 1)',
        'monkeypatch.setattr("package.module._limit", 1)',
        'monkeypatch.delattr(module, "_work")',
        "clock._offset_s += 1",
        'LIMITS = {"_LIMIT": 1}',
    ],
)
def test_a_private_patch_is_seen(source: str) -> None:
    assert len(list(private_patches(source))) == 1


def test_no_test_replaces_a_private_name() -> None:
    found = {
        f"{path.relative_to(TESTS)}: {name}"
        for path in TESTS.rglob("*.py")
        if path.name != Path(__file__).name
        for name in private_patches(path.read_text())
    }
    assert found == ALLOWED
