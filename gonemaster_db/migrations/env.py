"""Alembic's environment script; the runner passes the connection."""

from alembic import context

from gonemaster_db.migrations.drift import CONFIGURE
from gonemaster_db.migrations.runner import finish_step
from gonemaster_db.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    on_version_apply=finish_step,
    **CONFIGURE,
)
with context.begin_transaction():
    context.run_migrations()
