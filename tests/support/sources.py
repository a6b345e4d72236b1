"""The sources of all packages, for tests of conventions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICE = ("gonemaster_engine", "gonemaster_db", "gonemaster_tasks", "gonemaster_api")
PACKAGES = (*SERVICE, "gonemaster_client")


def source_files() -> Iterator[tuple[str, Path]]:
    """Yield the path below the repository's root, and the path, of every source file."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path


@cache
def syntax_trees() -> Sequence[tuple[str, ast.Module]]:
    """Return the path below the repository's root, and the syntax tree, of every source file."""
    return [(name, ast.parse(path.read_text(encoding="utf-8"))) for name, path in source_files()]


def compiled_modules() -> list[str]:
    """Return the names of the modules that setup.py compiles."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    [modules] = [
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODULES"
    ]
    return [f"gonemaster_engine.{module.replace('/', '.')}" for module in ast.literal_eval(modules)]
