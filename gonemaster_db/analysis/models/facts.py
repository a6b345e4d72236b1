"""Facts: the results of a cohort's domains, one set of rows for each domain in each snapshot.

Each table has only its primary key as an index: facts are written and replaced by domain, read as a whole when the view
of the snapshot is built, and removed with the snapshot. Requests are answered from views.
"""

from sqlalchemy import BigInteger, Float, ForeignKey, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import ROW_ID_TYPE, Base, DomainName, OpaqueId, SmallCode, UtcTime, code_text
from gonemaster_db.runs.models.runs import LEVEL_TYPE

NO_ADDRESS = 0  # address ID of a name without addresses
NO_ASN = 0  # no known AS; AS 0 is reserved (RFC 7607)
SOURCES = ("entries", "timings")
LOOKUP_STATUSES = ("found", "missing", "failed")
CATEGORIES = (
    "severity", "dnssec_posture", "ipv6_coverage", "grade", "dnskey_algo", "dnskey_algo_weakest", "software_version",
)  # fmt: skip  # stored by position: append only
_WITHOUT_ROWID = {"sqlite_with_rowid": False}


class _DomainColumns:
    """The key columns of all facts: a domain of a snapshot."""

    snapshot_id: Mapped[int] = mapped_column(
        ROW_ID_TYPE, ForeignKey("cohort_snapshots.id", ondelete="CASCADE"), primary_key=True, sort_order=-2
    )
    domain_id: Mapped[int] = mapped_column(ROW_ID_TYPE, primary_key=True, sort_order=-1)


class FactNsEndpoint(_DomainColumns, Base):
    """A name server of a domain with one of its addresses, and its response times in milliseconds."""

    __tablename__ = "fact_ns_endpoints"
    __table_args__ = (_WITHOUT_ROWID,)

    nameserver_id: Mapped[int] = mapped_column(ForeignKey("analysis_nameservers.id"), primary_key=True)
    address_id: Mapped[int] = mapped_column(Integer, primary_key=True, comment="0: the name has no address")
    source: Mapped[str] = mapped_column(SmallCode(SOURCES))
    avg_ms: Mapped[float | None] = mapped_column(Float, comment="null: no answer, or not asked")
    min_ms: Mapped[float | None] = mapped_column(Float)
    max_ms: Mapped[float | None] = mapped_column(Float)
    query_count: Mapped[int] = mapped_column(Integer, default=0)
    unreachable: Mapped[bool] = mapped_column(default=False, comment="it was asked and did not answer")


class FactAddressAsn(_DomainColumns, Base):
    """Prefix and origin AS of an address of a domain's name server, with one row for each origin."""

    __tablename__ = "fact_address_asns"
    __table_args__ = (_WITHOUT_ROWID,)

    address_id: Mapped[int] = mapped_column(ForeignKey("analysis_addresses.id"), primary_key=True)
    asn: Mapped[int] = mapped_column(BigInteger, primary_key=True, comment="0: none is known")
    prefix_id: Mapped[int | None] = mapped_column(ForeignKey("analysis_prefixes.id"))
    lookup_status: Mapped[str] = mapped_column(SmallCode(LOOKUP_STATUSES))


class FactDomainAsn(_DomainColumns, Base):
    """An AS that hosts name servers of a domain, by address family."""

    __tablename__ = "fact_domain_asns"
    __table_args__ = (_WITHOUT_ROWID,)

    asn: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    family: Mapped[int] = mapped_column(SmallInteger, primary_key=True, comment="4 or 6")


class FactTagSummary(_DomainColumns, Base):
    """The number of a domain's entries of one kind (message tag, module, test case, level), at or above the floor."""

    __tablename__ = "fact_tag_summary"
    __table_args__ = (_WITHOUT_ROWID,)

    kind_id: Mapped[int] = mapped_column(ForeignKey("entry_kinds.id"), primary_key=True)
    occurrence_count: Mapped[int] = mapped_column(Integer)


class FactDomainFact(_DomainColumns, Base):
    """A key of a category that applies to a domain."""

    __tablename__ = "fact_domain_facts"
    __table_args__ = (_WITHOUT_ROWID,)

    category: Mapped[str] = mapped_column(SmallCode(CATEGORIES), primary_key=True)
    fact_key: Mapped[str] = mapped_column(code_text(255), primary_key=True)
    value_num: Mapped[int | None] = mapped_column(Integer)


class FactDomainSummary(_DomainColumns, Base):
    """Score, grade and counts of a domain, and the run that all its facts come from."""

    __tablename__ = "fact_domain_summary"

    name: Mapped[DomainName] = mapped_column(comment="the domain may be gone: facts outlive it")
    run_key: Mapped[int] = mapped_column(BigInteger, comment="the run may be gone: facts outlive it")
    run_id: Mapped[OpaqueId]
    finished_at: Mapped[UtcTime]
    score: Mapped[int | None] = mapped_column(SmallInteger)
    grade: Mapped[str | None] = mapped_column(code_text(4))
    worst_level: Mapped[str | None] = mapped_column(LEVEL_TYPE)
    nameserver_count: Mapped[int] = mapped_column(Integer)
    endpoint_count: Mapped[int] = mapped_column(Integer)
    asn_count: Mapped[int] = mapped_column(Integer)
    prefix_count: Mapped[int] = mapped_column(Integer)
    ipv4_ns_count: Mapped[int] = mapped_column(Integer, comment="name servers with at least one IPv4 address")
    ipv6_ns_count: Mapped[int] = mapped_column(Integer)
    engine_version: Mapped[str] = mapped_column(code_text(64), default="", comment="empty: unknown")
    effective_profile_id: Mapped[int | None] = mapped_column(Integer)
    profile_id: Mapped[int | None] = mapped_column(Integer)
    profile_name: Mapped[str] = mapped_column(default="")
    cause_set_id: Mapped[int | None] = mapped_column(Integer, comment="null: unknown")


PROJECTION_STATUSES = ("projected", "failed")


class Projection(Base):
    """The state of a run's projection into a snapshot; a run without a row is not projected yet."""

    __tablename__ = "projections"
    __table_args__ = (_WITHOUT_ROWID,)

    snapshot_id: Mapped[int] = mapped_column(
        ROW_ID_TYPE, ForeignKey("cohort_snapshots.id", ondelete="CASCADE"), primary_key=True
    )
    run_key: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    status: Mapped[str] = mapped_column(SmallCode(PROJECTION_STATUSES))
    projector_version: Mapped[int] = mapped_column(SmallInteger)
    error: Mapped[str | None]


FACT_TABLES: tuple[type[Base], ...] = (
    FactNsEndpoint,
    FactAddressAsn,
    FactDomainAsn,
    FactTagSummary,
    FactDomainFact,
    FactDomainSummary,
)
