"""Counters and courses of the metrics; runs from before are added up by maintenance, in steps."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metric_counters",
        sa.Column("name", code(32), nullable=False),
        sa.Column("label", code(255), nullable=False, comment="what is counted apart; may be empty"),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "label", name="pk_metric_counters"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "metric_slots",
        sa.Column("resolution", sa.SmallInteger(), nullable=False, comment="length in seconds: 60 or 300"),
        sa.Column("start", sa.BigInteger(), nullable=False, comment="POSIX seconds, a multiple of the length"),
        sa.Column("throughput", sa.Integer(), nullable=False, comment="runs that succeeded or failed"),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("queue_depth", sa.Integer(), comment="the last one that was measured"),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _SUMS),
        sa.PrimaryKeyConstraint("resolution", "start", name="pk_metric_slots"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "metric_latencies",
        sa.Column("resolution", sa.SmallInteger(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("source", code(40), nullable=False, comment="an API process"),
        sa.Column(
            "routes", document(), nullable=False, comment="`METHOD route` to the numbers of requests by bucket of time"
        ),
        sa.PrimaryKeyConstraint("resolution", "start", "source", name="pk_metric_latencies"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "metric_followers",
        sa.Column("name", code(16), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False, comment="key of the last run that was added"),
        sa.Column("holes", document(), nullable=False, comment="keys below it that had no run yet"),
        sa.Column("domains", document(), nullable=False),
        sa.Column("batches", document(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_metric_followers"),
    )


_SUMS = (
    "dns_queries_ipv4", "dns_queries_ipv6", "cache_hits", "cache_misses", "sev_notice", "sev_warning", "sev_error",
    "sev_critical",
)  # fmt: skip


def downgrade() -> None:
    for name in ("metric_followers", "metric_latencies", "metric_slots", "metric_counters"):
        op.drop_table(name)


def code(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def document() -> sa.JSON[Any]:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
