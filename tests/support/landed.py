"""The record of each landed migration: its digest, and a database that it made, with a few rows.

    python -m tests.support.landed

adds missing records, once a migration is finished; it replaces nothing. tests/db/test_landed_migrations.py compares the
digests and upgrades each of the databases.
"""

import re
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import head_revision
from tests.support.postgres import PostgresServer, find_binaries
from tests.support.rows import NOON, make_run, queue_job, record
from tests.support.sources import ROOT
from tests.support.stores import DRIVERS, migrate, opened

LANDED = ROOT / "tests" / "db" / "landed"
DIGESTS = LANDED / "digests"  # in the format of sha256sum
VERSIONS = ROOT / "gonemaster_db" / "migrations" / "versions"
# Commands of psql, lines that depend on the version of PostgreSQL, and comments.
_NOT_SCHEMA = re.compile(r"^(\\|SET |SELECT pg_catalog\.set_config|--|$)")


def digests() -> dict[str, str]:
    """Return the current digest of each migration by file name."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(VERSIONS.glob("[0-9]*.py"))}


def landed_digests() -> dict[str, str]:
    """Return the digest of each migration when it landed, by file name."""
    if not DIGESTS.exists():
        return {}
    pairs = [line.split() for line in DIGESTS.read_text(encoding="utf-8").splitlines()]
    return {name: digest for digest, name in pairs}


def load(store: Store, dump: str) -> None:
    """Load a dump into an empty database."""
    with closing(store.engine.raw_connection()) as connection:
        raw: Any = connection.driver_connection
        if store.settings.driver == "sqlite":
            raw.executescript(f"PRAGMA foreign_keys = OFF; {dump} PRAGMA foreign_keys = ON;")
        else:
            connection.cursor().execute(dump)
            connection.commit()


def main() -> int:
    known, found = landed_digests(), digests()
    if changed := [name for name, digest in known.items() if found.get(name) != digest]:
        sys.stderr.write(f"a migration that has landed is never changed: {', '.join(changed)}\n")
        return 1
    if not (added := found.keys() - known.keys()):
        return 0
    LANDED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, PostgresServer() as server:
        url, path = server.url(server.create_database()), Path(folder, "store.db")
        for settings in (StoreSettings(dsn=str(path)), StoreSettings(driver="postgres", dsn=url)):
            migrate(settings)
            with opened(settings) as store:
                _fill(store)
        for driver, dump in zip(DRIVERS, (_dump_sqlite(path), _dump_postgres(url)), strict=True):
            LANDED.joinpath(f"{head_revision()}.{driver}.sql").write_text(dump, encoding="utf-8")
    with DIGESTS.open("a", encoding="utf-8") as written:
        written.writelines(f"{found[name]}  {name}\n" for name in sorted(added))
    return 0


def _fill(store: Store) -> None:
    """Add a batch with two runs, a separate run with a tag, and a job."""
    with store.transaction() as session:
        batch_id = create_batch(session, NewBatch(domain_count=2), now=NOON).id
    for domain in ("a.example", "b.example"):
        make_run(store, domain, record("INFO", "WARNING", at=NOON + timedelta(seconds=9)), batch_id=batch_id)
    make_run(store, "c.example", record("ERROR", effective_profile={"net": {"ipv6": False}}), config={"tags": ["eu"]})
    queue_job(store, "d.example")


def _dump_sqlite(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return "".join(f"{line}\n" for line in connection.iterdump())


def _dump_postgres(url: str) -> str:
    command = [str(find_binaries() / "pg_dump"), "--inserts", "--no-owner", "--no-privileges", url]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return "".join(f"{line}\n" for line in dump.splitlines() if not _NOT_SCHEMA.match(line))


if __name__ == "__main__":
    sys.exit(main())
