"""Requests of clients that have disconnected are not stored."""

import shutil
import socket
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import Job
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.hostile._http import connect, exchange, port_of, post, read_to_end, serving
from tests.support.service import Service, wait_for
from tests.support.stores import opened

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by a reset


@pytest.fixture(scope="module")
def store_settings(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> StoreSettings:
    path = tmp_path_factory.mktemp("leave") / "store.db"
    shutil.copyfile(sqlite_template, path)
    return StoreSettings(dsn=str(path))


@pytest.fixture(scope="module")
def service(store_settings: StoreSettings, redis_server: EmbeddedRedis) -> Iterator[Service]:
    with serving(store_settings, redis_server) as service:
        yield service


@contextmanager
def held_up(settings: StoreSettings) -> Iterator[None]:
    """Block all writers of the database."""
    with closing(sqlite3.connect(settings.dsn, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def domains(settings: StoreSettings) -> set[str]:
    with opened(settings) as store, store.read_only() as session:
        return set(session.scalars(select(Job.domain)))


def body(domain: str) -> bytes:
    text = f'{{"domain": "{domain}"}}'.encode()
    return post(b"Content-Length: %d" % len(text), body=text)


def wait_until_read(service: Service) -> None:
    """Wait until the server has read the data that clients have sent, according to the kernel."""
    port = f":{port_of(service):04X}"

    def unread() -> int:
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(int(fields[4].split(":")[1], 16) for fields in lines if fields[1].endswith(port))

    wait_for(lambda: not unread(), what="the request is read")


def test_what_a_client_asked_for_that_resets_its_connection_is_not_stored(
    service: Service, store_settings: StoreSettings
) -> None:
    with held_up(store_settings), connect(service, body("reset.example")) as connection:
        wait_until_read(service)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    assert exchange(service, body("after.example"))[0] == 201  # after the other request, in order of arrival
    assert domains(store_settings) == {"after.example"}


def test_a_client_that_has_closed_its_side_counts_as_gone(service: Service, store_settings: StoreSettings) -> None:
    """The end of the data looks the same for a waiting client and for a disconnected one (RFC 9112 section 9.6)."""
    with connect(service) as connection, held_up(store_settings):
        connection.sendall(body("late.example"))
        wait_until_read(service)
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == b""
    assert exchange(service, body("behind.example"))[0] == 201
    assert "late.example" not in domains(store_settings)
