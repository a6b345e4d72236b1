"""Registration data of domains, as published by registries."""

from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, CompressedText, UtcTime, code_text


class Registration(Base):
    """The answer of the RDAP service of a domain's registry, or the error of the last query."""

    __tablename__ = "registrations"
    __table_args__ = ({"sqlite_with_rowid": False},)

    domain: Mapped[str] = mapped_column(code_text(253), primary_key=True, comment="A-labels, lower case")
    content: Mapped[str] = mapped_column(CompressedText, default="", comment="JSON; empty: never fetched")
    source_url: Mapped[str] = mapped_column(default="")
    fetched_at: Mapped[UtcTime | None]
    tried_at: Mapped[UtcTime] = mapped_column(index=True, comment="of the last attempt")
    last_error: Mapped[str] = mapped_column(default="", comment="empty: the last attempt succeeded")
