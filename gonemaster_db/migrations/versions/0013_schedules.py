"""Schedules of cohorts and tags."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("cohort_id", sa.Integer),
        sa.Column("tag", code(255)),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("kind", code(16), nullable=False, comment="interval, weekly, monthly"),
        sa.Column("interval_days", sa.SmallInteger),
        sa.Column("anchor_date", sa.Date),
        sa.Column("weekdays", JSON, nullable=False, comment="mon ... sun"),
        sa.Column("days_of_month", JSON, nullable=False),
        sa.Column("last_day", sa.Boolean, nullable=False),
        sa.Column("time_of_day", sa.String(5), nullable=False, comment="HH:MM in the time zone"),
        sa.Column("timezone", code(64), nullable=False, comment="IANA name"),
        sa.Column("profile_id", ROW_ID),
        sa.Column("promote_default", sa.Boolean, nullable=False, comment="pin the snapshot of each batch"),
        sa.Column("catch_up", sa.Boolean, nullable=False, comment="submit late what was missed, once"),
        sa.Column("next_run_at", TIME),
        sa.Column("last_run_at", TIME),
        sa.Column("last_batch_id", code(40)),
        sa.Column("last_outcome", sa.String(16)),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
        sa.UniqueConstraint("cohort_id", name="uq_schedules_cohort_id"),
        sa.UniqueConstraint("tag", name="uq_schedules_tag"),
        sa.CheckConstraint("(cohort_id IS NULL) <> (tag IS NULL)", name="ck_schedules_one_target"),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohorts.id"], name="fk_schedules_cohort_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag"], ["tags.name"], name="fk_schedules_tag", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["profile_id"], ["profiles.id"], name="fk_schedules_profile_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["last_batch_id"], ["batches.id"], name="fk_schedules_last_batch_id", ondelete="SET NULL"
        ),
    )
    for column in ("profile_id", "next_run_at", "last_batch_id"):
        op.create_index(f"ix_schedules_{column}", "schedules", [column])


def downgrade() -> None:
    op.drop_table("schedules")


def code(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
