"""A landed migration is never edited, and each later release can upgrade the databases that it created."""

from pathlib import Path

import pytest

from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import Driver
from gonemaster_db.migrations.revisions import known_revisions
from gonemaster_db.migrations.runner import current_revision, differences, head_revision, upgrade
from gonemaster_db.models import Run
from tests.support.consistency import faults
from tests.support.landed import LANDED, digests, landed_digests, load
from tests.support.rows import count_entries, make_run
from tests.support.stores import MakeSettings, opened

DUMPS = sorted(LANDED.glob("*.sql"))


def test_landed_migrations_are_unchanged() -> None:
    """Add a migration to change the schema; `python -m tests.support.landed` then updates the expected digests."""
    assert digests() == landed_digests()


def test_dumps_exist_for_the_first_and_last_migration() -> None:
    made = {path.name for path in DUMPS}
    expected = (next(iter(known_revisions())), head_revision())
    assert made >= {f"{number}.{driver}.sql" for number in expected for driver in ("sqlite", "postgres")}


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.stem)
def test_a_database_of_a_landed_migration_is_upgraded(dump: Path, make_store_settings: MakeSettings) -> None:
    number, driver, _ = dump.name.split(".")
    with opened(make_store_settings(_driver(driver), empty=True)) as store:
        load(store, dump.read_text(encoding="utf-8"))
        assert current_revision(store) == number
        upgrade(store)
        assert current_revision(store) == head_revision()
        assert differences(store) == []
        assert faults(store) == []
        assert count_entries(store) == 5
        assert runs_of(store) == ["a.example", "b.example", "c.example"]
        make_run(store, "e.example")


def _driver(name: str) -> Driver:
    return "postgres" if name == "postgres" else "sqlite"


def runs_of(store: Store) -> list[str]:
    with store.read_only() as session:
        return sorted(run.domain for run in session.query(Run))
