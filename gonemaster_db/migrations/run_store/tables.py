"""The tables of runs before and after migrations 0008 and 0009, and what refers to them."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
OLD_RANK = (
    "CASE worst_level WHEN 'CRITICAL' THEN 4 WHEN 'ERROR' THEN 3 WHEN 'WARNING' THEN 2 WHEN 'NOTICE' THEN 1 ELSE 0 END"
)
NEW_RANK = "CASE WHEN worst_level > 3 THEN worst_level - 3 ELSE 0 END"
NEVER_TWICE = {"sqlite_autoincrement": True}
OLD_TABLES = ("run_dnssec_chain", "entries", "runs", "batches", "effective_profiles")
NEW_TABLES = (
    "run_counters",
    "run_documents",
    "runs",
    "outcome_modules",
    "module_outcome_kinds",
    "module_outcomes",
    "outcomes",
    "entry_kinds",
    "batches",
    "effective_profiles",
)  # in an order in which they can be dropped


def create_old_tables() -> None:
    """Create the tables of before, without the indexes that moving rows does not need."""
    create_effective_profiles("digest", document=sa.Text())
    create_batches("id")
    create_old_runs()
    create_old_entries()


def create_new_tables() -> None:
    """Create the tables of after, without the indexes that moving rows does not need."""
    create_effective_profiles("id", document=sa.LargeBinary())
    create_batches("key")
    create_outcomes()
    create_runs()
    create_documents()
    create_counters()


def on_postgres() -> bool:
    return op.get_context().dialect.name == "postgresql"


def drop_references() -> None:
    """SQLite refers to tables by name and takes new ones in their place."""
    if on_postgres():
        op.drop_constraint("fk_domains_latest_run_id", "domains", type_="foreignkey")
        op.drop_constraint("fk_jobs_batch_id", "jobs", type_="foreignkey")


def refer_from_entries() -> None:
    """Add what `create_old_entries` leaves out; all rows are checked by one join."""
    if on_postgres():
        op.create_foreign_key("fk_entries_run_id", "entries", "runs", ["run_id"], ["id"], ondelete="CASCADE")
        op.create_foreign_key("fk_entries_domain_id", "entries", "domains", ["domain_id"], ["id"])


def restore_references() -> None:
    if on_postgres():
        op.create_foreign_key("fk_jobs_batch_id", "jobs", "batches", ["batch_id"], ["id"])
        op.create_foreign_key(
            "fk_domains_latest_run_id",
            "domains",
            "runs",
            ["latest_run_id"],
            ["id"],
            ondelete="SET NULL",
            deferrable=True,
            initially="DEFERRED",
        )


def code(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def key(table: str, column: str, target: str, **options: object) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}", **options)  # type: ignore[arg-type]  # options are checked by SQLAlchemy


def create_effective_profiles(primary: str, *, document: TypeEngine[Any]) -> None:
    digest = sa.Column("digest", code(64), nullable=False, comment="SHA-256 of the document")
    comment = "JSON text, compressed" if primary == "id" else "JSON text"
    columns = (
        sa.Column("document", document, nullable=False, comment=comment),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint(primary, name="pk_effective_profiles"),
    )
    if primary == "digest":
        op.create_table("effective_profiles", digest, *columns)
        return
    unique = sa.UniqueConstraint("digest", name="uq_effective_profiles_digest")
    op.create_table("effective_profiles", sa.Column("id", sa.Integer), digest, *columns, unique, **NEVER_TWICE)


def create_batches(primary: str) -> None:
    columns = (
        sa.Column("id", code(40), nullable=False),
        sa.Column("tag", code(255), nullable=False, comment="kept when the tag is deleted"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("domain_count", sa.Integer, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("snapshot_intent", sa.Boolean, nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint(primary, name="pk_batches"),
    )
    if primary == "key":
        comment = "sorts like the id, see ids.batch_key"
        number = sa.Column("key", ROW_ID, autoincrement=False, comment=comment)
        op.create_table("batches", number, *columns, sa.UniqueConstraint("id", name="uq_batches_id"))
    else:
        op.create_table("batches", *columns)


def create_outcomes() -> None:
    op.create_table(
        "entry_kinds",
        sa.Column("id", sa.Integer),
        sa.Column("module", code(32), nullable=False, comment="upper case"),
        sa.Column("testcase", code(32), nullable=False, comment="lower case, empty for the run itself"),
        sa.Column("tag", code(64), nullable=False),
        sa.Column("level", code(8), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entry_kinds"),
        sa.UniqueConstraint("module", "testcase", "tag", "level", name="uq_entry_kinds_module_testcase_tag_level"),
        **NEVER_TWICE,
    )
    op.create_table(
        "outcomes",
        sa.Column("id", sa.Integer),
        sa.Column("digest", sa.LargeBinary(16), nullable=False, comment="BLAKE2b of the kinds"),
        sa.Column(
            "kinds",
            sa.LargeBinary,
            nullable=False,
            comment="ids of entry kinds in order, as code points in UTF-8",
        ),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outcomes"),
        sa.UniqueConstraint("digest", name="uq_outcomes_digest"),
        **NEVER_TWICE,
    )
    op.create_table(
        "module_outcomes",
        sa.Column("id", sa.Integer),
        sa.Column("digest", sa.LargeBinary(16), nullable=False, comment="BLAKE2b of the sorted kinds"),
        sa.PrimaryKeyConstraint("id", name="pk_module_outcomes"),
        sa.UniqueConstraint("digest", name="uq_module_outcomes_digest"),
        **NEVER_TWICE,
    )
    op.create_table(
        "module_outcome_kinds",
        sa.Column("kind_id", sa.Integer, nullable=False),
        sa.Column("module_outcome_id", sa.Integer, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("kind_id", "module_outcome_id", name="pk_module_outcome_kinds"),
        key("module_outcome_kinds", "kind_id", "entry_kinds.id"),
        key("module_outcome_kinds", "module_outcome_id", "module_outcomes.id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outcome_modules",
        sa.Column("module_outcome_id", sa.Integer, nullable=False),
        sa.Column("outcome_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("module_outcome_id", "outcome_id", name="pk_outcome_modules"),
        key("outcome_modules", "module_outcome_id", "module_outcomes.id"),
        key("outcome_modules", "outcome_id", "outcomes.id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )


def create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("key", ROW_ID, comment="inside of the database; outside runs have ids"),
        sa.Column("id", code(40), nullable=False),
        *common_columns(sa.SmallInteger(), sa.SmallInteger(), NEW_RANK),
        sa.Column("batch_key", sa.BigInteger),
        sa.Column("outcome_id", sa.Integer, comment="null: no entries"),
        sa.Column("effective_profile_id", sa.Integer),
        sa.PrimaryKeyConstraint("key", name="pk_runs"),
        sa.UniqueConstraint("id", name="uq_runs_id"),
        key("runs", "batch_key", "batches.key"),
        key("runs", "outcome_id", "outcomes.id"),
        key("runs", "effective_profile_id", "effective_profiles.id"),
    )


def create_documents() -> None:
    op.create_table(
        "run_documents",
        sa.Column("run_key", ROW_ID, autoincrement=False),
        sa.Column("codec", sa.SmallInteger, nullable=False, comment="format and dictionary of the document"),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run_key", name="pk_run_documents"),
        key("run_documents", "run_key", "runs.key", ondelete="CASCADE"),
    )
    if on_postgres():  # it is compressed already
        op.execute("ALTER TABLE run_documents ALTER COLUMN document SET STORAGE EXTERNAL")


def create_counters() -> None:
    op.create_table(
        "run_counters",
        sa.Column("batch_key", sa.BigInteger, nullable=False, comment="0: all runs"),
        sa.Column("shard", sa.SmallInteger, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False, comment="-1: none"),
        sa.Column("grade", code(4), nullable=False, comment="empty: none"),
        sa.Column("runs", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("batch_key", "shard", "status", "level", "grade", name="pk_run_counters"),
        sqlite_with_rowid=False,
    )
    if on_postgres():  # room on each page for new versions of its rows: updates then write no index (HOT)
        op.execute("ALTER TABLE run_counters SET (fillfactor = 50)")


def common_columns(status: TypeEngine[Any], level: TypeEngine[Any], rank: str) -> tuple[Any, ...]:
    """Return the columns and constraints that runs have before and after."""
    begun = "coalesce(started_at, created_at)"
    return (
        sa.Column("public_id", code(12)),
        sa.Column("domain", code(253), nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("status", status, nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("begun_at", TIME, sa.Computed(begun, persisted=True), nullable=False, comment="what lists sort by"),
        sa.Column("finished_at", TIME, nullable=False),
        sa.Column("duration_ms", sa.BigInteger),
        sa.Column("attempt", sa.SmallInteger, nullable=False),
        sa.Column("worker", sa.String(255)),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("sev_notice", sa.Integer, nullable=False),
        sa.Column("sev_warning", sa.Integer, nullable=False),
        sa.Column("sev_error", sa.Integer, nullable=False),
        sa.Column("sev_critical", sa.Integer, nullable=False),
        sa.Column(
            "sev_severe",
            sa.Integer,
            sa.Computed("sev_error + sev_critical", persisted=True),
            nullable=False,
            comment="what lists sort by",
        ),
        sa.Column("entry_count", sa.Integer, nullable=False),
        sa.Column("worst_level", level),
        sa.Column("worst_rank", sa.SmallInteger, sa.Computed(rank, persisted=True), nullable=False),
        sa.Column("score", sa.SmallInteger),
        sa.Column("grade", code(4)),
        sa.Column(
            "findings_hash",
            sa.BigInteger,
            comment="equal for runs that found the same from NOTICE up; of those that succeeded",
        ),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("profile_id", ROW_ID),
        sa.Column("profile_name", sa.Text, nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.UniqueConstraint("public_id", name="uq_runs_public_id"),
        key("runs", "domain_id", "domains.id"),
        key("runs", "profile_id", "profiles.id", ondelete="SET NULL"),
    )


def create_old_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", code(40)),
        *common_columns(sa.String(16), code(8), OLD_RANK),
        sa.Column("batch_id", code(40)),
        sa.Column("effective_profile_digest", code(64)),
        sa.Column("nameserver_timings", JSON),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        key("runs", "batch_id", "batches.id"),
        key("runs", "effective_profile_digest", "effective_profiles.digest"),
    )


def create_old_entries() -> None:
    """Create them on PostgreSQL without references: to check them row by row takes most of the time."""
    references = (key("entries", "run_id", "runs.id", ondelete="CASCADE"), key("entries", "domain_id", "domains.id"))
    op.create_table(
        "entries",
        sa.Column("id", ROW_ID),
        sa.Column("run_id", code(40), nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("timestamp", sa.Float, nullable=False, comment="seconds since the start of the run"),
        sa.Column("module", code(32), nullable=False, comment="upper case"),
        sa.Column("testcase", code(32), nullable=False, comment="lower case, empty for the run itself"),
        sa.Column("tag", code(64), nullable=False),
        sa.Column("level", code(8), nullable=False),
        sa.Column("args", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        *(() if on_postgres() else references),
    )
    op.create_table(
        "run_dnssec_chain",
        sa.Column("run_id", code(40)),
        sa.Column("chain", JSON, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_dnssec_chain"),
        key("run_dnssec_chain", "run_id", "runs.id", ondelete="CASCADE"),
    )
