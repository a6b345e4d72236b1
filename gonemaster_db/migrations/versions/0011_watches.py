"""Watches: who is told of what, and deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    create_watches()
    op.create_table(
        "watch_states",
        sa.Column("name", code(16), nullable=False),
        sa.Column("value", JSON, nullable=False),
        sa.Column(
            "version",
            sa.BigInteger(),
            nullable=False,
            comment="of two workers, the one that finds it changed gives up",
        ),
        sa.PrimaryKeyConstraint("name", name="pk_watch_states"),
    )
    op.create_table(
        "watched_batches",
        sa.Column("batch_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_key"], ["batches.key"], name="fk_watched_batches_batch_key", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("batch_key", name="pk_watched_batches"),
    )
    op.create_table(
        "watch_digests",
        sa.Column("watch_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_key", sa.BigInteger(), nullable=False),
        sa.Column("summary", JSON, nullable=False, comment="numbers of events, and the first of each kind"),
        sa.ForeignKeyConstraint(["watch_id"], ["watches.id"], name="fk_watch_digests_watch_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("watch_id", "batch_key", name="pk_watch_digests"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_watch_digests_batch_key", "watch_digests", ["batch_key"])
    create_notes()
    create_deliveries()


def create_watches() -> None:
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
    op.create_index("ix_watches_tag", "watches", ["tag"])
    op.create_index("ix_watches_domain", "watches", ["domain"])


def create_notes() -> None:
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


def create_deliveries() -> None:
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
        sa.ForeignKeyConstraint(["watch_id"], ["watches.id"], name="fk_deliveries_watch_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_status_next_attempt_at", "deliveries", ["status", "next_attempt_at"])
    op.create_index("ix_deliveries_watch_id_created_at", "deliveries", ["watch_id", "created_at"])
    op.create_index("ix_deliveries_finished_at", "deliveries", ["finished_at"])


def downgrade() -> None:
    """Drop watches with what was not told yet: earlier versions tell nobody of anything."""
    for table in ("deliveries", "watch_notes", "watch_digests", "watched_batches", "watch_states", "watches"):
        op.drop_table(table)


def code(length: int) -> TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
