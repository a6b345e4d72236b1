"""Compare the schema before and after a migration: parts that the migration removes break older releases."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, inspect


@dataclass(frozen=True)
class Table:
    """The parts of a table that statements of a release rely on."""

    columns: dict[str, Any]
    keys: frozenset[tuple[str, ...]]
    rules: frozenset[str]


Schema = dict[str, Table]


def read_schema(engine: Engine) -> Schema:
    """Read all tables."""
    found = inspect(engine)
    return {name: _read_table(found, name) for name in found.get_table_names()}


def _read_table(found: Any, name: str) -> Table:
    keys = [tuple(found.get_pk_constraint(name)["constrained_columns"])]
    keys += [tuple(one["column_names"]) for one in found.get_unique_constraints(name)]
    keys += [tuple(map(str, one["column_names"])) for one in found.get_indexes(name) if one["unique"]]
    rules = [f"check {one['sqltext']}" for one in found.get_check_constraints(name)]
    rules += [f"foreign key {one['constrained_columns']}" for one in found.get_foreign_keys(name)]
    columns = {column["name"]: column for column in found.get_columns(name)}
    return Table(columns, frozenset(keys), frozenset(rules))


def narrowed(before: Schema, after: Schema) -> list[str]:
    """List the changes that can break statements of older releases; empty if older releases still work."""
    return [
        problem
        for name, table in before.items()
        for problem in (_narrowed_table(table, after[name]) if name in after else ["is gone"])
        for problem in [f"{name}: {problem}"]
    ]


def _narrowed_table(before: Table, after: Table) -> Iterator[str]:
    for name, column in before.columns.items():
        if name not in after.columns:
            yield f"{name} is gone"
        elif str(after.columns[name]["type"]) != str(column["type"]):
            yield f"{name} has another type"
        elif column["nullable"] and not after.columns[name]["nullable"]:
            yield f"{name} must be given"
    for name in after.columns.keys() - before.columns.keys():
        column = after.columns[name]
        if not column["nullable"] and column["default"] is None and "computed" not in column:
            yield f"{name} must be given"
    for key in before.keys - after.keys:
        yield f"{key} is not unique any more, on which ON CONFLICT relies"
    for key in after.keys - before.keys:
        yield f"{key} must be unique"
    for rule in after.rules - before.rules:
        yield f"new rule: {rule}"
