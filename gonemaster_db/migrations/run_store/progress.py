"""How far the rows of runs have moved, in a table and in the log."""

import logging
import time
from typing import Literal, NamedTuple

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

log = logging.getLogger(__name__)
LOG_EVERY_S = 5.0
Direction = Literal["up", "down"]
_TABLE = "run_store_migration"


class Position(NamedTuple):
    """The last run that has moved (empty: none yet), and how many have of how many."""

    run_id: str
    done: int
    total: int


def begin(direction: Direction, *, source: str) -> None:
    """Create the table; `source` is the table of the runs that are to move."""
    op.create_table(
        _TABLE,
        sa.Column("direction", sa.String(8), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False, comment="the last one that has moved"),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
    )
    op.execute(f"INSERT INTO {_TABLE} SELECT '{direction}', '', 0, count(*) FROM {source}")


def direction_of(connection: Connection) -> Direction:
    """Return the direction in which rows move."""
    found: Direction = connection.execute(sa.text(f"SELECT direction FROM {_TABLE}")).scalar_one()
    return found


def end() -> None:
    """Drop the table."""
    op.drop_table(_TABLE)


class Progress:
    """The position of a migration that commits what it has done so far."""

    def __init__(self, connection: Connection) -> None:
        """Read the position, which is where an earlier process has stopped, and say so."""
        self._connection = connection
        row = connection.execute(sa.text(f"SELECT run_id, done, total FROM {_TABLE}")).one()
        self.position = Position(*row)
        self._began_with = self.position.done
        self._began_at = self._logged_at = time.monotonic()
        self.commit()
        if self.position.total:
            log.info("runs are moved to other tables", extra={"done": self.position.done, "of": self.position.total})

    def commit(self) -> None:
        """Commit, unless there are no runs: then the migration is one transaction as any other."""
        if self.position.total:
            self._connection.commit()

    def advance(self, run_id: str, *, moved: int) -> None:
        """Note that runs have moved up to this one, in the transaction that moved them, and commit it."""
        self.position = self.position._replace(run_id=run_id, done=self.position.done + moved)
        update = sa.text(f"UPDATE {_TABLE} SET run_id = :run_id, done = :done")
        self._connection.execute(update, {"run_id": run_id, "done": self.position.done})
        self.commit()
        if time.monotonic() - self._logged_at >= LOG_EVERY_S:
            self._log()

    def finished(self, what: str, number: int, total: int) -> None:
        """Commit and log a step that takes long with many runs."""
        self.commit()
        if self.position.total and time.monotonic() - self._logged_at >= LOG_EVERY_S:
            self._logged_at = time.monotonic()
            log.info("indexes are created", extra={"index": what, "number": number, "of": total})

    def _log(self) -> None:
        self._logged_at = time.monotonic()
        done, total = self.position.done, self.position.total
        rate = (done - self._began_with) / (self._logged_at - self._began_at)
        log.info(
            "runs move",
            extra={"done": done, "of": total, "per_second": round(rate), "seconds_left": round((total - done) / rate)},
        )
