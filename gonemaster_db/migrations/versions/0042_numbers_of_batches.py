"""The numbers that identify batches in the JSON-RPC API of Zonemaster."""

import sqlalchemy as sa
from alembic import op

from gonemaster_db.core.base import ROW_ID_TYPE

revision = "0042"
down_revision = "0041"
compatible_from = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batch_numbers",
        sa.Column("number", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("batch_key", ROW_ID_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_key"], ["batches.key"], name=op.f("fk_batch_numbers_batch_key_batches"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_batch_numbers")),
    )
    op.create_index(op.f("ix_batch_numbers_batch_key"), "batch_numbers", ["batch_key"])


def downgrade() -> None:
    op.drop_table("batch_numbers")
