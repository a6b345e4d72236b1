"""Comparisons of two views, made once and read page by page."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLE = "snapshot_comparisons"
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CODE = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
COLUMNS = "digest of scoring, vocabularies and floors used"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("from_view_id", ROW_ID, nullable=False),
        sa.Column("to_view_id", ROW_ID, nullable=False),
        sa.Column("basis", CODE, nullable=False, comment=COLUMNS),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False, comment="JSON: totals and changed tags"),
        sa.Column(
            "clusters", sa.LargeBinary(), nullable=False, comment="JSON: domains that moved together, largest first"
        ),
        sa.Column("added", sa.LargeBinary(), nullable=False),
        sa.Column("removed", sa.LargeBinary(), nullable=False),
        sa.Column("grade_changed", sa.LargeBinary(), nullable=False),
        sa.Column("level_changed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "moved",
            sa.LargeBinary(),
            nullable=False,
            comment="both positions, delta, explained delta, category; by delta, then name",
        ),
        sa.ForeignKeyConstraint(
            ["from_view_id"], ["snapshot_views.id"], name=f"fk_{TABLE}_from_view_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["to_view_id"], ["snapshot_views.id"], name=f"fk_{TABLE}_to_view_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.UniqueConstraint("from_view_id", "to_view_id", name=f"uq_{TABLE}_from_view_id_to_view_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(f"ix_{TABLE}_to_view_id", TABLE, ["to_view_id"])
    op.create_index(f"ix_{TABLE}_made_at", TABLE, ["made_at"])


def downgrade() -> None:
    op.drop_table(TABLE)
