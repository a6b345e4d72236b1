"""Domains name their newest run without a foreign key; runs without a stored profile are in no index of profiles."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_KEY = "fk_domains_latest_run_id"
_OPTIONS = {"ondelete": "SET NULL", "deferrable": True, "initially": "DEFERRED"}
_RANK = (
    "CASE latest_level WHEN 'CRITICAL' THEN 4 WHEN 'ERROR' THEN 3 WHEN 'WARNING' THEN 2 WHEN 'NOTICE' THEN 1 ELSE 0 END"
)
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint(_KEY, "domains", type_="foreignkey")
    else:
        make_domains_anew()
    present = sa.text("profile_id IS NOT NULL")
    op.drop_index("ix_runs_profile_id", table_name="runs")
    op.create_index("ix_runs_profile_id", "runs", ["profile_id"], postgresql_where=present, sqlite_where=present)


def downgrade() -> None:
    forget_lost_runs()
    if op.get_context().dialect.name == "postgresql":
        op.create_foreign_key(_KEY, "domains", "runs", ["latest_run_id"], ["id"], **_OPTIONS)  # type: ignore[arg-type]  # options are checked by SQLAlchemy
    else:
        reference = sa.ForeignKeyConstraint(["latest_run_id"], ["runs.id"], name=_KEY, **_OPTIONS)  # type: ignore[arg-type]
        make_domains_anew(reference)
    op.drop_index("ix_runs_profile_id", table_name="runs")
    op.create_index("ix_runs_profile_id", "runs", ["profile_id"])


def forget_lost_runs() -> None:
    """Clear what the foreign key would refuse: what someone has deleted by hand."""
    op.execute(
        "UPDATE domains SET latest_run_id = NULL WHERE latest_run_id IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = domains.latest_run_id)"
    )


def make_domains_anew(*constraints: sa.ForeignKeyConstraint) -> None:
    """Copy the table: SQLite cannot change constraints, and Alembic would copy the generated column as well."""
    columns = (
        sa.Column("id", sa.Integer),
        sa.Column("name", sa.String(253), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("run_count", sa.Integer, nullable=False),
        sa.Column("latest_run_id", sa.String(40)),
        sa.Column("latest_run_at", _TIME),
        sa.Column("latest_status", sa.String(16)),
        sa.Column("latest_level", sa.String(8)),
        sa.Column("latest_rank", sa.SmallInteger, sa.Computed(_RANK, persisted=True), nullable=False),
        sa.Column("latest_score", sa.SmallInteger),
        sa.Column("latest_grade", sa.String(4)),
    )
    names = ", ".join(column.name for column in columns if column.computed is None)
    primary = sa.PrimaryKeyConstraint("id", name="pk_domains")
    unique = sa.UniqueConstraint("name", name="uq_domains_name")
    op.create_table("new_domains", *columns, primary, unique, *constraints)
    op.execute(f"INSERT INTO new_domains ({names}) SELECT {names} FROM domains")  # noqa: S608  # names from above
    op.drop_table("domains")
    op.rename_table("new_domains", "domains")
    for column in ("latest_level", "latest_run_id"):
        op.create_index(f"ix_domains_{column}", "domains", [column])
