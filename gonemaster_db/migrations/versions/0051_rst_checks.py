"""Rehearsals of Registry System Testing."""

import sqlalchemy as sa
from alembic import op

from gonemaster_db.core.base import ID_TYPE, JSON_TYPE

revision = "0051"
down_revision = "0049"
compatible_from = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rst_checks",
        sa.Column("id", ID_TYPE, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("job_ids", JSON_TYPE, nullable=False, comment="list, in the order of the TLDs"),
        sa.Column("inputs", sa.LargeBinary(), nullable=False, comment="input parameters of RST as JSON"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rst_checks")),
    )
    op.create_index(op.f("ix_rst_checks_created_at"), "rst_checks", ["created_at"])


def downgrade() -> None:
    op.drop_table("rst_checks")
