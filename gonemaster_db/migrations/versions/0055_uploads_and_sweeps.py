"""Uploads in parts, and batches that an operation fills from an upload or a file."""

import sqlalchemy as sa
from alembic import op

from gonemaster_db.core.base import ID_TYPE, JSON_TYPE, code_text

revision = "0055"
down_revision = "0067"
compatible_from = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "names whose jobs an operation has not written yet"
    op.add_column("batches", sa.Column("pending", sa.Integer(), nullable=False, server_default="0", comment=comment))
    _create_uploads()
    op.create_table(
        "sweeps",
        sa.Column("operation_id", ID_TYPE, nullable=False),
        sa.Column("batch_id", ID_TYPE, nullable=False, comment="of a batch that exists once the names are checked"),
        sa.Column("source", JSON_TYPE, nullable=False, comment="{upload_id, parts} or {file}"),
        sa.Column("batch", JSON_TYPE, nullable=False, comment="the fields of the new batch"),
        sa.Column("options", JSON_TYPE, nullable=False, comment="of each job: config, profile_id, expires_at"),
        sa.Column("skip_invalid", sa.Boolean(), nullable=False),
        sa.Column("report", JSON_TYPE, comment="counts and examples; null until all lines are read"),
        sa.Column("skipped", sa.LargeBinary(), comment="compressed bit map of lines without a job"),
        sa.Column("line", sa.BigInteger(), nullable=False, comment="the last line whose job is written"),
        sa.PrimaryKeyConstraint("operation_id", name=op.f("pk_sweeps")),
    )


def _create_uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", ID_TYPE, nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="as given by the client"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="renewed by each part"),
        sa.Column(
            "parts",
            sa.Integer(),
            nullable=False,
            comment="number of parts of the complete upload; 0: not complete yet",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_expires_at"), "uploads", ["expires_at"])
    op.create_table(
        "upload_parts",
        sa.Column("upload_id", ID_TYPE, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes"),
        sa.Column("sha256", code_text(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_upload_parts_upload_id_uploads"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_upload_parts")),
    )


def downgrade() -> None:
    op.drop_table("sweeps")
    op.drop_table("upload_parts")
    op.drop_table("uploads")
    op.drop_column("batches", "pending")
