"""Figures that outlive the processes of the service: counters, time series, and the progress of the aggregation."""

from typing import Any

from sqlalchemy import BigInteger, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import JSON_TYPE, Base, UtcTime, code_text


class MetricCounter(Base):
    """A monotonic counter; each process adds what it has counted since its last update."""

    __tablename__ = "metric_counters"
    __table_args__ = ({"sqlite_with_rowid": False},)

    name: Mapped[str] = mapped_column(code_text(32), primary_key=True)
    label: Mapped[str] = mapped_column(code_text(255), primary_key=True, comment="what is counted apart; may be empty")
    value: Mapped[int] = mapped_column(BigInteger)


class MetricSlot(Base):
    """The sums of one minute, of five minutes or of one hour."""

    __tablename__ = "metric_slots"
    __table_args__ = ({"sqlite_with_rowid": False},)

    resolution: Mapped[int] = mapped_column(SmallInteger, primary_key=True, comment="length in seconds: 60 or 300")
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, comment="POSIX seconds, a multiple of the length")
    throughput: Mapped[int] = mapped_column(Integer, default=0, comment="runs that succeeded or failed")
    failed: Mapped[int] = mapped_column(Integer, default=0)
    queue_depth: Mapped[int | None] = mapped_column(Integer, comment="the last one that was measured")
    dns_queries_ipv4: Mapped[int] = mapped_column(BigInteger, default=0)
    dns_queries_ipv6: Mapped[int] = mapped_column(BigInteger, default=0)
    cache_hits: Mapped[int] = mapped_column(BigInteger, default=0)
    cache_misses: Mapped[int] = mapped_column(BigInteger, default=0)
    sev_notice: Mapped[int] = mapped_column(BigInteger, default=0)
    sev_warning: Mapped[int] = mapped_column(BigInteger, default=0)
    sev_error: Mapped[int] = mapped_column(BigInteger, default=0)
    sev_critical: Mapped[int] = mapped_column(BigInteger, default=0)


class MetricLatencies(Base):
    """Latency histograms of one API process in one slot; each process writes its own rows."""

    __tablename__ = "metric_latencies"
    __table_args__ = ({"sqlite_with_rowid": False},)

    resolution: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    source: Mapped[str] = mapped_column(code_text(40), primary_key=True, comment="an API process")
    routes: Mapped[dict[str, Any]] = mapped_column(
        JSON_TYPE, comment="`METHOD route` to the numbers of requests by bucket of time"
    )


class MetricFollower(Base):
    """The progress of the aggregation of runs, with the most recent domains and batches."""

    __tablename__ = "metric_followers"

    name: Mapped[str] = mapped_column(code_text(16), primary_key=True)
    seen: Mapped[int] = mapped_column(BigInteger, comment="key of the last run that was added")
    holes: Mapped[list[Any]] = mapped_column(JSON_TYPE, comment="keys below it that had no run yet")
    domains: Mapped[dict[str, Any]] = mapped_column(JSON_TYPE)
    batches: Mapped[dict[str, Any]] = mapped_column(JSON_TYPE)
    updated_at: Mapped[UtcTime]
