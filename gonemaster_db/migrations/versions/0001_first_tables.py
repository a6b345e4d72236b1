"""First tables: domains, tags, profiles, batches, jobs, runs, entries and what operators set."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
RANK = "CASE {column} WHEN 'CRITICAL' THEN 4 WHEN 'ERROR' THEN 3 WHEN 'WARNING' THEN 2 WHEN 'NOTICE' THEN 1 ELSE 0 END"
TABLES = (
    "run_dnssec_chain",
    "entries",
    "domain_tags",
    "tags",
    "jobs",
    "runs",
    "domains",
    "batches",
    "profiles",
    "effective_profiles",
    "settings",
    "queue_pauses",
    "idempotency_keys",
    "audit",
)


def upgrade() -> None:
    if on_postgres():
        op.execute("CREATE SEQUENCE job_slabs")
    create_operations()
    create_profiles()
    create_domains()
    create_batches()
    create_runs()
    create_jobs()
    create_tags()
    create_entries()


def downgrade() -> None:
    if on_postgres():
        op.drop_constraint("fk_domains_latest_run_id", "domains", type_="foreignkey")
    for table in TABLES:
        op.drop_table(table)
    if on_postgres():
        op.execute("DROP SEQUENCE job_slabs")


def on_postgres() -> bool:
    return op.get_context().dialect.name == "postgresql"


def code(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def index(table: str, *columns: str, unique: bool = False) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns, unique=unique)


def rank(name: str, source: str) -> "sa.Column[int]":
    return sa.Column(name, sa.SmallInteger, sa.Computed(RANK.format(column=source), persisted=True), nullable=False)


def key(table: str, column: str, target: str, **options: object) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}", **options)  # type: ignore[arg-type]  # options are checked by SQLAlchemy


def create_operations() -> None:
    op.create_table(
        "settings",
        sa.Column("key", code(255)),
        sa.Column("value", JSON, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_settings"),
    )
    index("settings", "updated_at")
    op.create_table(
        "queue_pauses",
        sa.Column("tier", code(16)),
        sa.Column("paused_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME),
        sa.PrimaryKeyConstraint("tier", name="pk_queue_pauses"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key", code(255)),
        sa.Column("request_hash", code(64), nullable=False),
        sa.Column("status_code", sa.SmallInteger, nullable=False),
        sa.Column("response", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency_keys"),
    )
    index("idempotency_keys", "created_at")
    op.create_table(
        "audit",
        sa.Column("id", ROW_ID),
        sa.Column("at", TIME, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("action", code(64), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("details", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    index("audit", "at")
    index("audit", "action")


def create_profiles() -> None:
    op.create_table(
        "profiles",
        sa.Column("id", ROW_ID),
        sa.Column("name", code(255), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.Column("public", sa.Boolean, nullable=False),
        sa.Column("schema_version", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_profiles"),
        sa.UniqueConstraint("name", name="uq_profiles_name"),
    )
    op.create_table(
        "effective_profiles",
        sa.Column("digest", code(64), comment="SHA-256 of the document"),
        sa.Column("document", sa.Text, nullable=False, comment="JSON text"),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_effective_profiles"),
    )


def create_domains() -> None:
    """Points to runs, which follows; SQLite takes that as it is."""
    latest_run = {"ondelete": "SET NULL", "deferrable": True, "initially": "DEFERRED"}
    op.create_table(
        "domains",
        sa.Column("id", ROW_ID),
        sa.Column("name", code(253), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("run_count", sa.Integer, nullable=False),
        sa.Column("latest_run_id", code(40)),
        sa.Column("latest_run_at", TIME),
        sa.Column("latest_status", sa.String(16)),
        sa.Column("latest_level", code(8)),
        rank("latest_rank", "latest_level"),
        sa.Column("latest_score", sa.SmallInteger),
        sa.Column("latest_grade", code(4)),
        sa.PrimaryKeyConstraint("id", name="pk_domains"),
        sa.UniqueConstraint("name", name="uq_domains_name"),
        key("domains", "latest_run_id", "runs.id", use_alter=True, **latest_run),
    )
    index("domains", "latest_run_id")
    index("domains", "latest_level")


def create_batches() -> None:
    op.create_table(
        "batches",
        sa.Column("id", code(40)),
        sa.Column("tag", code(255), nullable=False, comment="kept when the tag is deleted"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("domain_count", sa.Integer, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("snapshot_intent", sa.Boolean, nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    index("batches", "tag")
    index("batches", "created_at")


def create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", code(40)),
        sa.Column("public_id", code(12)),
        sa.Column("domain", code(253), nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("batch_id", code(40)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column(
            "begun_at",
            TIME,
            sa.Computed("coalesce(started_at, created_at)", persisted=True),
            nullable=False,
            comment="what lists sort by",
        ),
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
        sa.Column("worst_level", code(8)),
        rank("worst_rank", "worst_level"),
        sa.Column("score", sa.SmallInteger),
        sa.Column("grade", code(4)),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("profile_id", ROW_ID),
        sa.Column("profile_name", sa.Text, nullable=False),
        sa.Column("effective_profile_digest", code(64)),
        sa.Column("nameserver_timings", JSON),
        sa.Column("config", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("public_id", name="uq_runs_public_id"),
        key("runs", "domain_id", "domains.id"),
        key("runs", "batch_id", "batches.id"),
        key("runs", "profile_id", "profiles.id", ondelete="SET NULL"),
        key("runs", "effective_profile_digest", "effective_profiles.digest"),
    )
    for columns in (
        ("domain",),
        ("domain_id", "finished_at"),
        ("batch_id", "status"),
        ("worst_rank", "finished_at"),
        ("status", "finished_at"),
        ("begun_at",),
        ("sev_severe",),
        ("created_at",),
        ("finished_at",),
        ("worst_level",),
        ("profile_id",),
        ("effective_profile_digest",),
    ):
        index("runs", *columns)
    if on_postgres():
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


def create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", code(40)),
        sa.Column("public_id", code(12)),
        sa.Column("domain", code(253), nullable=False, comment="A-labels, lower case, no final dot"),
        sa.Column("domain_id", ROW_ID),
        sa.Column("batch_id", code(40)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="order within the tier, sparse"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("expires_at", TIME),
        sa.Column("progress", sa.SmallInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("attempt", sa.SmallInteger, nullable=False, comment="number of claims"),
        sa.Column("releases", sa.SmallInteger, nullable=False, comment="claims given back in order"),
        sa.Column("worker", sa.String(255)),
        sa.Column("lease_until", TIME),
        sa.Column("cancel_requested_at", TIME),
        sa.Column("profile", sa.Text, nullable=False, comment="as sent by the client, unused"),
        sa.Column("profile_id", ROW_ID),
        sa.Column("profile_name", sa.Text, nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("public_id", name="uq_jobs_public_id"),
        key("jobs", "domain_id", "domains.id"),
        key("jobs", "batch_id", "batches.id"),
        key("jobs", "profile_id", "profiles.id", ondelete="SET NULL"),
    )
    for columns in (
        ("priority", "position"),
        ("status", "lease_until"),
        ("batch_id",),
        ("created_at",),
        ("expires_at",),
        ("profile_id",),
    ):
        index("jobs", *columns)


def create_tags() -> None:
    op.create_table(
        "tags",
        sa.Column("name", code(255)),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("default_profile_id", ROW_ID),
        sa.PrimaryKeyConstraint("name", name="pk_tags"),
        key("tags", "default_profile_id", "profiles.id", ondelete="SET NULL"),
    )
    index("tags", "default_profile_id")
    op.create_table(
        "domain_tags",
        sa.Column("domain_id", ROW_ID),
        sa.Column("tag", code(255)),
        sa.PrimaryKeyConstraint("domain_id", "tag", name="pk_domain_tags"),
        key("domain_tags", "domain_id", "domains.id", ondelete="CASCADE"),
        key("domain_tags", "tag", "tags.name", ondelete="CASCADE"),
    )
    index("domain_tags", "tag")


def create_entries() -> None:
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
        key("entries", "run_id", "runs.id", ondelete="CASCADE"),
        key("entries", "domain_id", "domains.id"),
    )
    index("entries", "run_id", "id")
    index("entries", "domain_id", "run_id")
    index("entries", "tag", "run_id")
    op.create_table(
        "run_dnssec_chain",
        sa.Column("run_id", code(40)),
        sa.Column("chain", JSON, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_dnssec_chain"),
        key("run_dnssec_chain", "run_id", "runs.id", ondelete="CASCADE"),
    )
