"""Domains know the outcome of their newest run, so that entries of newest runs are counted in an index of domains."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
compatible_from = "0026"  # a release before it would not write the column
branch_labels = None
depends_on = None

_INDEX = "ix_domains_by_latest_run"
_OLD = "ix_domains_latest_run_id"


def upgrade() -> None:
    op.add_column("domains", sa.Column("latest_outcome_id", sa.Integer(), comment="of the newest run"))
    op.execute(
        "UPDATE domains SET latest_outcome_id = (SELECT outcome_id FROM runs WHERE runs.id = domains.latest_run_id)"
        " WHERE latest_run_id IS NOT NULL"
    )
    op.create_index(_INDEX, "domains", ["latest_run_id", "latest_outcome_id", "id"])
    op.drop_index(_OLD, table_name="domains")


def downgrade() -> None:
    op.create_index(_OLD, "domains", ["latest_run_id"])
    op.drop_index(_INDEX, table_name="domains")
    op.drop_column("domains", "latest_outcome_id")
