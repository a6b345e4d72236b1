"""Registries of the analysis: name servers, addresses, prefixes and ASNs that facts refer to by ID."""

from sqlalchemy import BigInteger, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, UtcTime, code_text

_NO_ID_REUSE = {"sqlite_autoincrement": True}  # IDs are never reused, because processes cache them.


class AnalysisNameserver(Base):
    """A name server name."""

    __tablename__ = "analysis_nameservers"
    __table_args__ = (_NO_ID_REUSE,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(code_text(255), unique=True)
    first_seen_at: Mapped[UtcTime]
    last_seen_at: Mapped[UtcTime]


class AnalysisAddress(Base):
    """An IP address of a name server."""

    __tablename__ = "analysis_addresses"
    __table_args__ = (_NO_ID_REUSE,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    address: Mapped[str] = mapped_column(code_text(45), unique=True, comment="canonical text, RFC 5952 for IPv6")
    family: Mapped[int] = mapped_column(SmallInteger, comment="4 or 6")
    first_seen_at: Mapped[UtcTime]
    last_seen_at: Mapped[UtcTime]


class AnalysisPrefix(Base):
    """An announced prefix."""

    __tablename__ = "analysis_prefixes"
    __table_args__ = (_NO_ID_REUSE,)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    prefix: Mapped[str] = mapped_column(code_text(49), unique=True)
    family: Mapped[int] = mapped_column(SmallInteger, comment="4 or 6")
    first_seen_at: Mapped[UtcTime]
    last_seen_at: Mapped[UtcTime]


class AnalysisAsn(Base):
    """An autonomous system number with its label, if known."""

    __tablename__ = "analysis_asns"

    asn: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(default="")
    first_seen_at: Mapped[UtcTime]
    last_seen_at: Mapped[UtcTime]
    label_tried_at: Mapped[UtcTime | None] = mapped_column(comment="when its holder was last looked up")
