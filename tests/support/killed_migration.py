"""Migrates in processes that are killed: `killed_migration DRIVER DSN SEED up|down RUNS [REVISION]`.

They die at random statements; with a REVISION to go down to, each dies one statement later than the one before, on
SQLite five. RUNS are those of a chunk. The last process ends by itself. Prints after how many commits and statements
each of the others was killed.
"""

import os
import random
import signal
import sys
from itertools import count
from typing import Any

from sqlalchemy import event

from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.run_store import backward, forward
from gonemaster_db.migrations.runner import downgrade, upgrade
from tests.support.old_runs import OLD

_AMONG_CHUNKS = 8
_AT_ONCE = 5  # statements of SQLite, where all of a migration is one transaction


def main() -> None:
    driver, dsn, seed, direction, runs, *revision = sys.argv[1:]
    forward.CHUNK_RUNS = backward.CHUNK_RUNS = int(runs)
    rng, settings = random.Random(seed), StoreSettings(driver=driver, dsn=dsn)  # type: ignore[arg-type]  # from the test
    for attempt in count():
        # First among the chunks, then also later: the last transaction has some sixty statements, after 40 commits.
        commits = rng.randint(0, 5) if attempt < _AMONG_CHUNKS else rng.randint(0, 60)
        statements = rng.randint(0, 80)
        if revision:
            commits, statements = 0, attempt * (1 if driver == "postgres" else _AT_ONCE)
        if not _killed(settings, direction, *revision, commits=commits, statements=statements):
            return
        sys.stdout.write(f"{commits}+{statements}\n")


def _killed(settings: StoreSettings, direction: str, revision: str = OLD, *, commits: int, statements: int) -> bool:
    """Migrate in a process of its own that dies so many statements after so many commits; say whether it did."""
    sys.stdout.flush()
    if not (child := os.fork()):
        store = open_store(settings)
        _die_after(store, commits=commits, statements=statements)
        migrate(store, direction, revision)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status == signal.SIGKILL


def migrate(store: Store, direction: str, revision: str) -> None:
    if direction == "up":
        upgrade(store)
    else:
        downgrade(store, revision=revision)


def _die_after(store: Store, *, commits: int, statements: int) -> None:
    """Die before a statement or before a commit."""
    left = {"commits": commits, "statements": statements}

    def count_commit(*_: Any) -> None:
        count_statement()
        left["commits"] -= 1

    def count_statement(*_: Any) -> None:
        if left["commits"] <= 0:
            left["statements"] -= 1
        if left["statements"] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(store.engine, "before_cursor_execute", count_statement)
    event.listen(store.engine, "commit", count_commit)


if __name__ == "__main__":
    main()
