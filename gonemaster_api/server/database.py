"""The commands about the database: `db` and `backup`."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import structlog

from gonemaster_db.core.backup import back_up
from gonemaster_db.core.errors import StoreOutdated
from gonemaster_db.core.session import open_store
from gonemaster_db.migrations import runner
from gonemaster_db.migrations.revisions import Revision
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import store_settings

log = structlog.get_logger(__name__)


def upgrade_tables(settings: Settings) -> int:
    """Migrate the database to the current version."""
    with closing(open_store(store_settings(settings))) as store:
        before = runner.current_revision(store)
        runner.upgrade(store)
        after = runner.current_revision(store)
    if before != after:
        log.info("database migrated", before=before, after=after)
    return 0


def downgrade_tables(settings: Settings, revision: str) -> int:
    """Migrate the database back; no part of the service may run."""
    with closing(open_store(store_settings(settings))) as store:
        before = runner.current_revision(store)
        runner.downgrade(store, revision=revision)
        log.info("database migrated", before=before, after=runner.current_revision(store))
    return 0


def print_revision(settings: Settings) -> int:
    """Print the revision of the database."""
    with closing(open_store(store_settings(settings))) as store:
        sys.stdout.write(f"{runner.current_revision(store) or 'none'}\n")
    return 0


def check_tables(settings: Settings) -> int:
    """Say whether this release works on the database as it is; 1 if it does not."""
    with closing(open_store(store_settings(settings))) as store:
        current = runner.current_revision(store)
        try:
            runner.check_schema(store)
        except StoreOutdated as error:
            sys.stdout.write(f"{error}\n")
            return 1
    sys.stdout.write(f"version {current}: this release works with it\n")
    return 0


def print_plan(settings: Settings) -> int:
    """Print what an upgrade would do, without doing it."""
    with closing(open_store(store_settings(settings))) as store:
        current, pending = runner.current_revision(store), runner.pending_revisions(store)
        if not pending:
            runner.check_schema(store)
    for line in _plan(current, pending):
        sys.stdout.write(f"{line}\n")
    return 0


def _plan(current: str | None, pending: list[Revision]) -> Iterator[str]:
    yield (
        f"version {current or 'none'}, nothing to do" if not pending else f"version {current or 'none'}, to be applied:"
    )
    for revision in pending:
        yield f"{revision.number}  {revision.title}"
    if not pending or current is None:
        return
    if stopping := [revision.number for revision in pending if not revision.works_with(current)]:
        yield f"Stop the API, workers and beat first, on all machines: {', '.join(stopping)} would break them."
    else:
        yield "The API, workers and beat may go on; replace them one by one afterwards."


def back_up_to(settings: Settings, path: Path) -> int:
    """Copy the database to a new file, while the service works."""
    with closing(open_store(store_settings(settings))) as store:
        size = back_up(store, path)
    sys.stdout.write(f"{path}: {size} bytes\n")
    return 0
