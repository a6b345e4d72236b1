"""Ids of watches that SQLite never uses again."""

from alembic import op

revision = "0032"
down_revision = "0031"
compatible_from = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rebuild(never_again=True)


def downgrade() -> None:
    _rebuild(never_again=False)


def _rebuild(*, never_again: bool) -> None:
    """Copy the table with or without AUTOINCREMENT, which SQLite cannot add to a table. PostgreSQL has a sequence."""
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("watches", recreate="always", table_kwargs={"sqlite_autoincrement": never_again}):
            pass
