"""Tables of views. Each row has the position of its object among the objects of its kind, in order of the natural key.

Positions sort like the keys, so they are the last sort column of every list. The members of an object (the domains of a
name server, the tags of a domain) are a packed list of positions (gonemaster_db.runs.documents.positions): reading it
costs one row.
"""

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import (
    ROW_ID_TYPE,
    Base,
    CompressedText,
    DomainName,
    OpaqueId,
    SmallCode,
    UtcTime,
    code_text,
)
from gonemaster_db.runs.models.runs import LEVEL_TYPE

KINDS = ("domain", "nameserver", "endpoint", "asn", "prefix", "tag", "testcase", "unreachable")
"""The kinds of objects; `unreachable` are endpoints that did not answer for a domain. Stored by index: append only."""


class _ViewColumns:
    """The key columns of all rows of a view."""

    view_id: Mapped[int] = mapped_column(
        ROW_ID_TYPE, ForeignKey("snapshot_views.id", ondelete="CASCADE"), primary_key=True, sort_order=-2
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, sort_order=-1)


class _LatencyColumns:
    """Response times in milliseconds; null without responses."""

    latency_p50_ms: Mapped[float | None] = mapped_column(Float)
    latency_p95_ms: Mapped[float | None] = mapped_column(Float)
    latency_samples: Mapped[int] = mapped_column(BigInteger, default=0, comment="answers that the times are from")


def _sorted(table: str, *columns: str) -> tuple[Index, ...]:
    """Return an index for each sort column; the descending order reads it backward."""
    return tuple(Index(f"ix_{table}_{column}", "view_id", column, "position") for column in columns)


class SnapshotOverview(Base):
    """Totals, top lists and distributions of a snapshot as JSON."""

    __tablename__ = "snapshot_overviews"

    view_id: Mapped[int] = mapped_column(
        ROW_ID_TYPE, ForeignKey("snapshot_views.id", ondelete="CASCADE"), primary_key=True
    )
    domain_count: Mapped[int] = mapped_column(Integer)
    nameserver_count: Mapped[int] = mapped_column(Integer)
    endpoint_count: Mapped[int] = mapped_column(Integer)
    asn_count: Mapped[int] = mapped_column(Integer)
    prefix_count: Mapped[int] = mapped_column(Integer)
    top_tags: Mapped[str] = mapped_column(CompressedText)
    top_nameservers: Mapped[str] = mapped_column(CompressedText)
    top_asns: Mapped[str] = mapped_column(CompressedText)
    fact_distributions: Mapped[str] = mapped_column(CompressedText)


class SnapshotDomain(_ViewColumns, Base):
    """A domain in a snapshot; positions are in order of name."""

    __tablename__ = "snapshot_domains"
    __table_args__ = (
        Index("ix_snapshot_domains_name", "view_id", "name", unique=True),
        *_sorted("snapshot_domains", "score", "worst_level", "nameserver_count", "endpoint_count"),
        *_sorted("snapshot_domains", "asn_count", "prefix_count"),
    )

    domain_id: Mapped[int] = mapped_column(BigInteger, comment="the domain may be gone: views outlive it")
    name: Mapped[DomainName]
    run_id: Mapped[OpaqueId] = mapped_column(comment="the run may be gone")
    score: Mapped[int | None] = mapped_column(SmallInteger)
    grade: Mapped[str | None] = mapped_column(code_text(4))
    worst_level: Mapped[str | None] = mapped_column(LEVEL_TYPE)
    finished_at: Mapped[UtcTime]
    nameserver_count: Mapped[int] = mapped_column(Integer)
    endpoint_count: Mapped[int] = mapped_column(Integer)
    asn_count: Mapped[int] = mapped_column(Integer)
    prefix_count: Mapped[int] = mapped_column(Integer)
    ipv4_ns_count: Mapped[int] = mapped_column(Integer)
    ipv6_ns_count: Mapped[int] = mapped_column(Integer)
    dnskey_algo_weakest: Mapped[int | None] = mapped_column(SmallInteger)
    dnskey_count: Mapped[int | None] = mapped_column(Integer)
    dnssec_posture: Mapped[str] = mapped_column(code_text(8))
    software_version: Mapped[str] = mapped_column(code_text(255), default="")
    operator: Mapped[str] = mapped_column(code_text(128), default="")
    operator_asn: Mapped[int | None] = mapped_column(BigInteger)
    cause_set_id: Mapped[int | None] = mapped_column(Integer, comment="null: unknown")


class SnapshotNameserver(_ViewColumns, _LatencyColumns, Base):
    """A name server name; positions are in order of name."""

    __tablename__ = "snapshot_nameservers"
    __table_args__ = (
        Index("ix_snapshot_nameservers_name", "view_id", "name", unique=True),
        *_sorted("snapshot_nameservers", "domain_count", "endpoint_count", "latency_p50_ms"),
    )

    nameserver_id: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(code_text(255))
    domain_count: Mapped[int] = mapped_column(Integer)
    endpoint_count: Mapped[int] = mapped_column(Integer)
    ipv4_count: Mapped[int] = mapped_column(Integer)
    ipv6_count: Mapped[int] = mapped_column(Integer)
    asn_count: Mapped[int] = mapped_column(Integer)
    operator: Mapped[str] = mapped_column(code_text(128), default="", comment="label of its AS, or Multiple")
    operator_asn: Mapped[int | None] = mapped_column(BigInteger, comment="if it is in a single one")
    query_count: Mapped[int] = mapped_column(BigInteger)
    latency_ipv4: Mapped[float | None] = mapped_column(Float, comment="median")
    latency_ipv6: Mapped[float | None] = mapped_column(Float)


class SnapshotEndpoint(_ViewColumns, _LatencyColumns, Base):
    """A name server with one of its addresses; positions are in order of name, then address (IPv4 first)."""

    __tablename__ = "snapshot_endpoints"
    __table_args__ = (
        Index("ix_snapshot_endpoints_address", "view_id", "address_order", "position"),
        *_sorted("snapshot_endpoints", "domain_count", "prefix", "operator"),
    )

    nameserver_id: Mapped[int] = mapped_column(Integer)
    address_id: Mapped[int] = mapped_column(Integer)
    nameserver: Mapped[str] = mapped_column(code_text(255))
    address: Mapped[str] = mapped_column(code_text(45))
    address_order: Mapped[bytes] = mapped_column(LargeBinary(17), comment="family and octets: sorts as addresses do")
    family: Mapped[int] = mapped_column(SmallInteger)
    domain_count: Mapped[int] = mapped_column(Integer)
    asn: Mapped[int | None] = mapped_column(BigInteger)
    operator: Mapped[str] = mapped_column(code_text(128), default="", comment="label of its AS")
    prefix: Mapped[str] = mapped_column(code_text(49), default="", comment="empty: unknown")


class SnapshotAsn(_ViewColumns, _LatencyColumns, Base):
    """An AS; positions are in order of number."""

    __tablename__ = "snapshot_asns"
    __table_args__ = (Index("ix_snapshot_asns_asn", "view_id", "asn", unique=True),)

    asn: Mapped[int] = mapped_column(BigInteger)
    label: Mapped[str] = mapped_column(default="")
    domain_count: Mapped[int] = mapped_column(Integer)
    address_count: Mapped[int] = mapped_column(Integer)
    nameserver_count: Mapped[int] = mapped_column(Integer)
    prefix_count: Mapped[int] = mapped_column(Integer)
    ipv4_count: Mapped[int] = mapped_column(Integer)
    ipv6_count: Mapped[int] = mapped_column(Integer)


class SnapshotPrefix(_ViewColumns, Base):
    """A prefix; positions are in order of family, address and length."""

    __tablename__ = "snapshot_prefixes"
    __table_args__ = (
        Index("ix_snapshot_prefixes_prefix", "view_id", "prefix", unique=True),
        *_sorted("snapshot_prefixes", "domain_count", "address_count"),
    )

    prefix: Mapped[str] = mapped_column(code_text(49))
    family: Mapped[int] = mapped_column(SmallInteger)
    domain_count: Mapped[int] = mapped_column(Integer)
    address_count: Mapped[int] = mapped_column(Integer)
    asn: Mapped[int | None] = mapped_column(BigInteger, comment="if there is a single one")
    asn_label: Mapped[str] = mapped_column(default="")


class SnapshotTag(_ViewColumns, Base):
    """A message tag of one test case at or above the floor; positions are in order of tag, then test case."""

    __tablename__ = "snapshot_tags"

    tag: Mapped[str] = mapped_column(code_text(64))
    module: Mapped[str] = mapped_column(code_text(32))
    testcase: Mapped[str] = mapped_column(code_text(32))
    level: Mapped[str] = mapped_column(LEVEL_TYPE, comment="the worst one that it has")
    domain_count: Mapped[int] = mapped_column(Integer)
    occurrence_count: Mapped[int] = mapped_column(BigInteger)


class SnapshotTestcase(_ViewColumns, Base):
    """A test case with findings at or above the floor; positions are in order of module, then test case."""

    __tablename__ = "snapshot_testcases"

    module: Mapped[str] = mapped_column(code_text(32))
    testcase: Mapped[str] = mapped_column(code_text(32))
    domain_count: Mapped[int] = mapped_column(Integer)
    entry_count: Mapped[int] = mapped_column(BigInteger)
    worst_level: Mapped[str] = mapped_column(LEVEL_TYPE)


class SnapshotMembers(Base):
    """The positions of all members of one kind that an object has."""

    __tablename__ = "snapshot_members"
    __table_args__ = ({"sqlite_with_rowid": False},)

    view_id: Mapped[int] = mapped_column(
        ROW_ID_TYPE, ForeignKey("snapshot_views.id", ondelete="CASCADE"), primary_key=True
    )
    owner: Mapped[str] = mapped_column(SmallCode(KINDS), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    member: Mapped[str] = mapped_column(SmallCode(KINDS), primary_key=True)
    positions: Mapped[bytes] = mapped_column(LargeBinary)
