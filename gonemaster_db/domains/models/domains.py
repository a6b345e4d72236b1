"""Domains, domain tags and their memberships."""

from typing import Any

from sqlalchemy import Computed, ForeignKey, Index, Integer, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import ID_TYPE, Base, DomainName, LevelName, RowId, UtcTime, code_text, enum_text
from gonemaster_db.core.levels import RANK_SQL
from gonemaster_db.core.states import RunStatus

TAG_TYPE = code_text(255)


class Domain(Base):
    """A domain that was tested or tagged, with a copy of the outcome of its newest run."""

    __tablename__ = "domains"
    # Lists are read from an index alone, by one column and name; other levels are skipped (domains/domain_walk.py).
    __table_args__ = (
        Index("ix_domains_by_level", "latest_level", "name", "id"),
        Index("ix_domains_by_score", "latest_score", "name", "latest_level", "id"),
        Index("ix_domains_by_run_at", "latest_run_at", "name", "latest_level", "id"),
        # Entries of the newest runs are listed by run ID and counted by outcome.
        Index("ix_domains_by_latest_run", "latest_run_id", "latest_outcome_id", "id"),
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    name: Mapped[DomainName] = mapped_column(unique=True)
    created_at: Mapped[UtcTime]
    run_count: Mapped[int] = mapped_column(Integer, default=0)
    # No foreign key: it would search the domains for each removed run. The code that removes runs updates all of their
    # domains together.
    latest_run_id: Mapped[str | None] = mapped_column(ID_TYPE)
    latest_outcome_id: Mapped[int | None] = mapped_column(Integer, comment="of the newest run")
    latest_run_at: Mapped[UtcTime | None]
    latest_status: Mapped[RunStatus | None] = mapped_column(enum_text(RunStatus))
    latest_level: Mapped[LevelName | None]
    latest_rank: Mapped[int] = mapped_column(
        SmallInteger, Computed(RANK_SQL.format(column="latest_level"), persisted=True)
    )
    latest_score: Mapped[int | None] = mapped_column(SmallInteger)
    latest_grade: Mapped[str | None] = mapped_column(code_text(4))


class DomainRunCount(Base):
    """The run count of a domain, with copies of the columns of `domains` that lists sorted by this count show.

    A purge changes only these counts. In an index of `domains` each change would move the row and update all indexes of
    that table.
    """

    __tablename__ = "domain_run_counts"
    __table_args__ = (Index("ix_domain_run_counts_by_count", "run_count", "name", "latest_level", "domain_id"),)

    # No foreign key: each new row would look up its domain, which the same transaction has just written.
    domain_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    run_count: Mapped[int] = mapped_column(Integer)
    name: Mapped[DomainName]
    latest_level: Mapped[LevelName | None]


class Tag(Base):
    """A user's set of domains."""

    __tablename__ = "tags"

    name: Mapped[str] = mapped_column(TAG_TYPE, primary_key=True)
    description: Mapped[str] = mapped_column(default="")
    created_at: Mapped[UtcTime]
    default_profile_id: Mapped[int | None] = mapped_column(ForeignKey("profiles.id", ondelete="SET NULL"), index=True)


class DomainTag(Base):
    """The membership of one domain in one tag."""

    __tablename__ = "domain_tags"
    __table_args__ = (Index("ix_domain_tags_tag_domain_id", "tag", "domain_id"),)

    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(TAG_TYPE, ForeignKey("tags.name", ondelete="CASCADE"), primary_key=True)


class StoredTagSummary(Base):
    """The counts of the newest runs of a large tag, stored by a maintenance task (domains/tag_summaries.py)."""

    __tablename__ = "tag_summaries"

    tag: Mapped[str] = mapped_column(TAG_TYPE, ForeignKey("tags.name", ondelete="CASCADE"), primary_key=True)
    signature: Mapped[bytes] = mapped_column(LargeBinary(16), comment="of the tag's domains and of all runs")
    checked_at: Mapped[UtcTime] = mapped_column(comment="when the counts were right")
    domain_count: Mapped[int] = mapped_column(Integer)
    ok: Mapped[int] = mapped_column(Integer)
    notice: Mapped[int] = mapped_column(Integer)
    warning: Mapped[int] = mapped_column(Integer)
    error: Mapped[int] = mapped_column(Integer)
    critical: Mapped[int] = mapped_column(Integer)
    grades: Mapped[dict[str, Any]] = mapped_column(comment="numbers by grade")
