"""Outcomes: the entry kinds of runs without arguments and times, stored once for all runs with the same kinds.

Many runs have a unique sequence of entries, but their modules repeat far more often. Filters by module, test case,
message tag and level go from kinds to outcomes of modules, to outcomes, to runs.
"""

from sqlalchemy import Index, Integer, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, LevelName, UtcTime, code_text

# Processes cache IDs of these tables, so they must never be reused: SQLite needs AUTOINCREMENT for that.
_NO_ID_REUSE = {"sqlite_autoincrement": True}


class EntryKind(Base):
    """A message tag with its module, test case and level; the table has a few hundred rows, which are never removed."""

    __tablename__ = "entry_kinds"
    __table_args__ = (UniqueConstraint("module", "testcase", "tag", "level"), _NO_ID_REUSE)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    module: Mapped[str] = mapped_column(code_text(32), comment="upper case")
    testcase: Mapped[str] = mapped_column(code_text(32), comment="lower case, empty for the run itself")
    tag: Mapped[str] = mapped_column(code_text(64))
    level: Mapped[LevelName]


class Outcome(Base):
    """The sequence of the kinds of all entries of a run; unused outcomes are removed after a day."""

    __tablename__ = "outcomes"
    __table_args__ = (_NO_ID_REUSE,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True, comment="BLAKE2b of the kinds")
    kinds: Mapped[bytes] = mapped_column(LargeBinary, comment="ids of entry kinds in order, as code points in UTF-8")
    created_at: Mapped[UtcTime]


class ModuleOutcome(Base):
    """The kinds of all entries of one module in a run, without their order."""

    __tablename__ = "module_outcomes"
    __table_args__ = (_NO_ID_REUSE,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True, comment="BLAKE2b of the sorted kinds")


class ModuleOutcomeKind(Base):
    """The number of entries of one kind in the outcome of a module."""

    __tablename__ = "module_outcome_kinds"
    __table_args__ = (
        Index("ix_module_outcome_kinds_module_outcome_id", "module_outcome_id"),
        {"sqlite_with_rowid": False},
    )

    # No foreign keys: each of some forty rows of a new outcome would look up its parents, which the same transaction
    # has created or locked (runs/documents/outcomes.py). The code that removes the parents removes these rows
    # (runs/outcomes.py).
    kind_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    module_outcome_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


class OutcomeModule(Base):
    """The outcome of a module as a part of the outcome of a run."""

    __tablename__ = "outcome_modules"
    __table_args__ = (Index("ix_outcome_modules_outcome_id", "outcome_id"), {"sqlite_with_rowid": False})

    module_outcome_id: Mapped[int] = mapped_column(Integer, primary_key=True)  # no foreign keys, as above
    outcome_id: Mapped[int] = mapped_column(Integer, primary_key=True)
