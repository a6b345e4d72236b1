"""A database equals the template when the next test gets it, or it is not reused."""

import psycopg2
import pytest

from gonemaster_db.core.settings import StoreSettings
from tests.support.clean_databases import CleanDatabases
from tests.support.postgres import PostgresServer
from tests.support.rows import queue_job
from tests.support.stores import opened

CHANGES = {
    "table": "CREATE TABLE another (id int)",
    "column": "ALTER TABLE jobs ADD COLUMN another int",
    "default": "ALTER TABLE jobs ALTER COLUMN domain SET DEFAULT 'x'",
    "constraint": "ALTER TABLE settings ADD CHECK (key <> 'x')",
    "function": "CREATE FUNCTION another() RETURNS int LANGUAGE sql RETURN 1",
    "statistics": "INSERT INTO settings (key, value, updated_at) VALUES ('x', 'true', now()); ANALYZE settings",
    "version": "UPDATE alembic_version SET version_num = 'x'",
    "setting": "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 64', current_database()); END $$",
    "read only": "DO $$ BEGIN EXECUTE format("
    "'ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$",
}


@pytest.fixture
def databases(postgres_server: PostgresServer, postgres_template: str) -> CleanDatabases:
    return CleanDatabases(postgres_server, postgres_template)


def test_rows_are_gone(databases: CleanDatabases, postgres_server: PostgresServer) -> None:
    name = databases.take()
    settings = StoreSettings(driver="postgres", dsn=postgres_server.url(name))
    with opened(settings) as store:
        job = queue_job(store)
    databases.release(name)
    assert databases.take() == name
    with postgres_server.cursor(name) as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM jobs), pg_relation_size('jobs')")
        assert cursor.fetchone() == (0, 0)
    with opened(settings) as store:
        assert queue_job(store).position == job.position


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_database_that_was_changed_is_dropped(
    change: str, databases: CleanDatabases, postgres_server: PostgresServer
) -> None:
    name = databases.take()
    with postgres_server.cursor(name) as cursor:
        cursor.execute(change)
    databases.release(name)
    another = databases.take()
    assert another != name
    databases.release(another)
    with pytest.raises(psycopg2.OperationalError, match="does not exist"), postgres_server.cursor(name):
        pass


def test_connection_that_was_left_is_ended(databases: CleanDatabases, postgres_server: PostgresServer) -> None:
    name = databases.take()
    with postgres_server.cursor(name) as left:
        left.execute("BEGIN; LOCK TABLE jobs")
        databases.release(name)
        assert databases.take() == name
        with pytest.raises(psycopg2.OperationalError):
            left.execute("COMMIT")


def test_sequence_begins_again(postgres_server: PostgresServer) -> None:
    template = postgres_server.create_database()
    with postgres_server.cursor(template) as cursor:
        cursor.execute("CREATE TABLE numbers (id int GENERATED ALWAYS AS IDENTITY)")
    databases = CleanDatabases(postgres_server, template)
    name = databases.take()
    insert = "INSERT INTO numbers DEFAULT VALUES RETURNING id"
    for _ in range(2):
        with postgres_server.cursor(name) as cursor:
            cursor.execute(insert)
            assert cursor.fetchone() == (1,)
        databases.release(name)
        assert databases.take() == name
