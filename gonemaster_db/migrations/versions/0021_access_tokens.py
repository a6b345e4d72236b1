"""Access tokens and sessions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
NOT_REVOKED = sa.text("revoked_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "access_tokens",
        sa.Column("digest", code(71), nullable=False),
        sa.Column("label", code(64), nullable=False),
        sa.Column("scopes", JSON, nullable=False, comment="a list of read, operate, admin; empty means admin"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("digest", name="pk_access_tokens"),
    )
    op.create_index(
        "uq_access_tokens_label",
        "access_tokens",
        ["label"],
        unique=True,
        postgresql_where=NOT_REVOKED,
        sqlite_where=NOT_REVOKED,
    )
    op.create_table(
        "access_sessions",
        sa.Column("digest", code(71), nullable=False),
        sa.Column("token_digest", code(71), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_access_sessions"),
    )
    op.create_index("ix_access_sessions_token_digest", "access_sessions", ["token_digest"])
    op.create_index("ix_access_sessions_expires_at", "access_sessions", ["expires_at"])


def downgrade() -> None:
    """Drop both tables: earlier versions know no logins, and listen on loopback addresses only."""
    op.drop_table("access_sessions")
    op.drop_table("access_tokens")


def code(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
