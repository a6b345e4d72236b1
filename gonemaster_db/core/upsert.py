"""INSERT ... ON CONFLICT, which SQLAlchemy builds for each dialect."""

from typing import cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gonemaster_db.core.base import Base


def insert(session: Session, model: type[Base]) -> postgresql.Insert:
    """Return an insert statement with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_into(session.get_bind().dialect.name, model)


def insert_into(dialect: str, model: type[Base]) -> postgresql.Insert:
    """Return the same statement for a dialect by name, for statements that are built once and cached."""
    table = cast("Table", model.__table__)
    if dialect == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)  # type: ignore[return-value]  # has the same methods
