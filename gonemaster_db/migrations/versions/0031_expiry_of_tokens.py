"""Expiry and last use of tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
compatible_from = "0029"
branch_labels = None
depends_on = None

_DIGEST = sa.String(71).with_variant(sa.String(71, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("access_tokens", sa.Column("expires_at", sa.DateTime(timezone=True), comment="null: never"))
    op.create_table(
        "access_token_uses",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False, comment="written at most once a minute"),
        sa.PrimaryKeyConstraint("digest", name="pk_access_token_uses"),
    )


def downgrade() -> None:
    op.drop_table("access_token_uses")
    op.drop_column("access_tokens", "expires_at")
