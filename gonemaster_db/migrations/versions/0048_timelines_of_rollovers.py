"""The end of a watch, and the timelines of zones whose rollovers are watched."""

import sqlalchemy as sa
from alembic import op

from gonemaster_db.core.base import JSON_TYPE, ROW_ID_TYPE

revision = "0048"
down_revision = "0047"
compatible_from = "0029"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("watches", sa.Column("ends_at", _TIME, nullable=True, comment="zones are observed until then"))
    op.create_table(
        "rollover_spans",
        sa.Column("key", ROW_ID_TYPE, nullable=False),
        sa.Column("watch_id", sa.BigInteger(), nullable=False),
        sa.Column("first_at", _TIME, nullable=False),
        sa.Column("last_at", _TIME, nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("state", JSON_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["watch_id"], ["watches.id"], name=op.f("fk_rollover_spans_watch_id_watches"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rollover_spans")),
    )
    op.create_index(op.f("ix_rollover_spans_watch_id"), "rollover_spans", ["watch_id"])


def downgrade() -> None:
    op.drop_table("rollover_spans")
    op.drop_column("watches", "ends_at")
