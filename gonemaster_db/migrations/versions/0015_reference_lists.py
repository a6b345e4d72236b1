"""Lists that cohorts are compared with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "reference_lists",
        sa.Column("name", code(32), nullable=False),
        sa.Column("version", code(64), nullable=False, comment="empty: never fetched"),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="names in A-labels, one a line"),
        sa.Column("fetched_at", TIME),
        sa.Column(
            "tried_at", TIME, nullable=False, comment="of the last attempt; the next one follows an interval later"
        ),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("last_error_at", TIME),
        sa.PrimaryKeyConstraint("name", name="pk_reference_lists"),
    )


def downgrade() -> None:
    op.drop_table("reference_lists")


def code(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
