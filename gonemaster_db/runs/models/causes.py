"""Sets of root causes, stored once for all runs with the same causes: a million runs have some hundred sets."""

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base


class CauseSet(Base):
    """The root causes of runs; rows are never removed."""

    __tablename__ = "cause_sets"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  # as in all models

    id: Mapped[int] = mapped_column(primary_key=True)
    causes: Mapped[str] = mapped_column(
        Text, unique=True, comment="identifiers, sorted, with a bar before and after each; empty without causes"
    )
