"""The table of batches."""

import enum
from collections.abc import Iterable

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, false, text
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import ROW_ID_TYPE, Base, OpaqueId, UtcTime, code_text, enum_text
from gonemaster_db.core.states import Keep


class BatchOrigin(enum.StrEnum):
    """The origin of a batch: a person or program, or a schedule."""

    MANUAL = ""
    SCHEDULE = "schedule"


def joined_tags(tags: Iterable[str]) -> str:
    """Return tags as the column `tags` stores them; their names have no line end."""
    return "\n".join(dict.fromkeys(tag for tag in tags if tag))


class Batch(Base):
    """One submission of many domains; it is finished when it has no unfinished job."""

    __tablename__ = "batches"
    __table_args__ = (
        # A partial index of the few batches that the analysis reads.
        Index(
            "ix_batches_intent", "key", postgresql_where=text("snapshot_intent"), sqlite_where=text("snapshot_intent")
        ),
    )

    key: Mapped[int] = mapped_column(
        ROW_ID_TYPE, primary_key=True, autoincrement=False, comment="sorts like the id, see ids.batch_key"
    )
    id: Mapped[OpaqueId] = mapped_column(unique=True)
    tag: Mapped[str] = mapped_column(code_text(255), default="", index=True, comment="kept when the tag is deleted")
    created_at: Mapped[UtcTime] = mapped_column(index=True)
    domain_count: Mapped[int] = mapped_column(Integer, default=0, index=True)
    description: Mapped[str] = mapped_column(default="")
    snapshot_intent: Mapped[bool] = mapped_column(Boolean, default=False)
    promote_snapshot: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default=false(), comment="its snapshot is pinned when it is captured, once"
    )
    name: Mapped[str] = mapped_column(default="", server_default="")
    tags: Mapped[str] = mapped_column(default="", server_default="", comment="one a line; those that it was made for")
    pending: Mapped[int] = mapped_column(
        Integer, default=0, server_default="0", comment="names whose jobs an operation has not written yet"
    )
    origin: Mapped[BatchOrigin] = mapped_column(enum_text(BatchOrigin), default=BatchOrigin.MANUAL)
    keep: Mapped[Keep] = mapped_column(
        enum_text(Keep), default=Keep.FULL, server_default=Keep.FULL, comment="of its runs once their facts are written"
    )
    reduced_runs: Mapped[int] = mapped_column(
        Integer, default=0, server_default="0", comment="runs of which less than `full` was kept, later purged ones too"
    )
    reduced_revision: Mapped[int] = mapped_column(
        BigInteger, default=-1, server_default="-1", comment="sum of facts_revision when all runs were reduced"
    )

    @property
    def tag_names(self) -> list[str]:
        """The tags that the batch was created for; batches of earlier releases have one tag."""
        return self.tags.split("\n") if self.tags else [self.tag] if self.tag else []


class BatchNumber(Base):
    """The number of a batch in the JSON-RPC API of Zonemaster; it is random, since who knows it can read the batch."""

    __tablename__ = "batch_numbers"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    batch_key: Mapped[int] = mapped_column(ROW_ID_TYPE, ForeignKey("batches.key", ondelete="CASCADE"), index=True)
