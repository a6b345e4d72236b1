"""Counts of the newest runs of large tags, kept by maintenance."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

revision = "0025"
down_revision = "0024"
compatible_from = "0024"
branch_labels = None
depends_on = None

_LEVELS = ("ok", "notice", "warning", "error", "critical")


def upgrade() -> None:
    op.create_table(
        "tag_summaries",
        sa.Column("tag", code(255), nullable=False),
        sa.Column("signature", sa.LargeBinary(16), nullable=False, comment="of the tag's domains and of all runs"),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False, comment="when the counts were right"),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        *(sa.Column(level, sa.Integer(), nullable=False) for level in _LEVELS),
        sa.Column("grades", json(), nullable=False, comment="numbers by grade"),
        sa.ForeignKeyConstraint(["tag"], ["tags.name"], name="fk_tag_summaries_tag", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag", name="pk_tag_summaries"),
    )


def downgrade() -> None:
    op.drop_table("tag_summaries")


def code(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def json() -> TypeEngine[Any]:
    return sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
