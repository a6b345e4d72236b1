"""Operations: changes of many rows in the background, with progress and a lease."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "operations",
        sa.Column("id", code(40)),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("target", sa.Text, nullable=False, comment="id or name of what is changed, as in the audit"),
        sa.Column("parameters", JSON, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False, comment="rows to change, counted at the start"),
        sa.Column("result", JSON, comment="what the synchronous response would have been"),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("audit_id", ROW_ID),
        sa.Column("worker", sa.String(255), comment="holder of the claim, unique for each claim"),
        sa.Column("lease_until", TIME),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_operations"),
        sa.ForeignKeyConstraint(["audit_id"], ["audit.id"], name="fk_operations_audit_id", ondelete="SET NULL"),
    )
    op.create_index("ix_operations_status_created_at", "operations", ["status", "created_at"])
    op.create_index("ix_operations_created_at", "operations", ["created_at"])
    op.create_index("ix_operations_audit_id", "operations", ["audit_id"])


def downgrade() -> None:
    """Drop operations that have not finished with the table: earlier versions cannot perform them."""
    op.drop_table("operations")


def code(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
