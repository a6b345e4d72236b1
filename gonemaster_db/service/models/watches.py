"""Watches: their events, recipients, pending notes and deliveries."""

import enum
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, SmallInteger, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gonemaster_db.core.base import (
    JSON_TYPE,
    Base,
    CompressedText,
    DomainName,
    LevelName,
    OpaqueId,
    RowId,
    UtcTime,
    code_text,
    enum_text,
)
from gonemaster_db.core.texts import Sentence
from gonemaster_db.domains.models.domains import TAG_TYPE
from gonemaster_db.domains.models.policies import POLICY_NAME


class WatchEvent(enum.StrEnum):
    """An event of a watch. Values are stored and sent: append, never change; at most 32 characters."""

    DOMAIN_REGRESSED = "domain.regressed"
    DOMAIN_RECOVERED = "domain.recovered"
    BATCH_FINISHED = "batch.finished"
    SNAPSHOT_CAPTURED = "snapshot.captured"
    QUEUE_TROUBLE = "queue.trouble"
    CDS_DECIDED = "cds.decided"
    ROLLOVER_STEP = "rollover.step"
    ROLLOVER_BROKEN = "rollover.broken"
    ROLLOVER_COMPLETED = "rollover.completed"
    VERDICT_CHANGED = "verdict.changed"


class WatchKind(enum.StrEnum):
    """What a watch follows. Values are stored and sent: append, never change; at most 16 characters."""

    CHANGES = "changes"  # finished tests, batches, snapshots and the queue
    CDS = "cds"  # the CDS and CDNSKEY records of its domains, which it scans
    ROLLOVER = "rollover"  # the keys of one domain during a key rollover


class DeliveryStatus(enum.StrEnum):
    """The state of a delivery. Values are stored and sent by the API: append, never change."""

    WAITING = "waiting"  # waits for its first or next attempt; an attempt is in progress while it has a lease
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # failed permanently


class Watch(Base):
    """A subscription: one URL or email address that is notified of events of one tag or one domain."""

    __tablename__ = "watches"
    __table_args__ = ({"sqlite_autoincrement": True},)  # Receivers and the audit keep IDs: an ID must not be reused.

    id: Mapped[RowId] = mapped_column(primary_key=True)
    tag: Mapped[str | None] = mapped_column(TAG_TYPE, index=True, comment="kept when the tag is deleted")
    domain: Mapped[DomainName | None] = mapped_column(index=True)
    kind: Mapped[WatchKind] = mapped_column(enum_text(WatchKind), default=WatchKind.CHANGES, server_default="changes")
    interval_s: Mapped[int | None] = mapped_column(Integer, comment="time between two observations of a domain")
    hold_down_s: Mapped[int | None] = mapped_column(Integer, comment="how long a CDS request must stay the same")
    ends_at: Mapped[UtcTime | None] = mapped_column(comment="zones are observed until then")
    transfer: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default=false(), comment="samples of a rollover also read the zone by AXFR"
    )
    events: Mapped[list[str]] = mapped_column(JSON_TYPE)
    url: Mapped[str | None]
    email: Mapped[str | None] = mapped_column(code_text(254))
    host: Mapped[str] = mapped_column(code_text(255), comment="host and port of the URL, empty for email")
    secret: Mapped[str | None] = mapped_column(comment="key of the signatures; never shown")
    min_level: Mapped[LevelName] = mapped_column(comment="message tags from this level up count")
    grade_drop: Mapped[int] = mapped_column(SmallInteger, comment="steps of the grade that count")
    policy: Mapped[str | None] = mapped_column(POLICY_NAME, comment="only runs with this policy count")
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    after_key: Mapped[int] = mapped_column(BigInteger, comment="runs up to this key are not told of")
    failures: Mapped[int] = mapped_column(Integer, default=0, comment="failed attempts since the last success")
    retry_at: Mapped[UtcTime | None]  # After a failure all deliveries of the watch wait until this time.
    mailed_at: Mapped[UtcTime | None]  # time of the last digest of runs without a batch
    created_at: Mapped[UtcTime]
    updated_at: Mapped[UtcTime]


class WatchState(Base):
    """The progress of a maintenance task: `runs` follows finished runs, `troubles` checks the health of the queue."""

    __tablename__ = "watch_states"

    name: Mapped[str] = mapped_column(code_text(16), primary_key=True)
    value: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(BigInteger, comment="of two workers, the one that finds it changed gives up")


class WatchedBatch(Base):
    """A batch whose end is reported."""

    __tablename__ = "watched_batches"

    batch_key: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("batches.key", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )


class WatchDigest(Base):
    """The content of the next email of a watch, about one batch or (key 0) about runs without a batch."""

    __tablename__ = "watch_digests"
    __table_args__ = ({"sqlite_with_rowid": False},)

    watch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("watches.id", ondelete="CASCADE"), primary_key=True)
    batch_key: Mapped[int] = mapped_column(BigInteger, primary_key=True, index=True)
    summary: Mapped[dict[str, Any]] = mapped_column(comment="numbers of events, and the first of each kind")


class WatchNote(Base):
    """An event that was stored in its own transaction, before its recipients are determined."""

    __tablename__ = "watch_notes"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(code_text(32), comment="a WatchEvent")
    name: Mapped[str] = mapped_column(comment="identifies what happened; goes into the id of the event")
    tag: Mapped[str] = mapped_column(TAG_TYPE, default="")
    batch_key: Mapped[int | None] = mapped_column(BigInteger)
    details: Mapped[dict[str, Any]] = mapped_column(comment="what the receiver is told")
    at: Mapped[UtcTime]


class Delivery(Base):
    """One message to a recipient, with its result."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_status_next_attempt_at", "status", "next_attempt_at"),
        Index("ix_deliveries_watch_id_created_at", "watch_id", "created_at"),
    )

    id: Mapped[OpaqueId] = mapped_column(primary_key=True)
    watch_id: Mapped[int] = mapped_column(ForeignKey("watches.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(code_text(32), comment="a WatchEvent, `test` or, of mails, `digest`")
    event_count: Mapped[int] = mapped_column(Integer, default=1)
    body: Mapped[str | None] = mapped_column(CompressedText, comment="what is sent; removed at the end")
    status: Mapped[DeliveryStatus] = mapped_column(enum_text(DeliveryStatus), default=DeliveryStatus.WAITING)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[UtcTime]
    next_attempt_at: Mapped[UtcTime]
    last_attempt_at: Mapped[UtcTime | None]
    finished_at: Mapped[UtcTime | None] = mapped_column(index=True)
    duration_ms: Mapped[int | None] = mapped_column(Integer, comment="of the last attempt")
    response_status: Mapped[int | None] = mapped_column(SmallInteger, comment="of the last attempt, HTTP or SMTP")
    error: Mapped[str] = mapped_column(Sentence, default="", comment="why the last attempt failed")
    worker: Mapped[str | None] = mapped_column(String(255), comment="holder of the claim, unique for each claim")
    lease_until: Mapped[UtcTime | None]  # set by the claim, renewed while an attempt is in progress

    watch: Mapped[Watch] = relationship()
