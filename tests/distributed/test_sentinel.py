"""With Sentinels, a silent Redis or Sentinel mixes up no responses and blocks no client for long."""

import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from gonemaster_tasks.broker.address import parse_broker_url
from tests.support.redis_addresses import redis_on_port, sentinel
from tests.support.workers import wait_until


@pytest.fixture
def port() -> Iterator[int]:
    """A Sentinel whose master is named gm."""
    directory = Path(tempfile.mkdtemp(prefix="gm-redis-"))  # not tmp_path: the path of a socket must be short
    with redis_on_port(directory) as of_master, sentinel(directory, of_master, "gm") as of_sentinel:
        yield of_sentinel
    shutil.rmtree(directory, ignore_errors=True)


def test_an_answer_that_comes_too_late_is_not_that_of_the_next_command(port: int) -> None:
    with closing(parse_broker_url(f"sentinel://127.0.0.1:{port}/0?master_name=gm").connect()) as client:
        client.mset({"first": "1", "second": "2"})
        pid = int(client.info("server")["process_id"])
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(redis.TimeoutError):
                client.get("first")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert [client.get(name) for name in ("second", "first")] == ["2", "1"]


def test_a_silent_sentinel_is_asked_once_and_then_the_next_one(port: int) -> None:
    asked: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def accept() -> None:
            while True:
                try:
                    asked.append(silent.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        hosts = f"sentinel://127.0.0.1:{silent.getsockname()[1]};sentinel://127.0.0.1:{port}"
        address = parse_broker_url(f"{hosts}/0?master_name=gm")
        with closing(address.connect()) as client:
            wait_until(client.ping, what="the master")
        silent.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert len(asked) == 1
    for connection in asked:
        connection.close()
    assert address.celery_options["sentinel_kwargs"]["retry"].get_retries() == 0
