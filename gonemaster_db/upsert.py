"""INSERT ... ON CONFLICT, which both databases know and SQLAlchemy spells per dialect."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gonemaster_db.base import Base


def insert(session: Session, model: type[Base]) -> postgresql.Insert:
    """Make an insertion that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(model)
    return sqlite.insert(model)  # type: ignore[return-value]  # has the same methods
