"""Links that show one result to everyone who has them; only digests of their secrets are stored."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import ROW_ID_TYPE, Base, UtcTime, code_text


class ShareLink(Base):
    """A link to the result of one run."""

    __tablename__ = "share_links"

    digest: Mapped[str] = mapped_column(code_text(71), primary_key=True)
    run_key: Mapped[int] = mapped_column(ROW_ID_TYPE, ForeignKey("runs.key", ondelete="CASCADE"), index=True)
    created_by: Mapped[str] = mapped_column(comment="the actor, as in the audit")
    created_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime] = mapped_column(index=True)
    revoked_at: Mapped[UtcTime | None]
