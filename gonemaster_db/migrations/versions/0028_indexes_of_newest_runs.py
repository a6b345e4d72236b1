"""Entries of newest runs are counted in an index of domains, and those whose outcome is unknown have one."""

from gonemaster_db.migrations.online import create_index, drop_index

revision = "0028"
down_revision = "0027"
compatible_from = "0024"
branch_labels = None
depends_on = None

_UNKNOWN = "CASE WHEN coalesce(latest_outcome_run_id, '') = coalesce(latest_run_id, '') THEN 1 END IS NULL"


def upgrade() -> None:
    create_index("ix_domains_by_latest_run", "domains", ["latest_run_id", "latest_outcome_id", "id"])
    create_index("ix_domains_outcome_unknown", "domains", ["id"], where=_UNKNOWN)
    drop_index("ix_domains_latest_run_id", "domains")  # the first one begins with the same column


def downgrade() -> None:
    create_index("ix_domains_latest_run_id", "domains", ["latest_run_id"])
    drop_index("ix_domains_outcome_unknown", "domains")
    drop_index("ix_domains_by_latest_run", "domains")
