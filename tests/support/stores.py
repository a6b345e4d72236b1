"""Fixtures with real stores: each test has a separate database, on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import Driver, StoreSettings
from gonemaster_db.migrations.runner import upgrade
from tests.support.clean_databases import CleanDatabases
from tests.support.postgres import PostgresServer

DRIVERS: tuple[Driver, ...] = ("sqlite", "postgres")
MakeSettings = Callable[..., StoreSettings]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Return the server of this session, or of this pytest-xdist worker."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """Return the name of a database with current tables, the template for copies."""
    name = postgres_server.create_database()
    migrate(StoreSettings(driver="postgres", dsn=postgres_server.url(name)))
    return name


@pytest.fixture(scope="session")
def clean_databases(postgres_server: PostgresServer, postgres_template: str) -> CleanDatabases:
    """Return copies of the template, which tests use one after another."""
    return CleanDatabases(postgres_server, postgres_template)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with current tables, the template for copies."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(StoreSettings(dsn=str(path)))
    return path


@pytest.fixture
def make_store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeSettings]:
    """Create databases: `make_store_settings("sqlite")` has current tables, with `empty=True` it has none."""
    with ExitStack() as stack:

        def make(driver: Driver, *, empty: bool = False) -> StoreSettings:
            if driver == "postgres":
                return stack.enter_context(_on_postgres(request, empty=empty))
            path = tmp_path / f"store{len(list(tmp_path.glob('store*.db')))}.db"
            if not empty:
                shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
            return StoreSettings(dsn=str(path))

        yield make


@contextmanager
def _on_postgres(request: pytest.FixtureRequest, *, empty: bool) -> Iterator[StoreSettings]:
    server: PostgresServer = request.getfixturevalue("postgres_server")
    if empty:
        name = server.create_database()
        yield StoreSettings(driver="postgres", dsn=server.url(name))
        server.drop_database(name)
    else:
        databases: CleanDatabases = request.getfixturevalue("clean_databases")
        name = databases.take()
        yield StoreSettings(driver="postgres", dsn=server.url(name))
        databases.release(name)


@pytest.fixture(params=DRIVERS)
def store_settings(request: pytest.FixtureRequest, make_store_settings: MakeSettings) -> StoreSettings:
    """Return a new database with current tables; the test runs once on each kind."""
    return make_store_settings(request.param)


@pytest.fixture
def store(store_settings: StoreSettings) -> Iterator[Store]:
    """Return an open store on a new database; the test runs once on each kind."""
    with opened(store_settings) as store:
        yield store


@pytest.fixture(params=DRIVERS)
def empty_store(request: pytest.FixtureRequest, make_store_settings: MakeSettings) -> Iterator[Store]:
    """Return an open store without tables; the test runs once on each kind."""
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


def migrate(settings: StoreSettings) -> None:
    """Migrate without leaving a connection: a database in use cannot be copied."""
    with opened(settings) as store:
        upgrade(store)
