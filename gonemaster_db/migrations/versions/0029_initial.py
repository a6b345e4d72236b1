"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

revision = "0029"
down_revision = None
compatible_from = "0029"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite generates row ids for INTEGER only
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
RANK = (
    "CASE latest_level WHEN 'CRITICAL' THEN 4 WHEN 'ERROR' THEN 3 WHEN 'WARNING' THEN 2 WHEN 'NOTICE' THEN 1 ELSE 0 END"
)
# Columns by which lists of runs filter.
OF_LISTS = "status, worst_level, grade, batch_key, domain_id, outcome_id"
OF_BATCHES = "created_at, status, worst_level, grade, domain_id, outcome_id"
# Tables that refer to each other: PostgreSQL gets these keys when both tables exist.
LATE_KEYS = (
    ("cohorts", "default_snapshot_id", "cohort_snapshots"),
    ("cohort_snapshots", "view_id", "snapshot_views"),
)
TABLES = (
    "access_sessions", "access_tokens", "analysis_addresses", "analysis_asns", "analysis_nameservers",
    "analysis_prefixes", "audit", "batches", "domain_run_counts", "domains", "effective_profiles", "entry_kinds",
    "idempotency_keys", "metric_counters", "metric_followers", "metric_latencies", "metric_slots",
    "module_outcome_kinds", "module_outcomes", "outcome_modules", "outcomes", "profiles", "purged_run_counters",
    "queue_pauses", "reference_lists", "registrations", "run_counters", "schema_compatibility", "settings",
    "vocabularies", "watch_notes", "watch_states", "watches", "batch_statistics", "deliveries", "jobs",
    "operations", "runs", "tags", "watch_digests", "watched_batches", "cohorts", "domain_tags", "run_documents",
    "tag_summaries", "tag_value_tables", "cohort_snapshots", "purged_snapshots", "schedules", "fact_address_asns",
    "fact_domain_asns", "fact_domain_facts", "fact_domain_summary", "fact_ns_endpoints", "fact_tag_summary",
    "projections", "snapshot_views", "snapshot_asns", "snapshot_comparisons", "snapshot_domains",
    "snapshot_endpoints", "snapshot_members", "snapshot_nameservers", "snapshot_overviews", "snapshot_prefixes",
    "snapshot_tags", "snapshot_testcases",
)  # fmt: skip


def code(length: int) -> TypeEngine[str]:
    """Return a type for ASCII codes that both databases compare byte by byte."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def key(
    table: str, column: str, target: str, *, ondelete: str | None = None, use_alter: bool = False
) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [target], name=f"fk_{table}_{column}", ondelete=ondelete, use_alter=use_alter
    )


def index(name: str, table: str, columns: str, *, where: str | None = None, unique: bool = False) -> None:
    """Create an index of columns separated by commas; each may have an order, as in SQL."""
    if op.get_bind().dialect.name == "sqlite":  # sorts nulls like this without saying so, and refuses the words
        columns = columns.replace(" NULLS LAST", "").replace(" NULLS FIRST", "")
    condition = sa.text(where) if where else None
    expressions = [sa.text(column) if " " in column else column for column in columns.split(", ")]
    op.create_index(name, table, expressions, unique=unique, postgresql_where=condition, sqlite_where=condition)


def upgrade() -> None:
    op.create_table(
        "access_sessions",
        sa.Column("digest", code(71), nullable=False),
        sa.Column("token_digest", code(71), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_access_sessions"),
    )
    index("ix_access_sessions_expires_at", "access_sessions", "expires_at")
    index("ix_access_sessions_token_digest", "access_sessions", "token_digest")
    op.create_table(
        "access_tokens",
        sa.Column("digest", code(71), nullable=False),
        sa.Column("label", code(64), nullable=False),
        sa.Column("scopes", JSON, nullable=False, comment="a list of read, operate, admin; empty means admin"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("digest", name="pk_access_tokens"),
    )
    index("uq_access_tokens_label", "access_tokens", "label", where="revoked_at IS NULL", unique=True)
    op.create_table(
        "analysis_addresses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", code(45), nullable=False, comment="canonical text, RFC 5952 for IPv6"),
        sa.Column("family", sa.SmallInteger(), nullable=False, comment="4 or 6"),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_analysis_addresses"),
        sa.UniqueConstraint("address", name="uq_analysis_addresses_address"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "analysis_asns",
        sa.Column("asn", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.Column("label_tried_at", TIME, comment="when its holder was last looked up"),
        sa.PrimaryKeyConstraint("asn", name="pk_analysis_asns"),
    )
    op.create_table(
        "analysis_nameservers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", code(255), nullable=False),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_analysis_nameservers"),
        sa.UniqueConstraint("name", name="uq_analysis_nameservers_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "analysis_prefixes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prefix", code(49), nullable=False),
        sa.Column("family", sa.SmallInteger(), nullable=False, comment="4 or 6"),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_analysis_prefixes"),
        sa.UniqueConstraint("prefix", name="uq_analysis_prefixes_prefix"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("action", code(64), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("details", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    index("ix_audit_action", "audit", "action")
    index("ix_audit_at", "audit", "at")
    op.create_table(
        "batches",
        sa.Column("key", ROW_ID, autoincrement=False, nullable=False, comment="sorts like the id, see ids.batch_key"),
        sa.Column("id", code(40), nullable=False),
        sa.Column("tag", code(255), nullable=False, comment="kept when the tag is deleted"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("snapshot_intent", sa.Boolean(), nullable=False),
        sa.Column(
            "promote_snapshot",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="its snapshot is pinned when it is captured, once",
        ),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_batches"),
        sa.UniqueConstraint("id", name="uq_batches_id"),
    )
    index("ix_batches_created_at", "batches", "created_at")
    index("ix_batches_domain_count", "batches", "domain_count")
    index("ix_batches_intent", "batches", "key", where="snapshot_intent")
    index("ix_batches_tag", "batches", "tag")
    op.create_table(
        "domain_run_counts",
        sa.Column("domain_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.Column("name", code(253), nullable=False),
        sa.Column("latest_level", code(8)),
        sa.PrimaryKeyConstraint("domain_id", name="pk_domain_run_counts"),
    )
    index("ix_domain_run_counts_by_count", "domain_run_counts", "run_count, name, latest_level, domain_id")
    op.create_table(
        "domains",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", code(253), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.Column("latest_run_id", code(40)),
        sa.Column("latest_outcome_id", sa.Integer(), comment="of the newest run"),
        sa.Column("latest_run_at", TIME),
        sa.Column("latest_status", sa.String(16)),
        sa.Column("latest_level", code(8)),
        sa.Column("latest_rank", sa.SmallInteger(), sa.Computed(RANK, persisted=True), nullable=False),
        sa.Column("latest_score", sa.SmallInteger()),
        sa.Column("latest_grade", code(4)),
        sa.PrimaryKeyConstraint("id", name="pk_domains"),
        sa.UniqueConstraint("name", name="uq_domains_name"),
    )
    index("ix_domains_by_latest_run", "domains", "latest_run_id, latest_outcome_id, id")
    index("ix_domains_by_level", "domains", "latest_level, name, id")
    index("ix_domains_by_run_at", "domains", "latest_run_at, name, latest_level, id")
    index("ix_domains_by_score", "domains", "latest_score, name, latest_level, id")
    op.create_table(
        "effective_profiles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", code(64), nullable=False, comment="SHA-256 of the document"),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="JSON text, compressed"),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_effective_profiles"),
        sa.UniqueConstraint("digest", name="uq_effective_profiles_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "entry_kinds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("module", code(32), nullable=False, comment="upper case"),
        sa.Column("testcase", code(32), nullable=False, comment="lower case, empty for the run itself"),
        sa.Column("tag", code(64), nullable=False),
        sa.Column("level", code(8), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entry_kinds"),
        sa.UniqueConstraint("module", "testcase", "tag", "level", name="uq_entry_kinds_module_testcase_tag_level"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key", code(255), nullable=False),
        sa.Column("request_hash", code(64), nullable=False),
        sa.Column("status_code", sa.SmallInteger(), nullable=False),
        sa.Column("response", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency_keys"),
    )
    index("ix_idempotency_keys_created_at", "idempotency_keys", "created_at")
    op.create_table(
        "metric_counters",
        sa.Column("name", code(32), nullable=False),
        sa.Column("label", code(255), nullable=False, comment="what is counted apart; may be empty"),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "label", name="pk_metric_counters"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "metric_followers",
        sa.Column("name", code(16), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False, comment="key of the last run that was added"),
        sa.Column("holes", JSON, nullable=False, comment="keys below it that had no run yet"),
        sa.Column("domains", JSON, nullable=False),
        sa.Column("batches", JSON, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_metric_followers"),
    )
    op.create_table(
        "metric_latencies",
        sa.Column("resolution", sa.SmallInteger(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("source", code(40), nullable=False, comment="an API process"),
        sa.Column(
            "routes", JSON, nullable=False, comment="`METHOD route` to the numbers of requests by bucket of time"
        ),
        sa.PrimaryKeyConstraint("resolution", "start", "source", name="pk_metric_latencies"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "metric_slots",
        sa.Column("resolution", sa.SmallInteger(), nullable=False, comment="length in seconds: 60 or 300"),
        sa.Column("start", sa.BigInteger(), nullable=False, comment="POSIX seconds, a multiple of the length"),
        sa.Column("throughput", sa.Integer(), nullable=False, comment="runs that succeeded or failed"),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("queue_depth", sa.Integer(), comment="the last one that was measured"),
        sa.Column("dns_queries_ipv4", sa.BigInteger(), nullable=False),
        sa.Column("dns_queries_ipv6", sa.BigInteger(), nullable=False),
        sa.Column("cache_hits", sa.BigInteger(), nullable=False),
        sa.Column("cache_misses", sa.BigInteger(), nullable=False),
        sa.Column("sev_notice", sa.BigInteger(), nullable=False),
        sa.Column("sev_warning", sa.BigInteger(), nullable=False),
        sa.Column("sev_error", sa.BigInteger(), nullable=False),
        sa.Column("sev_critical", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("resolution", "start", name="pk_metric_slots"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "module_outcome_kinds",
        sa.Column("kind_id", sa.Integer(), nullable=False),
        sa.Column("module_outcome_id", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind_id", "module_outcome_id", name="pk_module_outcome_kinds"),
        sqlite_with_rowid=False,
    )
    index("ix_module_outcome_kinds_module_outcome_id", "module_outcome_kinds", "module_outcome_id")
    op.create_table(
        "module_outcomes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False, comment="BLAKE2b of the sorted kinds"),
        sa.PrimaryKeyConstraint("id", name="pk_module_outcomes"),
        sa.UniqueConstraint("digest", name="uq_module_outcomes_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "outcome_modules",
        sa.Column("module_outcome_id", sa.Integer(), nullable=False),
        sa.Column("outcome_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("module_outcome_id", "outcome_id", name="pk_outcome_modules"),
        sqlite_with_rowid=False,
    )
    index("ix_outcome_modules_outcome_id", "outcome_modules", "outcome_id")
    op.create_table(
        "outcomes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False, comment="BLAKE2b of the kinds"),
        sa.Column(
            "kinds", sa.LargeBinary(), nullable=False, comment="ids of entry kinds in order, as code points in UTF-8"
        ),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outcomes"),
        sa.UniqueConstraint("digest", name="uq_outcomes_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "profiles",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", code(255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("schema_version", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_profiles"),
        sa.UniqueConstraint("name", name="uq_profiles_name"),
    )
    op.create_table(
        "purged_run_counters",
        sa.Column("batch_key", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False, comment="-1: none"),
        sa.Column("grade", code(4), nullable=False, comment="empty: none"),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("first_started_at", TIME, comment="null: none of them started"),
        sa.Column("last_finished_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("batch_key", "status", "level", "grade", name="pk_purged_run_counters"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "queue_pauses",
        sa.Column("tier", code(16), nullable=False),
        sa.Column("paused_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME),
        sa.PrimaryKeyConstraint("tier", name="pk_queue_pauses"),
    )
    op.create_table(
        "reference_lists",
        sa.Column("name", code(32), nullable=False),
        sa.Column("version", code(64), nullable=False, comment="empty: never fetched"),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="names in A-labels, one a line"),
        sa.Column("fetched_at", TIME),
        sa.Column(
            "tried_at", TIME, nullable=False, comment="of the last attempt; the next one follows an interval later"
        ),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("last_error_at", TIME),
        sa.PrimaryKeyConstraint("name", name="pk_reference_lists"),
    )
    op.create_table(
        "registrations",
        sa.Column("domain", code(253), nullable=False, comment="A-labels, lower case"),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="JSON; empty: never fetched"),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("fetched_at", TIME),
        sa.Column("tried_at", TIME, nullable=False, comment="of the last attempt"),
        sa.Column("last_error", sa.Text(), nullable=False, comment="empty: the last attempt succeeded"),
        sa.PrimaryKeyConstraint("domain", name="pk_registrations"),
        sqlite_with_rowid=False,
    )
    index("ix_registrations_tried_at", "registrations", "tried_at")
    op.create_table(
        "run_counters",
        sa.Column("batch_key", sa.BigInteger(), nullable=False, comment="0: all runs"),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False, comment="-1: none"),
        sa.Column("grade", code(4), nullable=False, comment="empty: none"),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("batch_key", "shard", "status", "level", "grade", name="pk_run_counters"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "schema_compatibility",
        sa.Column("revision", code(32), nullable=False),
        sa.Column("compatible_from", code(32), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_schema_compatibility"),
    )
    op.create_table(
        "settings",
        sa.Column("key", code(255), nullable=False),
        sa.Column("value", JSON, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_settings"),
    )
    index("ix_settings_updated_at", "settings", "updated_at")
    op.create_table(
        "vocabularies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False, comment="BLAKE2b of the text"),
        sa.Column("levels", sa.LargeBinary(), nullable=False, comment="JSON: module to tag to level"),
        sa.PrimaryKeyConstraint("id", name="pk_vocabularies"),
        sa.UniqueConstraint("digest", name="uq_vocabularies_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "watch_notes",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("event", code(32), nullable=False, comment="a WatchEvent"),
        sa.Column("name", sa.Text(), nullable=False, comment="identifies what happened; goes into the id of the event"),
        sa.Column("tag", code(255), nullable=False),
        sa.Column("batch_key", sa.BigInteger()),
        sa.Column("details", JSON, nullable=False, comment="what the receiver is told"),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watch_notes"),
    )
    op.create_table(
        "watch_states",
        sa.Column("name", code(16), nullable=False),
        sa.Column("value", JSON, nullable=False),
        sa.Column(
            "version", sa.BigInteger(), nullable=False, comment="of two workers, the one that finds it changed gives up"
        ),
        sa.PrimaryKeyConstraint("name", name="pk_watch_states"),
    )
    op.create_table(
        "watches",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("tag", code(255), comment="kept when the tag is deleted"),
        sa.Column("domain", code(253)),
        sa.Column("events", JSON, nullable=False),
        sa.Column("url", sa.Text()),
        sa.Column("email", code(254)),
        sa.Column("host", code(255), nullable=False, comment="host and port of the URL, empty for email"),
        sa.Column("secret", sa.Text(), comment="key of the signatures; never shown"),
        sa.Column("min_level", code(8), nullable=False, comment="message tags from this level up count"),
        sa.Column("grade_drop", sa.SmallInteger(), nullable=False, comment="steps of the grade that count"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("after_key", sa.BigInteger(), nullable=False, comment="runs up to this key are not told of"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="failed attempts since the last success"),
        sa.Column("retry_at", TIME),
        sa.Column("mailed_at", TIME),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watches"),
    )
    index("ix_watches_domain", "watches", "domain")
    index("ix_watches_tag", "watches", "tag")
    op.create_table(
        "batch_statistics",
        sa.Column("batch_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signature", sa.LargeBinary(16), nullable=False, comment="of the counters of the batch"),
        sa.Column("made_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("batch_key", name="pk_batch_statistics"),
        key("batch_statistics", "batch_key", "batches.key", ondelete="CASCADE"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", code(40), nullable=False),
        sa.Column("watch_id", ROW_ID, nullable=False),
        sa.Column("event", code(32), nullable=False, comment="a WatchEvent, `test` or, of mails, `digest`"),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), comment="what is sent; removed at the end"),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("last_attempt_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("duration_ms", sa.Integer(), comment="of the last attempt"),
        sa.Column("response_status", sa.SmallInteger(), comment="of the last attempt, HTTP or SMTP"),
        sa.Column("error", sa.Text(), nullable=False, comment="why the last attempt failed"),
        sa.Column("worker", sa.String(255), comment="holder of the claim, unique for each claim"),
        sa.Column("lease_until", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        key("deliveries", "watch_id", "watches.id", ondelete="CASCADE"),
    )
    index("ix_deliveries_finished_at", "deliveries", "finished_at")
    index("ix_deliveries_status_next_attempt_at", "deliveries", "status, next_attempt_at")
    index("ix_deliveries_watch_id_created_at", "deliveries", "watch_id, created_at")
    op.create_table(
        "jobs",
        sa.Column("id", code(40), nullable=False),
        sa.Column("public_id", code(12)),
        sa.Column("domain", code(253), nullable=False, comment="A-labels, lower case, no final dot"),
        sa.Column("domain_id", ROW_ID),
        sa.Column("batch_id", code(40)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="order within the tier, sparse"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("expires_at", TIME),
        sa.Column("progress", sa.SmallInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False, comment="number of claims"),
        sa.Column("releases", sa.SmallInteger(), nullable=False, comment="claims given back in order"),
        sa.Column("worker", sa.String(255)),
        sa.Column("lease_until", TIME),
        sa.Column("cancel_requested_at", TIME),
        sa.Column("profile", sa.Text(), nullable=False, comment="as sent by the client, unused"),
        sa.Column("profile_id", ROW_ID),
        sa.Column("profile_name", sa.Text(), nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        key("jobs", "batch_id", "batches.id"),
        key("jobs", "domain_id", "domains.id"),
        key("jobs", "profile_id", "profiles.id", ondelete="SET NULL"),
        sa.UniqueConstraint("public_id", name="uq_jobs_public_id"),
    )
    index("ix_jobs_batch_id", "jobs", "batch_id")
    index("ix_jobs_created_at", "jobs", "created_at")
    index("ix_jobs_expires_at", "jobs", "expires_at", where="expires_at IS NOT NULL")
    index("ix_jobs_priority_position", "jobs", "priority, position")
    index("ix_jobs_profile_id", "jobs", "profile_id", where="profile_id IS NOT NULL")
    index("ix_jobs_status_lease_until", "jobs", "status, lease_until")
    op.create_table(
        "operations",
        sa.Column("id", code(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("target", sa.Text(), nullable=False, comment="id or name of what is changed, as in the audit"),
        sa.Column("parameters", JSON, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False, comment="rows to change, counted at the start"),
        sa.Column("result", JSON, comment="what the synchronous response would have been"),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("audit_id", ROW_ID),
        sa.Column("worker", sa.String(255), comment="holder of the claim, unique for each claim"),
        sa.Column("lease_until", TIME),
        sa.Column(
            "attempts",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="starts since the last progress; those that were released do not count",
        ),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_operations"),
        key("operations", "audit_id", "audit.id", ondelete="SET NULL"),
    )
    index("ix_operations_audit_id", "operations", "audit_id")
    index("ix_operations_created_at", "operations", "created_at")
    index("ix_operations_status_created_at", "operations", "status, created_at")
    op.create_table(
        "runs",
        sa.Column("key", ROW_ID, nullable=False, comment="inside of the database; outside runs have ids"),
        sa.Column("id", code(40), nullable=False),
        sa.Column("public_id", code(12)),
        sa.Column("domain", code(253), nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("batch_key", sa.BigInteger()),
        sa.Column("outcome_id", sa.Integer(), comment="null: no entries"),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
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
        sa.Column("duration_ms", sa.BigInteger()),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("worker", sa.String(255)),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("sev_notice", sa.Integer(), nullable=False),
        sa.Column("sev_warning", sa.Integer(), nullable=False),
        sa.Column("sev_error", sa.Integer(), nullable=False),
        sa.Column("sev_critical", sa.Integer(), nullable=False),
        sa.Column(
            "sev_severe",
            sa.Integer(),
            sa.Computed("sev_error + sev_critical", persisted=True),
            nullable=False,
            comment="what lists sort by",
        ),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.Column("worst_level", sa.SmallInteger()),
        sa.Column(
            "worst_rank",
            sa.SmallInteger(),
            sa.Computed("CASE WHEN worst_level > 3 THEN worst_level - 3 ELSE 0 END", persisted=True),
            nullable=False,
        ),
        sa.Column("score", sa.SmallInteger()),
        sa.Column("grade", code(4)),
        sa.Column(
            "findings_hash",
            sa.BigInteger(),
            comment="equal for runs that found the same from NOTICE up; of those that succeeded",
        ),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("profile_id", ROW_ID),
        sa.Column("profile_name", sa.Text(), nullable=False),
        sa.Column("effective_profile_id", sa.Integer()),
        sa.Column("config", JSON, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_runs"),
        key("runs", "batch_key", "batches.key"),
        key("runs", "domain_id", "domains.id"),
        key("runs", "effective_profile_id", "effective_profiles.id"),
        key("runs", "outcome_id", "outcomes.id"),
        key("runs", "profile_id", "profiles.id", ondelete="SET NULL"),
        sa.UniqueConstraint("id", name="uq_runs_id"),
        sa.UniqueConstraint("public_id", name="uq_runs_public_id"),
    )
    index("ix_runs_by_batch_down", "runs", f"batch_key DESC NULLS LAST, finished_at DESC, id, {OF_BATCHES}")
    index("ix_runs_by_batch_up", "runs", f"batch_key NULLS FIRST, finished_at DESC, id, {OF_BATCHES}, domain")
    index("ix_runs_by_begun", "runs", f"begun_at DESC, created_at DESC, id, finished_at, {OF_LISTS}")
    index("ix_runs_by_created", "runs", f"created_at DESC, id, finished_at, {OF_LISTS}")
    index("ix_runs_by_critical", "runs", f"sev_critical DESC, sev_severe DESC, finished_at DESC, id, {OF_LISTS}")
    index("ix_runs_by_domain", "runs", f"domain, finished_at DESC, id, {OF_LISTS}")
    index("ix_runs_by_duration_down", "runs", f"duration_ms DESC NULLS LAST, finished_at DESC, id, {OF_LISTS}")
    index("ix_runs_by_duration_up", "runs", f"duration_ms, finished_at DESC, id, {OF_LISTS}")
    index("ix_runs_by_entries_down", "runs", f"entry_count DESC, finished_at DESC, id, {OF_LISTS}")
    index("ix_runs_by_entries_up", "runs", f"entry_count, finished_at DESC, id, {OF_LISTS}")
    index("ix_runs_by_error", "runs", f"sev_severe DESC, sev_critical DESC, finished_at DESC, id, {OF_LISTS}")
    index("ix_runs_by_finished", "runs", f"finished_at DESC, id, created_at, {OF_LISTS}")
    index("ix_runs_by_id", "runs", "id, outcome_id, key, domain_id, batch_key")
    index("ix_runs_by_rank_down", "runs", f"worst_rank DESC, finished_at DESC, id, {OF_LISTS}")
    index("ix_runs_by_rank_up", "runs", f"worst_rank, finished_at DESC, id, {OF_LISTS}")
    index("ix_runs_by_score_down", "runs", f"score DESC NULLS LAST, finished_at DESC, id, {OF_LISTS}")
    index("ix_runs_by_score_up", "runs", f"score, finished_at DESC, id, {OF_LISTS}")
    index("ix_runs_domain_id_finished_at", "runs", "domain_id, finished_at")
    index("ix_runs_effective_profile_id", "runs", "effective_profile_id")
    index("ix_runs_grade_finished_at", "runs", "grade, finished_at")
    index(
        "ix_runs_in_batch_by_domain", "runs", "batch_key, domain, findings_hash, status", where="batch_key IS NOT NULL"
    )
    index("ix_runs_of_batch", "runs", "batch_key, started_at")
    index("ix_runs_of_batch_by_id", "runs", "batch_key, id, outcome_id")
    index("ix_runs_of_outcome", "runs", "outcome_id, id")
    index("ix_runs_profile_id", "runs", "profile_id", where="profile_id IS NOT NULL")
    index("ix_runs_status_finished_at", "runs", "status, finished_at")
    index("ix_runs_worst_level_finished_at", "runs", "worst_level, finished_at")
    op.create_table(
        "tags",
        sa.Column("name", code(255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("default_profile_id", ROW_ID),
        sa.PrimaryKeyConstraint("name", name="pk_tags"),
        key("tags", "default_profile_id", "profiles.id", ondelete="SET NULL"),
    )
    index("ix_tags_default_profile_id", "tags", "default_profile_id")
    op.create_table(
        "watch_digests",
        sa.Column("watch_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_key", sa.BigInteger(), nullable=False),
        sa.Column("summary", JSON, nullable=False, comment="numbers of events, and the first of each kind"),
        sa.PrimaryKeyConstraint("watch_id", "batch_key", name="pk_watch_digests"),
        key("watch_digests", "watch_id", "watches.id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    index("ix_watch_digests_batch_key", "watch_digests", "batch_key")
    op.create_table(
        "watched_batches",
        sa.Column("batch_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("batch_key", name="pk_watched_batches"),
        key("watched_batches", "batch_key", "batches.key", ondelete="CASCADE"),
    )
    op.create_table(
        "cohorts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_type", code(16), nullable=False),
        sa.Column("source_tag", code(255), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("analysis_enabled", sa.Boolean(), nullable=False),
        sa.Column("public_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("sort_order", sa.Integer(), nullable=False),
        sa.Column("materialization_status", sa.String(16), nullable=False),
        sa.Column("materialization_done", sa.Integer(), nullable=False),
        sa.Column("materialization_total", sa.Integer(), nullable=False),
        sa.Column("last_materialized_at", TIME),
        sa.Column("last_materialization_error", sa.Text(), nullable=False),
        sa.Column("default_snapshot_policy", sa.String(16), nullable=False),
        sa.Column("default_snapshot_id", ROW_ID, comment="if pinned"),
        sa.Column("tag_view_min_level", code(8), nullable=False, comment="empty: that of the server"),
        sa.Column("reference_list", code(32), nullable=False),
        sa.Column(
            "generation",
            sa.Integer(),
            nullable=False,
            comment="raised when it is cleared or made anew: what was begun before is dropped",
        ),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cohorts"),
        key("cohorts", "default_snapshot_id", "cohort_snapshots.id", ondelete="SET NULL", use_alter=True),
        key("cohorts", "source_tag", "tags.name"),
        sa.UniqueConstraint("source_tag", name="uq_cohorts_source_tag"),
        sqlite_autoincrement=True,
    )
    index("ix_cohorts_default_snapshot_id", "cohorts", "default_snapshot_id")
    index("uq_cohorts_default", "cohorts", "is_default", where="is_default", unique=True)
    op.create_table(
        "domain_tags",
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("tag", code(255), nullable=False),
        sa.PrimaryKeyConstraint("domain_id", "tag", name="pk_domain_tags"),
        key("domain_tags", "domain_id", "domains.id", ondelete="CASCADE"),
        key("domain_tags", "tag", "tags.name", ondelete="CASCADE"),
    )
    index("ix_domain_tags_tag_domain_id", "domain_tags", "tag, domain_id")
    op.create_table(
        "run_documents",
        sa.Column("run_key", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("codec", sa.SmallInteger(), nullable=False, comment="format and dictionary of the document"),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run_key", name="pk_run_documents"),
        key("run_documents", "run_key", "runs.key", ondelete="CASCADE"),
    )
    op.create_table(
        "tag_summaries",
        sa.Column("tag", code(255), nullable=False),
        sa.Column("signature", sa.LargeBinary(16), nullable=False, comment="of the tag's domains and of all runs"),
        sa.Column("checked_at", TIME, nullable=False, comment="when the counts were right"),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("ok", sa.Integer(), nullable=False),
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("warning", sa.Integer(), nullable=False),
        sa.Column("error", sa.Integer(), nullable=False),
        sa.Column("critical", sa.Integer(), nullable=False),
        sa.Column("grades", JSON, nullable=False, comment="numbers by grade"),
        sa.PrimaryKeyConstraint("tag", name="pk_tag_summaries"),
        key("tag_summaries", "tag", "tags.name", ondelete="CASCADE"),
    )
    op.create_table(
        "tag_value_tables",
        sa.Column("batch_key", sa.BigInteger(), nullable=False),
        sa.Column("tag", code(64), nullable=False),
        sa.Column("argument", code(255), nullable=False),
        sa.Column("most", sa.LargeBinary(), nullable=False, comment="the values that most domains have"),
        sa.Column("worst", sa.LargeBinary(), comment="those that lack most points; null: as `most`"),
        sa.Column("shared", sa.LargeBinary(), comment="all that two domains or more have; null: they are in `most`"),
        sa.PrimaryKeyConstraint("batch_key", "tag", "argument", name="pk_tag_value_tables"),
        key("tag_value_tables", "batch_key", "batch_statistics.batch_key", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cohort_snapshots",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("cohort_id", sa.Integer()),
        sa.Column("batch_key", sa.BigInteger()),
        sa.Column("slug", code(64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("profile_id", ROW_ID),
        sa.Column("profile_name", sa.Text(), nullable=False),
        sa.Column("engine_version", sa.Text(), nullable=False, comment="empty: unknown"),
        sa.Column("mixed_engine_version", sa.Boolean(), nullable=False),
        sa.Column("scoring_config_hash", code(64), nullable=False, comment="empty: unknown"),
        sa.Column("vocabulary_id", sa.Integer()),
        sa.Column("captured_at", TIME),
        sa.Column("first_run_at", TIME),
        sa.Column("last_run_at", TIME),
        sa.Column("run_count", sa.Integer(), nullable=False, comment="projected runs"),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("tag_view_min_level", code(8), nullable=False, comment="the floor that its facts have"),
        sa.Column("materialization_status", code(16), nullable=False),
        sa.Column("materialization_done", sa.Integer(), nullable=False),
        sa.Column("materialization_total", sa.Integer(), nullable=False),
        sa.Column("last_materialization_error", sa.Text(), nullable=False),
        sa.Column("last_materialized_at", TIME),
        sa.Column(
            "seen_runs",
            sa.BigInteger(),
            nullable=False,
            comment="succeeded runs of the batch when all of them were last looked at",
        ),
        sa.Column("facts_revision", sa.Integer(), nullable=False, comment="raised by each change of its facts"),
        sa.Column("captured_revision", sa.Integer(), nullable=False, comment="of the facts that the view shows"),
        sa.Column("view_id", ROW_ID),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cohort_snapshots"),
        key("cohort_snapshots", "batch_key", "batches.key", ondelete="SET NULL"),
        key("cohort_snapshots", "cohort_id", "cohorts.id", ondelete="SET NULL"),
        key("cohort_snapshots", "profile_id", "profiles.id", ondelete="SET NULL"),
        key("cohort_snapshots", "view_id", "snapshot_views.id", ondelete="SET NULL", use_alter=True),
        key("cohort_snapshots", "vocabulary_id", "vocabularies.id"),
        sa.UniqueConstraint("cohort_id", "batch_key", name="uq_cohort_snapshots_cohort_id_batch_key"),
        sa.UniqueConstraint("cohort_id", "slug", name="uq_cohort_snapshots_cohort_id_slug"),
        sqlite_autoincrement=True,
    )
    index("ix_cohort_snapshots_batch_key", "cohort_snapshots", "batch_key")
    index("ix_cohort_snapshots_cohort_id_status_captured_at", "cohort_snapshots", "cohort_id, status, captured_at")
    index("ix_cohort_snapshots_profile_id", "cohort_snapshots", "profile_id")
    index("ix_cohort_snapshots_view_id", "cohort_snapshots", "view_id")
    index("ix_cohort_snapshots_vocabulary_id", "cohort_snapshots", "vocabulary_id")
    op.create_table(
        "purged_snapshots",
        sa.Column("cohort_id", sa.Integer(), nullable=False),
        sa.Column("batch_key", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cohort_id", "batch_key", name="pk_purged_snapshots"),
        key("purged_snapshots", "batch_key", "batches.key", ondelete="CASCADE"),
        key("purged_snapshots", "cohort_id", "cohorts.id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    index("ix_purged_snapshots_batch_key", "purged_snapshots", "batch_key")
    op.create_table(
        "schedules",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("cohort_id", sa.Integer()),
        sa.Column("tag", code(255)),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("kind", code(16), nullable=False, comment="interval, weekly, monthly"),
        sa.Column("interval_days", sa.SmallInteger()),
        sa.Column("anchor_date", sa.Date()),
        sa.Column("weekdays", JSON, nullable=False, comment="mon ... sun"),
        sa.Column("days_of_month", JSON, nullable=False),
        sa.Column("last_day", sa.Boolean(), nullable=False),
        sa.Column("time_of_day", sa.String(5), nullable=False, comment="HH:MM in the time zone"),
        sa.Column("timezone", code(64), nullable=False, comment="IANA name"),
        sa.Column("profile_id", ROW_ID),
        sa.Column("promote_default", sa.Boolean(), nullable=False, comment="pin the snapshot of each batch"),
        sa.Column("catch_up", sa.Boolean(), nullable=False, comment="submit late what was missed, once"),
        sa.Column("next_run_at", TIME),
        sa.Column("last_run_at", TIME),
        sa.Column("last_batch_id", code(40)),
        sa.Column("last_outcome", sa.String(16)),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
        sa.CheckConstraint("(cohort_id IS NULL) <> (tag IS NULL)", name=op.f("ck_schedules_one_target")),
        key("schedules", "cohort_id", "cohorts.id", ondelete="CASCADE"),
        key("schedules", "last_batch_id", "batches.id", ondelete="SET NULL"),
        key("schedules", "profile_id", "profiles.id", ondelete="SET NULL"),
        key("schedules", "tag", "tags.name", ondelete="CASCADE"),
        sa.UniqueConstraint("cohort_id", name="uq_schedules_cohort_id"),
        sa.UniqueConstraint("tag", name="uq_schedules_tag"),
    )
    index("ix_schedules_last_batch_id", "schedules", "last_batch_id")
    index("ix_schedules_next_run_at", "schedules", "next_run_at")
    index("ix_schedules_profile_id", "schedules", "profile_id")
    op.create_table(
        "fact_address_asns",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("asn", sa.BigInteger(), nullable=False, comment="0: none is known"),
        sa.Column("prefix_id", sa.Integer()),
        sa.Column("lookup_status", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", "address_id", "asn", name="pk_fact_address_asns"),
        key("fact_address_asns", "address_id", "analysis_addresses.id"),
        key("fact_address_asns", "prefix_id", "analysis_prefixes.id"),
        key("fact_address_asns", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fact_domain_asns",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("asn", sa.BigInteger(), nullable=False),
        sa.Column("family", sa.SmallInteger(), nullable=False, comment="4 or 6"),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", "asn", "family", name="pk_fact_domain_asns"),
        key("fact_domain_asns", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fact_domain_facts",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("category", sa.SmallInteger(), nullable=False),
        sa.Column("fact_key", code(255), nullable=False),
        sa.Column("value_num", sa.Integer()),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", "category", "fact_key", name="pk_fact_domain_facts"),
        key("fact_domain_facts", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fact_domain_summary",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("name", code(253), nullable=False, comment="the domain may be gone: facts outlive it"),
        sa.Column("run_key", sa.BigInteger(), nullable=False, comment="the run may be gone: facts outlive it"),
        sa.Column("run_id", code(40), nullable=False),
        sa.Column("finished_at", TIME, nullable=False),
        sa.Column("score", sa.SmallInteger()),
        sa.Column("grade", code(4)),
        sa.Column("worst_level", sa.SmallInteger()),
        sa.Column("nameserver_count", sa.Integer(), nullable=False),
        sa.Column("endpoint_count", sa.Integer(), nullable=False),
        sa.Column("asn_count", sa.Integer(), nullable=False),
        sa.Column("prefix_count", sa.Integer(), nullable=False),
        sa.Column("ipv4_ns_count", sa.Integer(), nullable=False, comment="name servers with at least one IPv4 address"),
        sa.Column("ipv6_ns_count", sa.Integer(), nullable=False),
        sa.Column("engine_version", code(64), nullable=False, comment="empty: unknown"),
        sa.Column("effective_profile_id", sa.Integer()),
        sa.Column("profile_id", sa.Integer()),
        sa.Column("profile_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", name="pk_fact_domain_summary"),
        key("fact_domain_summary", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
    )
    op.create_table(
        "fact_ns_endpoints",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("nameserver_id", sa.Integer(), nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False, comment="0: the name has no address"),
        sa.Column("source", sa.SmallInteger(), nullable=False),
        sa.Column("avg_ms", sa.Float(), comment="null: no answer, or not asked"),
        sa.Column("min_ms", sa.Float()),
        sa.Column("max_ms", sa.Float()),
        sa.Column("query_count", sa.Integer(), nullable=False),
        sa.Column("unreachable", sa.Boolean(), nullable=False, comment="it was asked and did not answer"),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", "nameserver_id", "address_id", name="pk_fact_ns_endpoints"),
        key("fact_ns_endpoints", "nameserver_id", "analysis_nameservers.id"),
        key("fact_ns_endpoints", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fact_tag_summary",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("kind_id", sa.Integer(), nullable=False),
        sa.Column("occurrence_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", "kind_id", name="pk_fact_tag_summary"),
        key("fact_tag_summary", "kind_id", "entry_kinds.id"),
        key("fact_tag_summary", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "projections",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("run_key", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("projector_version", sa.SmallInteger(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("snapshot_id", "run_key", name="pk_projections"),
        key("projections", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "snapshot_views",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("snapshot_id", ROW_ID),
        sa.Column("builder", sa.Text(), nullable=False, comment="who builds it; empty when it is complete"),
        sa.Column("lease_until", TIME, comment="of the builder; null when it is complete"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("fact_rows", sa.BigInteger(), comment="rows of all fact tables that it was made from"),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot_views"),
        key("snapshot_views", "snapshot_id", "cohort_snapshots.id", ondelete="SET NULL"),
        sqlite_autoincrement=True,
    )
    index("ix_snapshot_views_snapshot_id", "snapshot_views", "snapshot_id")
    op.create_table(
        "snapshot_asns",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("asn", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("address_count", sa.Integer(), nullable=False),
        sa.Column("nameserver_count", sa.Integer(), nullable=False),
        sa.Column("prefix_count", sa.Integer(), nullable=False),
        sa.Column("ipv4_count", sa.Integer(), nullable=False),
        sa.Column("ipv6_count", sa.Integer(), nullable=False),
        sa.Column("latency_p50_ms", sa.Float()),
        sa.Column("latency_p95_ms", sa.Float()),
        sa.Column("latency_samples", sa.BigInteger(), nullable=False, comment="answers that the times are from"),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_asns"),
        key("snapshot_asns", "view_id", "snapshot_views.id", ondelete="CASCADE"),
    )
    index("ix_snapshot_asns_asn", "snapshot_asns", "view_id, asn", unique=True)
    op.create_table(
        "snapshot_comparisons",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("from_view_id", ROW_ID, nullable=False),
        sa.Column("to_view_id", ROW_ID, nullable=False),
        sa.Column("basis", code(64), nullable=False, comment="digest of scoring, vocabularies and floors used"),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False, comment="JSON: totals and changed tags"),
        sa.Column(
            "clusters", sa.LargeBinary(), nullable=False, comment="JSON: domains that moved together, largest first"
        ),
        sa.Column("added", sa.LargeBinary(), nullable=False),
        sa.Column("removed", sa.LargeBinary(), nullable=False),
        sa.Column("grade_changed", sa.LargeBinary(), nullable=False),
        sa.Column("level_changed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "moved",
            sa.LargeBinary(),
            nullable=False,
            comment="both positions, delta, explained delta, category; by delta, then name",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot_comparisons"),
        key("snapshot_comparisons", "from_view_id", "snapshot_views.id", ondelete="CASCADE"),
        key("snapshot_comparisons", "to_view_id", "snapshot_views.id", ondelete="CASCADE"),
        sa.UniqueConstraint("from_view_id", "to_view_id", name="uq_snapshot_comparisons_from_view_id_to_view_id"),
        sqlite_autoincrement=True,
    )
    index("ix_snapshot_comparisons_made_at", "snapshot_comparisons", "made_at")
    index("ix_snapshot_comparisons_to_view_id", "snapshot_comparisons", "to_view_id")
    op.create_table(
        "snapshot_domains",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("domain_id", sa.BigInteger(), nullable=False, comment="the domain may be gone: views outlive it"),
        sa.Column("name", code(253), nullable=False),
        sa.Column("run_id", code(40), nullable=False, comment="the run may be gone"),
        sa.Column("score", sa.SmallInteger()),
        sa.Column("grade", code(4)),
        sa.Column("worst_level", sa.SmallInteger()),
        sa.Column("finished_at", TIME, nullable=False),
        sa.Column("nameserver_count", sa.Integer(), nullable=False),
        sa.Column("endpoint_count", sa.Integer(), nullable=False),
        sa.Column("asn_count", sa.Integer(), nullable=False),
        sa.Column("prefix_count", sa.Integer(), nullable=False),
        sa.Column("ipv4_ns_count", sa.Integer(), nullable=False),
        sa.Column("ipv6_ns_count", sa.Integer(), nullable=False),
        sa.Column("dnskey_algo_weakest", sa.SmallInteger()),
        sa.Column("dnskey_count", sa.Integer()),
        sa.Column("dnssec_posture", code(8), nullable=False),
        sa.Column("software_version", code(255), nullable=False),
        sa.Column("operator", code(128), nullable=False),
        sa.Column("operator_asn", sa.BigInteger()),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_domains"),
        key("snapshot_domains", "view_id", "snapshot_views.id", ondelete="CASCADE"),
    )
    index("ix_snapshot_domains_asn_count", "snapshot_domains", "view_id, asn_count, position")
    index("ix_snapshot_domains_endpoint_count", "snapshot_domains", "view_id, endpoint_count, position")
    index("ix_snapshot_domains_name", "snapshot_domains", "view_id, name", unique=True)
    index("ix_snapshot_domains_nameserver_count", "snapshot_domains", "view_id, nameserver_count, position")
    index("ix_snapshot_domains_prefix_count", "snapshot_domains", "view_id, prefix_count, position")
    index("ix_snapshot_domains_score", "snapshot_domains", "view_id, score, position")
    index("ix_snapshot_domains_worst_level", "snapshot_domains", "view_id, worst_level, position")
    op.create_table(
        "snapshot_endpoints",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("nameserver_id", sa.Integer(), nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("nameserver", code(255), nullable=False),
        sa.Column("address", code(45), nullable=False),
        sa.Column(
            "address_order", sa.LargeBinary(17), nullable=False, comment="family and octets: sorts as addresses do"
        ),
        sa.Column("family", sa.SmallInteger(), nullable=False),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("asn", sa.BigInteger()),
        sa.Column("operator", code(128), nullable=False, comment="label of its AS"),
        sa.Column("prefix", code(49), nullable=False, comment="empty: unknown"),
        sa.Column("latency_p50_ms", sa.Float()),
        sa.Column("latency_p95_ms", sa.Float()),
        sa.Column("latency_samples", sa.BigInteger(), nullable=False, comment="answers that the times are from"),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_endpoints"),
        key("snapshot_endpoints", "view_id", "snapshot_views.id", ondelete="CASCADE"),
    )
    index("ix_snapshot_endpoints_address", "snapshot_endpoints", "view_id, address_order, position")
    index("ix_snapshot_endpoints_domain_count", "snapshot_endpoints", "view_id, domain_count, position")
    index("ix_snapshot_endpoints_operator", "snapshot_endpoints", "view_id, operator, position")
    index("ix_snapshot_endpoints_prefix", "snapshot_endpoints", "view_id, prefix, position")
    op.create_table(
        "snapshot_members",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("owner", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("member", sa.SmallInteger(), nullable=False),
        sa.Column("positions", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("view_id", "owner", "position", "member", name="pk_snapshot_members"),
        key("snapshot_members", "view_id", "snapshot_views.id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "snapshot_nameservers",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("nameserver_id", sa.Integer(), nullable=False),
        sa.Column("name", code(255), nullable=False),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("endpoint_count", sa.Integer(), nullable=False),
        sa.Column("ipv4_count", sa.Integer(), nullable=False),
        sa.Column("ipv6_count", sa.Integer(), nullable=False),
        sa.Column("asn_count", sa.Integer(), nullable=False),
        sa.Column("operator", code(128), nullable=False, comment="label of its AS, or Multiple"),
        sa.Column("operator_asn", sa.BigInteger(), comment="if it is in a single one"),
        sa.Column("query_count", sa.BigInteger(), nullable=False),
        sa.Column("latency_ipv4", sa.Float(), comment="median"),
        sa.Column("latency_ipv6", sa.Float()),
        sa.Column("latency_p50_ms", sa.Float()),
        sa.Column("latency_p95_ms", sa.Float()),
        sa.Column("latency_samples", sa.BigInteger(), nullable=False, comment="answers that the times are from"),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_nameservers"),
        key("snapshot_nameservers", "view_id", "snapshot_views.id", ondelete="CASCADE"),
    )
    index("ix_snapshot_nameservers_domain_count", "snapshot_nameservers", "view_id, domain_count, position")
    index("ix_snapshot_nameservers_endpoint_count", "snapshot_nameservers", "view_id, endpoint_count, position")
    index("ix_snapshot_nameservers_latency_p50_ms", "snapshot_nameservers", "view_id, latency_p50_ms, position")
    index("ix_snapshot_nameservers_name", "snapshot_nameservers", "view_id, name", unique=True)
    op.create_table(
        "snapshot_overviews",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("nameserver_count", sa.Integer(), nullable=False),
        sa.Column("endpoint_count", sa.Integer(), nullable=False),
        sa.Column("asn_count", sa.Integer(), nullable=False),
        sa.Column("prefix_count", sa.Integer(), nullable=False),
        sa.Column("top_tags", sa.LargeBinary(), nullable=False),
        sa.Column("top_nameservers", sa.LargeBinary(), nullable=False),
        sa.Column("top_asns", sa.LargeBinary(), nullable=False),
        sa.Column("fact_distributions", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("view_id", name="pk_snapshot_overviews"),
        key("snapshot_overviews", "view_id", "snapshot_views.id", ondelete="CASCADE"),
    )
    op.create_table(
        "snapshot_prefixes",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("prefix", code(49), nullable=False),
        sa.Column("family", sa.SmallInteger(), nullable=False),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("address_count", sa.Integer(), nullable=False),
        sa.Column("asn", sa.BigInteger(), comment="if there is a single one"),
        sa.Column("asn_label", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_prefixes"),
        key("snapshot_prefixes", "view_id", "snapshot_views.id", ondelete="CASCADE"),
    )
    index("ix_snapshot_prefixes_address_count", "snapshot_prefixes", "view_id, address_count, position")
    index("ix_snapshot_prefixes_domain_count", "snapshot_prefixes", "view_id, domain_count, position")
    index("ix_snapshot_prefixes_prefix", "snapshot_prefixes", "view_id, prefix", unique=True)
    op.create_table(
        "snapshot_tags",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tag", code(64), nullable=False),
        sa.Column("module", code(32), nullable=False),
        sa.Column("testcase", code(32), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False, comment="the worst one that it has"),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("occurrence_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_tags"),
        key("snapshot_tags", "view_id", "snapshot_views.id", ondelete="CASCADE"),
    )
    op.create_table(
        "snapshot_testcases",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("module", code(32), nullable=False),
        sa.Column("testcase", code(32), nullable=False),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("entry_count", sa.BigInteger(), nullable=False),
        sa.Column("worst_level", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_testcases"),
        key("snapshot_testcases", "view_id", "snapshot_views.id", ondelete="CASCADE"),
    )
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column, other in LATE_KEYS:
        op.create_foreign_key(f"fk_{table}_{column}", table, other, [column], ["id"], ondelete="SET NULL")
    op.execute("CREATE SEQUENCE job_slabs")  # for positions in the queue
    op.execute("ALTER TABLE run_counters SET (fillfactor = 50)")  # space for updates within the page (HOT)
    op.execute("ALTER TABLE run_documents ALTER document SET STORAGE EXTERNAL")  # compressed already


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, column, _ in LATE_KEYS:
            op.drop_constraint(f"fk_{table}_{column}", table)
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE job_slabs")
