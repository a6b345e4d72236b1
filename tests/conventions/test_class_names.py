"""Class names are unique across the four packages, with or without a leading underscore."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("gonemaster_engine", "gonemaster_db", "gonemaster_tasks", "gonemaster_api")
ALLOWED = {
    "NotFound",  # the store's error, and the API's error for resources other than rows
    "Profile",  # the settings of a run, and the row that stores settings under a name
    "Text",  # the same in the engine and the store, which must not import the engine
    "Tag",  # a message tag of the engine, and a domain tag: STYLE section 5
}
VIEWS = {"MethodView"}  # named after their resource in each of the two APIs; no module imports them


def classes() -> Iterator[tuple[str, str]]:
    """Return the names of classes without a leading underscore, with the paths of their modules."""
    for package in PACKAGES:
        for path in sorted(Path(package).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                bases = {base.id for base in getattr(node, "bases", ()) if isinstance(base, ast.Name)}
                if isinstance(node, ast.ClassDef) and not bases & VIEWS:
                    yield node.name.lstrip("_"), str(path)


def test_no_two_classes_share_a_name() -> None:
    found = defaultdict(list)
    for name, path in classes():
        found[name].append(path)
    twice = {name: paths for name, paths in found.items() if len(paths) > 1 and name not in ALLOWED}
    assert not twice, "\n".join(f"{name}: {', '.join(paths)}" for name, paths in twice.items())
