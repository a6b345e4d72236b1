"""The tables of runs are set aside for others, which migration 0009 fills. No version of the service runs in between.

The rows that are there stay as they are until the end of 0009, so a step back only takes the tables back.
"""

from alembic import op

from gonemaster_db.migrations.run_store import backward, forward
from gonemaster_db.migrations.run_store.progress import direction_of

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    forward.begin()


def downgrade() -> None:
    if direction_of(op.get_bind()) == "up":
        forward.undo()
    else:
        backward.move()
        backward.finish()
