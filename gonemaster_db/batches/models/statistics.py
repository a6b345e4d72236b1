"""Statistics of finished batches: the values of the arguments of their entries, counted once for all requests."""

from sqlalchemy import BigInteger, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, UtcTime, code_text


class BatchStatistics(Base):
    """A marker that a batch has value tables; they are valid as long as the signature matches the batch."""

    __tablename__ = "batch_statistics"

    batch_key: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("batches.key", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    signature: Mapped[bytes] = mapped_column(LargeBinary(16), comment="of the counters of the batch")
    made_at: Mapped[UtcTime]


class TagValueTable(Base):
    """The values of one argument of one message tag in the runs of a batch (documents.value_table)."""

    __tablename__ = "tag_value_tables"
    __table_args__ = ({"sqlite_with_rowid": False},)

    batch_key: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("batch_statistics.batch_key", ondelete="CASCADE"), primary_key=True
    )
    tag: Mapped[str] = mapped_column(code_text(64), primary_key=True)
    argument: Mapped[str] = mapped_column(code_text(255), primary_key=True)
    most: Mapped[bytes] = mapped_column(LargeBinary, comment="the values that most domains have")
    worst: Mapped[bytes | None] = mapped_column(LargeBinary, comment="those that lack most points; null: as `most`")
    shared: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="all that two domains or more have; null: they are in `most`"
    )
