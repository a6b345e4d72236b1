"""Fixtures with real stores: each test has a database of its own, on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gonemaster_db.migrations.runner import upgrade
from gonemaster_db.session import Store, open_store
from gonemaster_db.settings import Driver, StoreSettings
from tests.support.postgres import PostgresServer

DRIVERS: tuple[Driver, ...] = ("sqlite", "postgres")
MakeSettings = Callable[..., StoreSettings]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server of this session, or of this pytest-xdist worker."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """Name of a database with current tables, to be copied."""
    name = postgres_server.create_database()
    _migrate(StoreSettings(driver="postgres", dsn=postgres_server.url(name)))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with current tables, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(StoreSettings(dsn=str(path)))
    return path


@pytest.fixture
def make_store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeSettings]:
    """`make_store_settings("sqlite")` is a new database with current tables, `empty=True` one without."""
    used: list[str] = []

    def make(driver: Driver, *, empty: bool = False) -> StoreSettings:
        if driver == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            template = "template1" if empty else request.getfixturevalue("postgres_template")
            used.append(server.create_database(template))
            return StoreSettings(driver="postgres", dsn=server.url(used[-1]))
        path = tmp_path / f"store{len(list(tmp_path.glob('store*.db')))}.db"
        if not empty:
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        return StoreSettings(dsn=str(path))

    yield make
    for name in used:
        request.getfixturevalue("postgres_server").drop_database(name)


@pytest.fixture(params=DRIVERS)
def store_settings(request: pytest.FixtureRequest, make_store_settings: MakeSettings) -> StoreSettings:
    """A new database with current tables; the test runs once on each kind."""
    return make_store_settings(request.param)


@pytest.fixture
def store(store_settings: StoreSettings) -> Iterator[Store]:
    """An open store on a new database; the test runs once on each kind."""
    with opened(store_settings) as store:
        yield store


@pytest.fixture(params=DRIVERS)
def empty_store(request: pytest.FixtureRequest, make_store_settings: MakeSettings) -> Iterator[Store]:
    """An open store without tables; the test runs once on each kind."""
    with opened(make_store_settings(request.param, empty=True)) as store:
        yield store


@contextmanager
def opened(settings: StoreSettings) -> Iterator[Store]:
    """Open a store for a block."""
    store = open_store(settings)
    try:
        yield store
    finally:
        store.close()


def _migrate(settings: StoreSettings) -> None:
    """Leave no connection: a database in use cannot be copied."""
    with opened(settings) as store:
        upgrade(store)
