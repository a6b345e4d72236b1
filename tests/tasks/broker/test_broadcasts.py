"""A cancel does not wait for an unavailable Redis: its broadcast is tried once, with a short timeout."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.broadcasts import CANCEL_COMMAND, broadcast_cancel
from tests.support.redis import raw


class DeadRedis:
    """A TCP port that accepts connections, and closes them immediately or never answers."""

    def __init__(self, *, answers: bool) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._answers = answers
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    @property
    def attempts(self) -> int:
        return len(self._connections)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            if self._answers:
                connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._connections:
            connection.close()


@contextmanager
def dead_redis(*, answers: bool) -> Iterator[DeadRedis]:
    server = DeadRedis(answers=answers)
    try:
        yield server
    finally:
        server.close()


@pytest.mark.parametrize("answers", [True, False], ids=["closes connections", "is silent"])
def test_one_attempt_is_made(caplog: pytest.LogCaptureFixture, answers: bool) -> None:
    """A request can lose at most the timeout of 0.4 s."""
    with dead_redis(answers=answers) as server, caplog.at_level(logging.WARNING):
        app = make_app(server.url)
        broadcast_cancel(app, ["job_1"])
        assert server.attempts == 1
        app.close()
    assert [record.message for record in caplog.records] == ["cancel not broadcast, the lease renewal finds it"]


def test_a_port_without_server_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    with dead_redis(answers=True) as server:
        url = server.url
    app = make_app(url)
    broadcast_cancel(app, ["job_1"])
    app.close()
    assert len(caplog.records) == 1


def test_it_is_the_message_that_celery_would_send(broker: Broker) -> None:
    app = make_app(broker.address.url)
    with raw(broker).pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.psubscribe("*pidbox*")
        subscription.get_message(timeout=5)
        app.control.broadcast(CANCEL_COMMAND, arguments={"job_ids": ["job_1"]}, reply=False)
        broadcast_cancel(app, ["job_1"])
        theirs, ours = (_comparable(subscription.get_message(timeout=5)) for _ in range(2))
    app.close()
    assert ours == theirs


def _comparable(message: dict[str, str] | None) -> object:
    assert message is not None
    sent = json.loads(message["data"])
    del sent["properties"]["delivery_tag"]
    return message["channel"], sent | {"headers": sorted(sent["headers"])}  # their values are times and counts
