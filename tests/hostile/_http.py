"""A real API server for hostile clients, and sockets that misbehave."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.support.service import Service

Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def serving(store: StoreSettings, broker: EmbeddedRedis, **flags: Any) -> Iterator[Service]:
    """Run one API process on a database and a broker."""
    database = {"db_driver": store.driver, "db_dsn": store.dsn}
    settings: dict[str, Any] = {**database, "broker_url": broker.url, "api_processes": 1, **flags}
    with Service("api", worker_processes=None, **settings) as service:
        service.wait_for_log("event='serving'", timeout_s=60)
        yield service


def port_of(service: Service) -> int:
    return int(re.search(r"event='listening'.*url='http://\S+:(\d+)", service.log)[1])  # type: ignore[index]  # waited for


def connect(service: Service, data: bytes = b"", *, receive_buffer: int = 0) -> socket.socket:
    """Open a connection and send data; with a small receive buffer the server soon has to wait for its client."""
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.settimeout(60)
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect(("127.0.0.1", port_of(service)))
    connection.sendall(data)
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    """Read until the server closes the connection, or resets it because it has not read the whole request."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def exchange(service: Service, request: bytes) -> Answer:
    """Send bytes and read to the end of the connection."""
    with connect(service) as connection:
        with suppress(ConnectionError):  # the server may refuse before it has read everything
            connection.sendall(request)
        return parse(read_to_end(connection))


def parse(received: bytes) -> Answer:
    """Split a response into status, headers with names in lower case, and body."""
    head, _, content = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    assert re.fullmatch(r"HTTP/1\.[01] \d{3} .+", first), received[:200]
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return int(first.split()[1]), headers, content


def read_response(connection: socket.socket) -> Answer:
    """Read one response with a Content-Length from a connection that stays open."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(1)
        assert piece, received
        received += piece
    status, headers, _ = parse(received)
    content = b""
    while len(content) < int(headers["content-length"]):
        piece = connection.recv(int(headers["content-length"]) - len(content))
        assert piece, content
        content += piece
    return status, headers, content


def code_of(answer: Answer) -> str:
    """Return the code of an error document."""
    return str(json.loads(answer[2])["error"]["code"])


def post(*headers: bytes, body: bytes = b'{"domain": "a.example"}', path: bytes = b"/api/v1/jobs") -> bytes:
    lines = [
        b"POST " + path + b" HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Content-Type: application/json",
        b"Connection: close",
    ]
    return b"\r\n".join([*lines, *headers, b"", body])


def get(path: bytes, *headers: bytes) -> bytes:
    lines = [b"GET " + path + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
    return b"\r\n".join([*lines, *headers, b"", b""])
