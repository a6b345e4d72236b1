"""Counters of runs, changed by the transactions that write, score and delete runs, and counters of purged runs."""

from sqlalchemy import BigInteger, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, SmallCode, UtcTime, code_text
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.core.states import RunStatus
from gonemaster_db.runs.models.runs import RUN_STATUS_TYPE

ALL_RUNS = 0  # instead of a batch key


class RunCounter(Base):
    """The number of runs of a batch, or of all runs, with a status, worst level and grade: the sum over all shards.

    A transaction adds to one shard, so that others do not wait for its commit; a single shard may be negative.
    """

    __tablename__ = "run_counters"
    __table_args__ = ({"sqlite_with_rowid": False},)

    batch_key: Mapped[int] = mapped_column(BigInteger, primary_key=True, comment="0: all runs")
    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    status: Mapped[RunStatus] = mapped_column(RUN_STATUS_TYPE, primary_key=True)
    level: Mapped[str | None] = mapped_column(
        SmallCode(LEVELS, none_as_code=True), primary_key=True, nullable=False, comment="-1: none"
    )
    grade: Mapped[str] = mapped_column(code_text(4), primary_key=True, comment="empty: none")
    runs: Mapped[int] = mapped_column(BigInteger)


class PurgedRunCounter(Base):
    """The number of purged runs of a batch with a status, worst level and grade, which the batch continues to show.

    It has no foreign key, like the counters of remaining runs: a purge would wait for the row of the batch.
    """

    __tablename__ = "purged_run_counters"
    __table_args__ = ({"sqlite_with_rowid": False},)

    batch_key: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    status: Mapped[RunStatus] = mapped_column(RUN_STATUS_TYPE, primary_key=True)
    level: Mapped[str | None] = mapped_column(
        SmallCode(LEVELS, none_as_code=True), primary_key=True, nullable=False, comment="-1: none"
    )
    grade: Mapped[str] = mapped_column(code_text(4), primary_key=True, comment="empty: none")
    runs: Mapped[int] = mapped_column(BigInteger)
    first_started_at: Mapped[UtcTime | None] = mapped_column(comment="null: none of them started")
    last_finished_at: Mapped[UtcTime]
