"""Links that show one result to everyone who has them."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
compatible_from = "0029"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_CODE = sa.String(71).with_variant(sa.String(71, collation="C"), "postgresql")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "share_links",
        sa.Column("digest", _CODE, nullable=False),
        sa.Column("run_key", _ROW_ID, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False, comment="the actor, as in the audit"),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["run_key"], ["runs.key"], name=op.f("fk_share_links_run_key_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_share_links")),
    )
    op.create_index(op.f("ix_share_links_run_key"), "share_links", ["run_key"])
    op.create_index(op.f("ix_share_links_expires_at"), "share_links", ["expires_at"])


def downgrade() -> None:
    op.drop_table("share_links")
