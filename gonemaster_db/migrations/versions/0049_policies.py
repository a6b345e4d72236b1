"""Policies with their versions, the verdicts of runs, and the policies of schedules and watches."""

import sqlalchemy as sa
from alembic import op

from gonemaster_db.core.base import JSON_TYPE, ROW_ID_TYPE

revision = "0049"
down_revision = "0048"
compatible_from = "0029"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def _code(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("id", ROW_ID_TYPE, nullable=False),
        sa.Column("name", _code(64), nullable=False),
        sa.Column(
            "version", sa.Integer(), nullable=False, comment="1, 2, ...; continued if a removed policy is stored again"
        ),
        sa.Column("document", JSON_TYPE, nullable=False, comment="in normal form, without name and version"),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("removed_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_policies_name_version")),
    )
    op.add_column("runs", sa.Column("policy", _code(64), nullable=True))
    op.add_column("runs", sa.Column("policy_version", _code(32), nullable=True))
    op.add_column(
        "runs", sa.Column("verdict", sa.SmallInteger(), nullable=True, comment="of the policy; null: no policy")
    )
    op.add_column("schedules", sa.Column("policy", _code(64), nullable=True))
    op.add_column("watches", sa.Column("policy", _code(64), nullable=True, comment="only runs with this policy count"))


def downgrade() -> None:
    for table, columns in {
        "watches": ("policy",),
        "schedules": ("policy",),
        "runs": ("verdict", "policy_version", "policy"),
    }.items():
        for column in columns:
            op.drop_column(table, column)
    op.drop_table("policies")
