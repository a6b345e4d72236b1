"""Each migration can be downgraded, follows the previous one, and declares the releases it is compatible with."""

from __future__ import annotations

import ast

from tests.support.sources import ROOT

VERSIONS = sorted((ROOT / "gonemaster_db" / "migrations" / "versions").glob("[0-9]*.py"))


def does_something(tree: ast.Module, name: str) -> bool:
    """Return whether a function exists and has a statement other than docstring and `pass`."""
    bodies = [node.body for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return len(bodies) == 1 and any(
        not isinstance(statement, ast.Pass)
        and not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in bodies[0]
    )


def test_each_has_up_and_down() -> None:
    trees = {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in VERSIONS}
    assert trees
    assert [name for name, tree in trees.items() if not does_something(tree, "upgrade")] == []
    assert [name for name, tree in trees.items() if not does_something(tree, "downgrade")] == []


def test_they_are_one_chain() -> None:
    """Numbers are unique; they may be out of order if changes are merged in another order."""
    followed = {}
    for path in VERSIONS:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        values = {
            target.id: ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name) and target.id in {"revision", "down_revision"}
        }
        assert path.name.startswith(values["revision"])
        assert values["down_revision"] not in followed
        followed[values["down_revision"]] = values["revision"]
    last: str | None = None
    chain = [last for _ in VERSIONS if (last := followed.get(last)) is not None]
    assert len(chain) == len(VERSIONS)


def parsed() -> list[tuple[str, ast.Module, str]]:
    """Return name, tree and number of each revision."""
    return [(path.name, ast.parse(path.read_text(encoding="utf-8")), path.name[:4]) for path in VERSIONS]


def assigned(tree: ast.Module, name: str) -> str | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            return str(ast.literal_eval(node.value))
    return None


def test_each_says_with_which_releases_it_is_compatible() -> None:
    """`compatible_from` is the previous revision if nothing is removed; see docs/explanation/upgrades.md."""
    wrong = {}
    for name, tree, number in parsed():
        declared = assigned(tree, "compatible_from")
        if declared is None or not VERSIONS[0].name[:4] <= declared <= number:
            wrong[name] = declared
    assert wrong == {}


def operations(tree: ast.Module, function: str, *names: str) -> list[ast.Call]:
    """Return the calls of `op.NAME` in a function of a module."""
    bodies = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    return [
        node
        for body in bodies
        for node in ast.walk(body)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in {("op", name) for name in names}
    ]


def test_indexes_of_tables_in_use_are_built_concurrently() -> None:
    """Compatible revisions call gonemaster_db.migrations.online for tables that they have not created themselves."""
    wrong = []
    for name, tree, number in parsed():
        if assigned(tree, "compatible_from") == number:
            continue
        made = {ast.unparse(call.args[0]) for call in operations(tree, "upgrade", "create_table")}
        indexes = operations(tree, "upgrade", "create_index")
        wrong += [name for call in indexes if ast.unparse(call.args[1]) not in made]
        if ".create_index" in ast.unparse(tree) and "online." in ast.unparse(tree):
            wrong += [f"{name}: more than indexes" for _ in operations(tree, "upgrade", "create_table", "add_column")]
    assert wrong == []
