"""Workers reach Redis with our transport by each kind of address."""

import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.address import parse_broker_url
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.marks import Controls
from gonemaster_tasks.queues import NORMAL
from gonemaster_tasks.worker.consume import tier_order, transport
from gonemaster_tasks.worker.consume.gate import Gate
from tests.support.redis import raw
from tests.support.redis_addresses import free_port, redis_on_port, sentinel, tls_in_front_of


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="gm-redis-"))  # not tmp_path: the path of a socket must be short
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def redis_port(directory: Path) -> Iterator[int]:
    with redis_on_port(directory / "redis") as port:
        yield port


@pytest.fixture(autouse=True)
def gate() -> Iterator[Gate]:
    gate = Gate(slots=2, reserved_normal=0)
    gate.update(Controls({}), None)
    tier_order.install(gate)
    yield gate
    tier_order.install(None)


def worker_app(url: str) -> Celery:
    return make_app(url, transport=transport.transport_settings)


def take_one(app: Celery, url: str) -> Any:
    """Send one message as the API does and take it as a worker does; return the channel on which it arrived."""
    broker = Broker.open(url)
    raw(broker).flushdb()
    broker.lists.enqueue("job_1", NORMAL)
    taken: list[Any] = []
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        with connection.Consumer(list(app.amqp.queues.values()), channel, on_message=taken.append):
            while not taken:
                connection.drain_events(timeout=20)
        taken[0].ack()
        assert (taken[0].headers["id"], broker.unacked.count()) == ("job_1", 0)
        broker.close()
        return channel


def test_unix_socket(directory: Path, redis_port: int) -> None:
    url = f"redis+socket://{directory}/redis/redis.sock?virtual_host=3"
    with worker_app(url) as app:
        assert type(take_one(app, url)) is transport.Channel


def test_port(redis_port: int) -> None:
    url = f"redis://127.0.0.1:{redis_port}/2"
    with worker_app(url) as app:
        assert type(take_one(app, url)) is transport.Channel


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have only some of these options")
def test_the_kernel_detects_a_redis_host_that_is_silent(redis_port: int) -> None:
    with worker_app(f"redis://127.0.0.1:{redis_port}/2") as app, app.connection_for_read() as connection:
        link = connection.default_channel.pool.get_connection()
        values = [
            link._sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_USER_TIMEOUT)
        ]
        connection.default_channel.pool.release(link)
    assert values == [1, 4000]


def test_tls_with_a_known_authority(directory: Path, redis_port: int) -> None:
    with tls_in_front_of(redis_port, directory) as (port, certificate):
        url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}"
        with worker_app(url) as app:
            assert type(take_one(app, url)) is transport.Channel


@pytest.mark.parametrize("settings", [{"transport": transport.transport_settings}, {}], ids=["worker", "publisher"])
def test_tls_with_an_unknown_authority_is_refused(directory: Path, redis_port: int, settings: dict[str, Any]) -> None:
    with (
        tls_in_front_of(redis_port, directory) as (port, _),
        make_app(f"rediss://127.0.0.1:{port}/0", **settings) as app,
        app.connection_for_read() as connection,
        pytest.raises(OperationalError, match="CERTIFICATE_VERIFY"),
    ):
        connection.ensure_connection(max_retries=1, timeout=5)


def test_sentinel_after_an_attempt_at_one_that_is_gone(directory: Path, redis_port: int) -> None:
    with sentinel(directory, redis_port, "gm") as port:
        url = f"sentinel://127.0.0.1:{free_port()};sentinel://127.0.0.1:{port}/4?master_name=gm"
        with worker_app(url) as app:
            assert type(take_one(app, url)) is transport.SentinelChannel
            with app.connection_for_read() as connection:
                connection.maybe_switch_next()  # as kombu does after each failed attempt
                channel = connection.default_channel
                assert type(channel) is transport.SentinelChannel
                assert channel.client.connection_pool.connection_kwargs["db"] == 4


def test_each_url_of_a_sentinel_carries_password_and_database() -> None:
    address = parse_broker_url("sentinel://:p%40w@a:26380;b:26379;sentinel://[::1]/2?master_name=gm")
    assert address.url == "sentinel://:p%40w@a:26380/2;sentinel://:p%40w@b:26379/2;sentinel://:p%40w@[::1]:26379/2"
    assert address.password == "p@w"
