"""Operations count the starts that made no progress, so that one that ends its worker each time fails."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "starts since the last progress; those that were released do not count"
    op.add_column("operations", sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment=comment))


def downgrade() -> None:
    op.drop_column("operations", "attempts")
