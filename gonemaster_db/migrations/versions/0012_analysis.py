"""Cohorts, snapshots, facts and views of the analysis."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
DEFAULT = sa.text("is_default")
GENERATION = "raised when it is cleared or made anew: what was begun before is dropped"
ORDER = "family and octets: sorts as addresses do"
SEEN = "succeeded runs of the batch when all of them were last looked at"
TABLES = (
    "snapshot_members",
    "snapshot_testcases",
    "snapshot_tags",
    "snapshot_prefixes",
    "snapshot_asns",
    "snapshot_endpoints",
    "snapshot_nameservers",
    "snapshot_domains",
    "snapshot_overviews",
    "projections",
    "fact_domain_summary",
    "fact_domain_facts",
    "fact_tag_summary",
    "fact_domain_asns",
    "fact_address_asns",
    "fact_ns_endpoints",
    "snapshot_views",
    "cohort_snapshots",
    "cohorts",
    "vocabularies",
    "analysis_prefixes",
    "analysis_nameservers",
    "analysis_asns",
    "analysis_addresses",
)  # in an order in which they can be dropped


def code(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def key(table: str, column: str, target: str, **options: object) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}", **options)  # type: ignore[arg-type]  # options are checked by SQLAlchemy


def index(table: str, columns: list[str]) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)


def sorts(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, ["view_id", column, "position"])


def upgrade() -> None:
    promote = "its snapshot is pinned when it is captured, once"
    op.add_column(
        "batches",
        sa.Column("promote_snapshot", sa.Boolean(), server_default=sa.false(), nullable=False, comment=promote),
    )
    intent = sa.text("snapshot_intent")
    op.create_index("ix_batches_intent", "batches", ["key"], postgresql_where=intent, sqlite_where=intent)
    create_registries()
    create_cohorts()
    create_snapshots()
    create_facts_of_networks()
    create_facts_of_domains()
    create_domains_of_views()
    create_nameservers_of_views()
    create_networks_of_views()
    create_findings_of_views()
    if op.get_context().dialect.name == "postgresql":
        refer("cohorts", "default_snapshot_id", "cohort_snapshots")
        refer("cohort_snapshots", "view_id", "snapshot_views")


def refer(table: str, column: str, other: str) -> None:
    op.create_foreign_key(f"fk_{table}_{column}", table, other, [column], ["id"], ondelete="SET NULL")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint("fk_cohorts_default_snapshot_id", "cohorts", type_="foreignkey")
        op.drop_constraint("fk_cohort_snapshots_view_id", "cohort_snapshots", type_="foreignkey")
    for table in TABLES:
        op.drop_table(table)
    op.drop_index("ix_batches_intent", table_name="batches")
    op.drop_column("batches", "promote_snapshot")


def create_registries() -> None:
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
        "analysis_asns",
        sa.Column("asn", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("first_seen_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("asn", name="pk_analysis_asns"),
    )


def create_cohorts() -> None:
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
        sa.Column("generation", sa.Integer(), nullable=False, comment=GENERATION),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        key("cohorts", "default_snapshot_id", "cohort_snapshots.id", ondelete="SET NULL", use_alter=True),
        key("cohorts", "source_tag", "tags.name"),
        sa.PrimaryKeyConstraint("id", name="pk_cohorts"),
        sa.UniqueConstraint("source_tag", name="uq_cohorts_source_tag"),
        sqlite_autoincrement=True,
    )
    index("cohorts", ["default_snapshot_id"])
    op.create_index(
        "uq_cohorts_default", "cohorts", ["is_default"], unique=True, postgresql_where=DEFAULT, sqlite_where=DEFAULT
    )


def create_snapshots() -> None:
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
        sa.Column("seen_runs", sa.BigInteger(), nullable=False, comment=SEEN),
        sa.Column("facts_revision", sa.Integer(), nullable=False, comment="raised by each change of its facts"),
        sa.Column("captured_revision", sa.Integer(), nullable=False, comment="of the facts that the view shows"),
        sa.Column("view_id", ROW_ID),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        key("cohort_snapshots", "profile_id", "profiles.id", ondelete="SET NULL"),
        key("cohort_snapshots", "cohort_id", "cohorts.id", ondelete="SET NULL"),
        key("cohort_snapshots", "vocabulary_id", "vocabularies.id"),
        key("cohort_snapshots", "batch_key", "batches.key", ondelete="SET NULL"),
        key("cohort_snapshots", "view_id", "snapshot_views.id", ondelete="SET NULL", use_alter=True),
        sa.PrimaryKeyConstraint("id", name="pk_cohort_snapshots"),
        sa.UniqueConstraint("cohort_id", "batch_key", name="uq_cohort_snapshots_cohort_id_batch_key"),
        sa.UniqueConstraint("cohort_id", "slug", name="uq_cohort_snapshots_cohort_id_slug"),
        sqlite_autoincrement=True,
    )
    index("cohort_snapshots", ["batch_key"])
    index("cohort_snapshots", ["cohort_id", "status", "captured_at"])
    index("cohort_snapshots", ["profile_id"])
    index("cohort_snapshots", ["view_id"])
    index("cohort_snapshots", ["vocabulary_id"])
    op.create_table(
        "snapshot_views",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("snapshot_id", ROW_ID),
        sa.Column("builder", sa.Text(), nullable=False, comment="who builds it; empty when it is complete"),
        sa.Column("lease_until", TIME, comment="of the builder; null when it is complete"),
        sa.Column("created_at", TIME, nullable=False),
        key("snapshot_views", "snapshot_id", "cohort_snapshots.id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot_views"),
        sqlite_autoincrement=True,
    )
    index("snapshot_views", ["snapshot_id"])


def create_facts_of_networks() -> None:
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
        key("fact_ns_endpoints", "nameserver_id", "analysis_nameservers.id"),
        key("fact_ns_endpoints", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", "nameserver_id", "address_id", name="pk_fact_ns_endpoints"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fact_address_asns",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("asn", sa.BigInteger(), nullable=False, comment="0: none is known"),
        sa.Column("prefix_id", sa.Integer()),
        sa.Column("lookup_status", sa.SmallInteger(), nullable=False),
        key("fact_address_asns", "prefix_id", "analysis_prefixes.id"),
        key("fact_address_asns", "address_id", "analysis_addresses.id"),
        key("fact_address_asns", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", "address_id", "asn", name="pk_fact_address_asns"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fact_domain_asns",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("asn", sa.BigInteger(), nullable=False),
        sa.Column("family", sa.SmallInteger(), nullable=False, comment="4 or 6"),
        key("fact_domain_asns", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", "asn", "family", name="pk_fact_domain_asns"),
        sqlite_with_rowid=False,
    )


def create_facts_of_domains() -> None:
    op.create_table(
        "fact_tag_summary",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("kind_id", sa.Integer(), nullable=False),
        sa.Column("occurrence_count", sa.Integer(), nullable=False),
        key("fact_tag_summary", "kind_id", "entry_kinds.id"),
        key("fact_tag_summary", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", "kind_id", name="pk_fact_tag_summary"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fact_domain_facts",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("domain_id", ROW_ID, nullable=False),
        sa.Column("category", sa.SmallInteger(), nullable=False),
        sa.Column("fact_key", code(255), nullable=False),
        sa.Column("value_num", sa.Integer()),
        key("fact_domain_facts", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", "category", "fact_key", name="pk_fact_domain_facts"),
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
        key("fact_domain_summary", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("snapshot_id", "domain_id", name="pk_fact_domain_summary"),
    )
    op.create_table(
        "projections",
        sa.Column("snapshot_id", ROW_ID, nullable=False),
        sa.Column("run_key", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("projector_version", sa.SmallInteger(), nullable=False),
        sa.Column("error", sa.Text()),
        key("projections", "snapshot_id", "cohort_snapshots.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("snapshot_id", "run_key", name="pk_projections"),
        sqlite_with_rowid=False,
    )


def create_domains_of_views() -> None:
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
        key("snapshot_overviews", "view_id", "snapshot_views.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("view_id", name="pk_snapshot_overviews"),
    )
    op.create_table(
        "snapshot_domains",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
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
        key("snapshot_domains", "view_id", "snapshot_views.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_domains"),
    )
    op.create_index("ix_snapshot_domains_name", "snapshot_domains", ["view_id", "name"], unique=True)
    sorts("snapshot_domains", "asn_count", "endpoint_count", "nameserver_count", "prefix_count", "score", "worst_level")
    op.create_table(
        "snapshot_members",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("owner", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("member", sa.SmallInteger(), nullable=False),
        sa.Column("positions", sa.LargeBinary(), nullable=False),
        key("snapshot_members", "view_id", "snapshot_views.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("view_id", "owner", "position", "member", name="pk_snapshot_members"),
        sqlite_with_rowid=False,
    )


def create_nameservers_of_views() -> None:
    op.create_table(
        "snapshot_nameservers",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
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
        key("snapshot_nameservers", "view_id", "snapshot_views.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_nameservers"),
    )
    op.create_index("ix_snapshot_nameservers_name", "snapshot_nameservers", ["view_id", "name"], unique=True)
    sorts("snapshot_nameservers", "domain_count", "endpoint_count", "latency_p50_ms")
    op.create_table(
        "snapshot_endpoints",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
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
        key("snapshot_endpoints", "view_id", "snapshot_views.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_endpoints"),
    )
    op.create_index("ix_snapshot_endpoints_address", "snapshot_endpoints", ["view_id", "address_order", "position"])
    sorts("snapshot_endpoints", "domain_count", "operator", "prefix")


def create_networks_of_views() -> None:
    op.create_table(
        "snapshot_asns",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
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
        key("snapshot_asns", "view_id", "snapshot_views.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_asns"),
    )
    op.create_index("ix_snapshot_asns_asn", "snapshot_asns", ["view_id", "asn"], unique=True)
    op.create_table(
        "snapshot_prefixes",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("prefix", code(49), nullable=False),
        sa.Column("family", sa.SmallInteger(), nullable=False),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("address_count", sa.Integer(), nullable=False),
        sa.Column("asn", sa.BigInteger(), comment="if there is a single one"),
        sa.Column("asn_label", sa.Text(), nullable=False),
        key("snapshot_prefixes", "view_id", "snapshot_views.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_prefixes"),
    )
    op.create_index("ix_snapshot_prefixes_prefix", "snapshot_prefixes", ["view_id", "prefix"], unique=True)
    sorts("snapshot_prefixes", "address_count", "domain_count")


def create_findings_of_views() -> None:
    op.create_table(
        "snapshot_tags",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("tag", code(64), nullable=False),
        sa.Column("module", code(32), nullable=False),
        sa.Column("testcase", code(32), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False, comment="the worst one that it has"),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("occurrence_count", sa.BigInteger(), nullable=False),
        key("snapshot_tags", "view_id", "snapshot_views.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_tags"),
    )
    op.create_table(
        "snapshot_testcases",
        sa.Column("view_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("module", code(32), nullable=False),
        sa.Column("testcase", code(32), nullable=False),
        sa.Column("domain_count", sa.Integer(), nullable=False),
        sa.Column("entry_count", sa.BigInteger(), nullable=False),
        sa.Column("worst_level", sa.SmallInteger(), nullable=False),
        key("snapshot_testcases", "view_id", "snapshot_views.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("view_id", "position", name="pk_snapshot_testcases"),
    )
