"""Statistics of finished batches: the values of the arguments of their entries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batch_statistics",
        sa.Column("batch_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signature", sa.LargeBinary(16), nullable=False, comment="of the counters of the batch"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_key"], ["batches.key"], name="fk_batch_statistics_batch_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("batch_key", name="pk_batch_statistics"),
    )
    op.create_table(
        "tag_value_tables",
        sa.Column("batch_key", sa.BigInteger(), nullable=False),
        sa.Column("tag", code(64), nullable=False),
        sa.Column("argument", code(255), nullable=False),
        sa.Column("most", sa.LargeBinary(), nullable=False, comment="the values that most domains have"),
        sa.Column("worst", sa.LargeBinary(), comment="those that lack most points; null: as `most`"),
        sa.Column("shared", sa.LargeBinary(), comment="all that two domains or more have; null: they are in `most`"),
        sa.ForeignKeyConstraint(
            ["batch_key"],
            ["batch_statistics.batch_key"],
            name="fk_tag_value_tables_batch_key",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_key", "tag", "argument", name="pk_tag_value_tables"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_batches_domain_count", "batches", ["domain_count"])


def downgrade() -> None:
    op.drop_index("ix_batches_domain_count", table_name="batches")
    op.drop_table("tag_value_tables")
    op.drop_table("batch_statistics")


def code(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
