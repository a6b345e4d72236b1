"""The causes of each domain in snapshots, and the domains whose causes differ between two snapshots."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
compatible_from = "0029"
branch_labels = None
depends_on = None

_TABLES = ("fact_domain_summary", "snapshot_domains")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("cause_set_id", sa.Integer(), nullable=True, comment="null: unknown"))
    changed = "domains whose root causes differ; null: not compared"
    op.add_column("snapshot_comparisons", sa.Column("causes_changed", sa.LargeBinary(), nullable=True, comment=changed))


def downgrade() -> None:
    op.drop_column("snapshot_comparisons", "causes_changed")
    for table in reversed(_TABLES):
        op.drop_column(table, "cause_set_id")
