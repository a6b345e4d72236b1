"""Registration data of domains, when labels of ASes were looked up, and how many facts a view was made from."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NAME = sa.String(253).with_variant(sa.String(253, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "registrations",
        sa.Column("domain", NAME, nullable=False, comment="A-labels, lower case"),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="JSON; empty: never fetched"),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True)),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False, comment="of the last attempt"),
        sa.Column("last_error", sa.Text(), nullable=False, comment="empty: the last attempt succeeded"),
        sa.PrimaryKeyConstraint("domain", name="pk_registrations"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_registrations_tried_at", "registrations", ["tried_at"])
    op.add_column(
        "analysis_asns",
        sa.Column("label_tried_at", sa.DateTime(timezone=True), comment="when its holder was last looked up"),
    )
    op.add_column(
        "snapshot_views",
        sa.Column("fact_rows", sa.BigInteger(), comment="rows of all fact tables that it was made from"),
    )


def downgrade() -> None:
    op.drop_column("snapshot_views", "fact_rows")
    op.drop_column("analysis_asns", "label_tried_at")
    op.drop_table("registrations")
