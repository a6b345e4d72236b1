"""Outcomes, documents and counters in place of entries and chains; integer keys of runs and batches."""

from alembic import op

from gonemaster_db.migrations.run_store import backward, forward
from gonemaster_db.migrations.run_store.progress import direction_of

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if direction_of(op.get_bind()) == "down":
        backward.undo()
    else:
        forward.move()
        forward.finish()


def downgrade() -> None:
    backward.begin()
