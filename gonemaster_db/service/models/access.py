"""Access tokens and the sessions opened with them; both are stored as digests only."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from gonemaster_db.core.base import Base, Json, UtcTime, code_text

DIGEST_TYPE = code_text(71)  # `sha256:` and 64 hexadecimal digits


class AccessToken(Base):
    """A token that was added by command, or a revoked token of the configuration.

    Rows of revoked tokens are kept: they overrule the configuration, and a service that has only revoked tokens still
    requires authentication.
    """

    __tablename__ = "access_tokens"
    __table_args__ = (
        # The database decides if two operators use a label at the same time; the label of a revoked token can be used
        # again.
        Index(
            "uq_access_tokens_label",
            "label",
            unique=True,
            postgresql_where="revoked_at IS NULL",
            sqlite_where="revoked_at IS NULL",
        ),
    )

    digest: Mapped[str] = mapped_column(DIGEST_TYPE, primary_key=True)
    label: Mapped[str] = mapped_column(code_text(64))
    scopes: Mapped[Json] = mapped_column(comment="a list of read, operate, admin; empty means admin")
    created_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime | None] = mapped_column(comment="null: never")
    revoked_at: Mapped[UtcTime | None]


class AccessTokenUse(Base):
    """The last use of a token, which may be a token of the configuration."""

    __tablename__ = "access_token_uses"

    digest: Mapped[str] = mapped_column(DIGEST_TYPE, primary_key=True)
    last_used_at: Mapped[UtcTime] = mapped_column(comment="written at most once a minute")


class AccessSession(Base):
    """A browser login with the rights of its token, which may be a token of the configuration."""

    __tablename__ = "access_sessions"

    digest: Mapped[str] = mapped_column(DIGEST_TYPE, primary_key=True)
    token_digest: Mapped[str] = mapped_column(DIGEST_TYPE, index=True)
    created_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime] = mapped_column(index=True)
