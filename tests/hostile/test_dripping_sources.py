"""A download from a source of reference data that drips its response ends at the deadline of the whole download."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from gonemaster_tasks.reference_data.download import TooLong, download

LIMIT = timedelta(seconds=0.5)
TOO_LATE_S = 20.0  # without a deadline, each dripping response would end only after this time
STATUS, BODY = b"HTTP/1.1 200 OK\r\n", b"Content-Length: 100000\r\n\r\n"
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /again\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"

DRIPS: dict[str, tuple[bytes, bytes]] = {  # the part that is sent immediately, and the part that drips after it
    "status line": (b"HTTP/1.1 200 ", b"O"),
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "header": (STATUS + b"X-Slow: ", b"x"),
    "headers": (STATUS, b"X: y\r\n"),
    "body": (STATUS + BODY, b"x"),
    "body without length": (STATUS + b"\r\n", b"x"),
    "chunks": (STATUS + CHUNKED, b"1\r\nx\r\n"),
    "chunk size": (STATUS + CHUNKED, b"0"),
    "body of a redirect": (REDIRECT + BODY, b"x"),
    "header of a redirect": (REDIRECT + b"X-Slow: ", b"x"),
    "body of an error": (b"HTTP/1.1 500 Oops\r\n" + BODY, b"x"),
    "silence": (b"", b""),
}


@contextmanager
def serve(converse: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Serve each connection with a function, which gets the connection and the event that marks the end of the test."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connected, _ = listening.accept()
                    threads.append(threading.Thread(target=answer, args=(connected,)))
                    threads[-1].start()

        def answer(connected: socket.socket) -> None:
            with connected, suppress(OSError):
                connected.recv(4096)
                converse(connected, over)

        threads = [threading.Thread(target=accept)]
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/list"
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


def drip(start: bytes, piece: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Return a server that sends a start, and then a piece every twentieth of a second."""

    def converse(connected: socket.socket, over: threading.Event) -> None:
        connected.sendall(start)
        for _ in range(int(TOO_LATE_S * 20)):
            if over.wait(0.05):
                return
            connected.sendall(piece)

    return converse


@pytest.mark.timeout(TOO_LATE_S / 2)
@pytest.mark.parametrize("kind", DRIPS)
def test_a_dripped_response_ends_at_the_deadline(kind: str) -> None:
    with serve(drip(*DRIPS[kind])) as url, pytest.raises(OSError):
        download(url, limit=LIMIT, max_octets=1_000_000)


@pytest.mark.timeout(TOO_LATE_S / 2)
def test_slow_redirects_share_the_deadline() -> None:
    """Ten redirects are followed; each response takes less than the limit, all of them take more."""

    def converse(connected: socket.socket, over: threading.Event) -> None:
        over.wait(LIMIT.total_seconds() * 0.6)
        connected.sendall(REDIRECT + b"\r\n")

    with serve(converse) as url, pytest.raises(TimeoutError):
        download(url, limit=LIMIT, max_octets=1_000_000)


@pytest.mark.timeout(TOO_LATE_S / 2)
def test_the_body_of_a_redirect_is_not_read() -> None:
    sent = 0

    def converse(connected: socket.socket, over: threading.Event) -> None:
        nonlocal sent
        connected.sendall(b"HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n")
        while not over.is_set():
            sent += connected.send(bytes(65_536))

    with serve(converse) as url, pytest.raises(OSError):
        download(url, limit=timedelta(seconds=5), max_octets=1_000)
    assert sent < 200_000_000


@pytest.mark.timeout(TOO_LATE_S / 2)
def test_a_name_that_is_resolved_slowly_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def resolve(*_: object, **__: object) -> list[object]:
        over.wait(TOO_LATE_S)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(OSError, match="not resolved"):
        download("http://slow.example/list", limit=LIMIT, max_octets=1_000)
    over.set()


def test_a_response_in_small_pieces_within_the_deadline_is_complete() -> None:
    def converse(connected: socket.socket, _: threading.Event) -> None:
        for piece in (STATUS, CHUNKED, b"2\r\nab\r\n", b"1\r\nc\r\n", b"0\r\n\r\n"):
            connected.sendall(piece)

    with serve(converse) as url:
        assert download(url, limit=timedelta(seconds=10), max_octets=3) == b"abc"
        with pytest.raises(TooLong):
            download(url, limit=timedelta(seconds=10), max_octets=2)
