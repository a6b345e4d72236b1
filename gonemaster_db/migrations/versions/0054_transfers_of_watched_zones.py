"""Whether the samples of a watched rollover also transfer the zone."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
compatible_from = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "samples of a rollover also read the zone by AXFR"
    column: sa.Column[bool] = sa.Column(
        "transfer", sa.Boolean(), nullable=False, server_default=sa.false(), comment=comment
    )
    op.add_column("watches", column)


def downgrade() -> None:
    op.drop_column("watches", "transfer")
