"""A cluster of two servers: connections follow the primary, independent of the order of hosts."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import event, select
from sqlalchemy.pool import ConnectionPoolEntry

from gonemaster_db.core.connection.engine import make_engine
from gonemaster_db.core.connection.hosts import Hosts
from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import Setting
from tests.support.postgres import USER, PostgresServer, find_binaries
from tests.support.rows import NOON
from tests.support.stores import migrate, opened
from tests.support.workers import wait_until

pytestmark = [
    pytest.mark.skipif(
        not (find_binaries() / "pg_basebackup").exists(),
        reason="this PostgreSQL has no pg_basebackup to make a standby",
    ),
    pytest.mark.thorough,
]


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def settings_of(database: str, *servers: PostgresServer) -> StoreSettings:
    hosts = ",".join(str(server.home) for server in servers)
    return StoreSettings(driver="postgres", dsn=f"host={hosts} user={USER} dbname={database}")


def write(store: Store, key: str) -> None:
    with store.transaction() as session:
        session.add(Setting(key=key, value=1, updated_at=NOON))


def keys(store: Store) -> list[str]:
    with store.read_only() as session:
        return sorted(session.scalars(select(Setting.key)))


def host_of(store: Store) -> str:
    with store.read_only() as session:
        return str(session.connection().connection.driver_connection.info.host)  # type: ignore[union-attr]  # is there


def test_connections_follow_the_primary(primary: PostgresServer) -> None:
    database = primary.create_database()
    migrate(StoreSettings(driver="postgres", dsn=primary.url(database)))
    with PostgresServer(standby_of=primary) as standby, opened(settings_of(database, standby, primary)) as store:
        write(store, "before")
        assert host_of(store) == str(primary.home)  # although it is the second host
        wait_until(lambda: keys_on(standby, database) == ["before"], what="the standby follows")
        primary.stop()
        standby.promote()
        wait_until(lambda: written(store, "after"), what="a write on the new primary")
        assert keys(store) == ["after", "before"]
        assert host_of(store) == str(standby.home)


def keys_on(server: PostgresServer, database: str) -> list[str]:
    with server.cursor(database) as cursor:
        cursor.execute("SELECT key FROM settings ORDER BY key")
        return [key for (key,) in cursor.fetchall()]


def written(store: Store, key: str) -> bool:
    try:
        write(store, key)
    except StoreUnavailable:
        return False
    return True


def test_connections_to_a_read_only_server_are_dropped(primary: PostgresServer) -> None:
    database = primary.create_database()
    migrate(StoreSettings(driver="postgres", dsn=primary.url(database)))
    with primary.cursor("postgres") as cursor:
        cursor.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        with opened(settings_of(database, primary)) as store:
            assert not written(store, "a")
            cursor.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only")
            # over another connection, because the settings of the old connection have not changed
            assert written(store, "a")


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:p%40@a.test:5432,b.test:5433/db?application_name=x",
        "postgres://u:p%40@a.test:5432,b.test:5433/db?application_name=x",
        "host=a.test,b.test port=5432,5433 user=u password=p@ dbname=db application_name=x",
    ],
)
def test_several_hosts_are_asked_for_the_primary(dsn: str) -> None:
    engine = make_engine(StoreSettings(driver="postgres", dsn=dsn))
    asked: dict[str, object] = {}

    class Asked(Exception):
        pass

    def note(_dialect: object, _record: object, _args: object, options: dict[str, object]) -> None:
        asked.update(options)
        raise Asked

    event.listen(engine, "do_connect", note)
    with pytest.raises(Asked):
        engine.connect()
    expected = {"host": "a.test,b.test", "port": "5432,5433", "user": "u", "password": "p@", "dbname": "db"}
    expected |= {"target_session_attrs": "read-write", "application_name": "x"}
    assert {name: asked[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"host": "a,b", "port": "1,2"}, {"host": "b,a", "port": "2,1"}),
        ({"host": "a,b", "port": "2"}, {"host": "b,a", "port": "2,2"}),
        ({"host": "a,b"}, {"host": "b,a", "port": ","}),
        ({"host": "b", "port": "2"}, {"host": "b", "port": "2"}),
        ({}, {}),
    ],
)
def test_the_last_primary_is_tried_first_until_it_is_lost(given: dict[str, str], expected: dict[str, str]) -> None:
    def ordered() -> dict[str, str]:
        options = dict(given)
        hosts.try_primary_first(None, None, None, options)
        return options

    hosts, entry = Hosts(), cast("ConnectionPoolEntry", SimpleNamespace(info={}))
    primary = SimpleNamespace(info=SimpleNamespace(host="b", port=2))
    assert ordered().get("host") == given.get("host")
    hosts.record_primary(primary, entry)
    assert ordered() == expected
    hosts.record_loss(None, entry, None)  # it was recycled
    assert ordered() == expected
    hosts.record_loss(None, entry, OSError())
    assert ordered().get("host") == given.get("host")  # host a is listed before host b
    hosts.record_primary(primary, entry)
    assert ordered() == expected
