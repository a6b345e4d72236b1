"""Each migration can be taken back, and each follows the one before it."""

from __future__ import annotations

import ast

from tests.support.sources import ROOT

VERSIONS = sorted((ROOT / "gonemaster_db" / "migrations" / "versions").glob("[0-9]*.py"))


def does_something(tree: ast.Module, name: str) -> bool:
    """Say whether a function is there and has a statement besides docstring and `pass`."""
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


def test_they_are_one_chain_in_the_order_of_their_files() -> None:
    chain = []
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
        chain.append((values["down_revision"], values["revision"]))
    assert [before for before, _ in chain] == [None, *(revision for _, revision in chain[:-1])]
