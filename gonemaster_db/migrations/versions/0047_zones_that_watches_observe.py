"""Kinds of watches, the zones that they observe, and decisions about DS records."""

import sqlalchemy as sa
from alembic import op

from gonemaster_db.core.base import DOMAIN_TYPE, JSON_TYPE, ROW_ID_TYPE, CompressedText, code_text

revision = "0047"
down_revision = "0043"
compatible_from = "0029"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("watches", sa.Column("kind", sa.String(16), nullable=False, server_default="changes"))
    between = sa.Column("interval_s", sa.Integer(), nullable=True, comment="time between two observations of a domain")
    op.add_column("watches", between)
    held = sa.Column("hold_down_s", sa.Integer(), nullable=True, comment="how long a CDS request must stay the same")
    op.add_column("watches", held)
    op.create_table(
        "observed_zones",
        sa.Column("watch_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", DOMAIN_TYPE, nullable=False),
        sa.Column(
            "next_at", _TIME, nullable=False, comment="when it is due, or the end of the lease while it is observed"
        ),
        sa.Column("observed_at", _TIME, nullable=True),
        sa.Column("state", JSON_TYPE, nullable=False, comment="what earlier observations said"),
        sa.ForeignKeyConstraint(
            ["watch_id"], ["watches.id"], name=op.f("fk_observed_zones_watch_id_watches"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("watch_id", "domain", name=op.f("pk_observed_zones")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_observed_zones_next_at"), "observed_zones", ["next_at"])
    op.create_index(op.f("ix_observed_zones_domain"), "observed_zones", ["domain"])
    op.create_table(
        "cds_decisions",
        sa.Column("key", ROW_ID_TYPE, nullable=False),
        sa.Column("watch_id", sa.BigInteger(), nullable=True),
        sa.Column("domain", DOMAIN_TYPE, nullable=False),
        sa.Column("action", code_text(16), nullable=False),
        sa.Column("reason", code_text(32), nullable=False),
        sa.Column("ds", JSON_TYPE, nullable=False, comment="the complete set that the delegation should have"),
        sa.Column("current_ds", JSON_TYPE, nullable=False, comment="the set at the time of the decision"),
        sa.Column("decided_at", _TIME, nullable=False),
        sa.Column("evidence", CompressedText(), nullable=False, comment="the observation, as JSON"),
        sa.ForeignKeyConstraint(
            ["watch_id"], ["watches.id"], name=op.f("fk_cds_decisions_watch_id_watches"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_cds_decisions")),
        sqlite_autoincrement=True,
    )
    for column in ("watch_id", "domain", "decided_at"):
        op.create_index(op.f(f"ix_cds_decisions_{column}"), "cds_decisions", [column])


def downgrade() -> None:
    op.drop_table("cds_decisions")
    op.drop_table("observed_zones")
    for name in ("hold_down_s", "interval_s", "kind"):
        op.drop_column("watches", name)
