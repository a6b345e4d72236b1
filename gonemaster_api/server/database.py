"""The commands `db` and `backup`."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import structlog

from gonemaster_db.core.backup import back_up
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreOutdated
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.migrations import runner
from gonemaster_db.migrations.revisions import Revision
from gonemaster_db.service.sizes import read_sizes
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import store_settings

_LARGEST = 8  # tables

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
    """Migrate the database back. All parts of the service must be stopped."""
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
    """Check whether this release works with the database. Return 1 if it does not, or if the tables differ."""
    with closing(open_store(store_settings(settings))) as store:
        current = runner.current_revision(store)
        try:
            runner.check_schema(store)
        except StoreOutdated as error:
            sys.stdout.write(f"{error}\n")
            return 1
        return _report(_drift(store), summary=f"version {current}: compatible with this release")


def print_plan(settings: Settings) -> int:
    """Print what an upgrade would do. Return 1 if no upgrade is needed but the tables differ."""
    with closing(open_store(store_settings(settings))) as store:
        current, pending = runner.current_revision(store), runner.pending_revisions(store)
        if pending:
            found = runner.differences(store) if current else []
            sys.stdout.writelines(f"{line}\n" for line in _plan(current, pending, found))
            return 0
        runner.check_schema(store)
        return _report(_drift(store), summary=f"version {current}, nothing to do")


def _plan(current: str | None, pending: list[Revision], found: list[str]) -> Iterator[str]:
    yield f"version {current or 'none'}, to be applied:"
    yield from (f"{revision.number}  {revision.title}" for revision in pending)
    if found:
        yield "Differences from this release that the upgrade must remove:"
        yield from (f"  {difference}" for difference in found)
    if current is None:
        return
    if stopping := [revision.number for revision in pending if not revision.is_compatible_with(current)]:
        yield f"First stop the API, workers and beat on all machines: {', '.join(stopping)} would break them."
    else:
        yield "The API, workers and beat can keep running; replace them one by one afterwards."


def _drift(store: Store) -> list[str]:
    """List the differences between the tables and the models.

    Tables of a later release are not compared, because they may differ.
    """
    return runner.differences(store) if runner.is_current(store) else []


def _report(found: list[str], *, summary: str) -> int:
    if not found:
        sys.stdout.write(f"{summary}\n")
        return 0
    sys.stdout.write("the tables differ from those of this release:\n")
    sys.stdout.writelines(f"  {difference}\n" for difference in found)
    return 1


def print_sizes(settings: Settings) -> int:
    """Print the size of the database and of its largest tables, its growth, and when its disk will be full."""
    with closing(open_store(store_settings(settings))) as store:
        runner.check_schema(store)
        sizes = read_sizes(store, now=utcnow())
    lines = [f"{_in_mib(sizes.total)}  database, {sizes.runs} runs"]
    lines += [f"{_in_mib(size)}  {name}" for name, size in sizes.tables[:_LARGEST]]
    lines.append(f"{_in_mib(sizes.growth_per_day)}  growth a day: {sizes.runs_of_last_day} runs in the last 24 hours")
    if sizes.free is not None:
        lines.append(f"{_in_mib(sizes.free)}  free on the disk")
    if sizes.days_until_full is not None:
        lines.append(f"The disk is full in {sizes.days_until_full} days if nothing is deleted; retention deletes after"
                     f" {settings.retention_days} days.")  # fmt: skip
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _in_mib(size: int) -> str:
    return f"{size / 2**20:10.1f} MiB"


def back_up_to(settings: Settings, path: Path) -> int:
    """Copy the database to a new file while the service is running."""
    with closing(open_store(store_settings(settings))) as store:
        size = back_up(store, path)
    sys.stdout.write(f"{path}: {size} bytes\n")
    return 0
