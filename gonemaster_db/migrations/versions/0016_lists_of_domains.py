"""Indexes of domains that hold a sort order and what lists of domains are filtered by."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_domains_by_level": ["latest_level", "name", "id"],
    "ix_domains_by_score": ["latest_score", "name", "latest_level", "id"],
    "ix_domains_by_run_at": ["latest_run_at", "name", "latest_level", "id"],
    "ix_domains_by_run_count": ["run_count", "name", "latest_level", "id"],
}


def upgrade() -> None:
    for name, columns in _INDEXES.items():
        op.create_index(name, "domains", columns)
    op.drop_index("ix_domains_latest_level", table_name="domains")


def downgrade() -> None:
    op.create_index("ix_domains_latest_level", "domains", ["latest_level"])
    for name in _INDEXES:
        op.drop_index(name, table_name="domains")
