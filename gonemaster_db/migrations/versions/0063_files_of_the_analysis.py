"""Parquet files of the analysis, and the storage of each snapshot."""

import sqlalchemy as sa
from alembic import op

from gonemaster_db.core.base import DOMAIN_TYPE, ROW_ID_TYPE, code_text

revision = "0063"
down_revision = "0054"
compatible_from = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "cohort_snapshots",
        sa.Column("storage", sa.String(8), nullable=False, server_default="rows", comment="of its facts and its view"),
    )
    _create_files()
    op.create_table(
        "projection_claims",
        sa.Column("id", ROW_ID_TYPE, nullable=False),
        sa.Column("snapshot_id", ROW_ID_TYPE, nullable=False),
        sa.Column("first_key", sa.BigInteger(), nullable=False),
        sa.Column("last_key", sa.BigInteger(), nullable=False),
        sa.Column("holder", code_text(32), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        _snapshot_key("projection_claims", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projection_claims")),
    )
    op.create_index(op.f("ix_projection_claims_snapshot_id"), "projection_claims", ["snapshot_id"])


def _create_files() -> None:
    op.create_table(
        "analysis_files",
        sa.Column("id", ROW_ID_TYPE, nullable=False),
        sa.Column("snapshot_id", ROW_ID_TYPE, comment="null: removed, while its view has readers"),
        sa.Column("view_id", ROW_ID_TYPE, comment="null: a file with facts"),
        sa.Column("kind", code_text(32), nullable=False, comment="facts, or the name of a table of the view"),
        sa.Column("name", code_text(255), nullable=False, comment="path below analytics.location"),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="in bytes"),
        sa.Column("first_domain", DOMAIN_TYPE, comment="of a file with facts"),
        sa.Column("last_domain", DOMAIN_TYPE),
        sa.Column("first_key", sa.BigInteger(), comment="lowest key of its runs"),
        sa.Column("last_key", sa.BigInteger()),
        sa.Column(
            "run_keys", sa.LargeBinary(), comment="packed keys of its runs; null: they are to be projected again"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _snapshot_key("analysis_files", "SET NULL"),
        sa.ForeignKeyConstraint(
            ["view_id"], ["snapshot_views.id"], name=op.f("fk_analysis_files_view_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analysis_files")),
        sa.UniqueConstraint("name", name=op.f("uq_analysis_files_name")),
    )
    op.create_index(op.f("ix_analysis_files_snapshot_id_kind"), "analysis_files", ["snapshot_id", "kind"])
    op.create_index(op.f("ix_analysis_files_view_id"), "analysis_files", ["view_id"])


def _snapshot_key(table: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_snapshot_id")
    return sa.ForeignKeyConstraint(["snapshot_id"], ["cohort_snapshots.id"], name=name, ondelete=ondelete)


def downgrade() -> None:
    op.drop_table("projection_claims")
    op.drop_table("analysis_files")
    op.drop_column("cohort_snapshots", "storage")
