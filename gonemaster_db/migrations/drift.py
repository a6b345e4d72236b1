"""Compares the tables of a database with the models of this release."""

from collections.abc import Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from gonemaster_db.core.session import Store
from gonemaster_db.models import Base

# Options of Alembic's comparison and of altering tables; the environment script uses the same options.
CONFIGURE: dict[str, Any] = {"render_as_batch": True, "compare_type": True}


def differences(store: Store) -> list[str]:
    """Return the differences between the schema and the models, one sentence each; unknown tables are ignored."""
    with store.read_only() as session:
        context = MigrationContext.configure(session.connection(), opts=CONFIGURE | {"include_object": _is_ours})
        changes = compare_metadata(context, Base.metadata)
    return sorted(_sentence(change) for change in _single(changes))


def _is_ours(_item: object, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
    return kind != "table" or name in Base.metadata.tables


def _single(changes: list[Any]) -> Iterator[Any]:
    """Yield single changes; Alembic puts the changes of one column into a list."""
    for change in changes:
        yield from change if isinstance(change, list) else [change]


def _sentence(change: tuple[Any, ...]) -> str:
    """Describe the error of the schema that a change by Alembic would fix."""
    verb, _, kind = change[0].partition("_")
    if verb == "modify":
        _, _, table, column, _, found, expected = change
        return f"column {table}.{column}: {kind} is {found}, not {expected}"
    state = "is missing" if verb == "add" else "is not part of this release"
    item = change[-1]
    if kind == "column":
        return f"column {change[2]}.{item.name} {state}"
    if kind == "table":
        return f"table {item.name} {state}"
    return f"{kind} {item.name} of table {item.table.name} {state}"
