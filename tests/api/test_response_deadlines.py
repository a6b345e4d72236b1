"""Until when a client must have taken a response, on a real pair of sockets."""

import socket
import threading
from collections.abc import Iterator

import pytest
from gonemaster_api.server.http.responses import ClientGone, ResponseBuffer

MUCH = b"x" * 4 * 1024 * 1024  # more than the sockets take


class Pair:
    """A buffer and its client."""

    def __init__(self) -> None:
        server, self.client = socket.socketpair()
        server.setblocking(False)
        self.server = server
        self.buffer = ResponseBuffer(server, timeout_s=3600, wake=lambda: None)

    def take(self, octets: int) -> None:
        """Let the client read so many octets."""
        while octets > 0:
            octets -= len(self.client.recv(min(octets, 65536)))
            self.buffer.flush()

    def deadline(self) -> float:
        assert self.buffer.deadline is not None
        return self.buffer.deadline


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.server.close()
    pair.client.close()


def test_response_has_one_deadline_however_often_its_client_catches_up(pair: Pair) -> None:
    pair.buffer.begin_response()
    pair.buffer.sendall(MUCH)
    first = pair.deadline()
    pair.take(len(MUCH))
    assert pair.buffer.deadline is None
    pair.buffer.sendall(MUCH)
    assert pair.deadline() == first
    pair.take(len(MUCH) // 2)
    assert pair.deadline() == first


def test_next_response_has_a_deadline_of_its_own(pair: Pair) -> None:
    pair.buffer.sendall(MUCH)
    first = pair.deadline()
    pair.take(len(MUCH))
    pair.buffer.begin_response()
    pair.buffer.sendall(MUCH)
    assert pair.deadline() > first


def test_deadline_of_a_stream_is_put_off_by_a_client_that_has_taken_all(pair: Pair) -> None:
    pair.buffer.sendall(MUCH)
    first = pair.deadline()
    pair.take(len(MUCH))
    pair.buffer.wait_for_room()
    pair.buffer.sendall(MUCH)
    assert pair.deadline() > first


def test_deadline_of_a_stream_is_put_off_by_half_a_buffer_and_nothing_less(pair: Pair) -> None:
    pair.buffer.sendall(MUCH)
    first = pair.deadline()
    room = threading.Event()

    def write() -> None:
        pair.buffer.wait_for_room()
        room.set()

    thread = threading.Thread(target=write)
    thread.start()
    while pair.deadline() == first:  # until the thread waits, from when on it counts
        pass
    waiting = pair.deadline()
    pair.take(len(MUCH) // 2)
    assert not room.is_set()
    assert pair.deadline() == waiting
    pair.take(len(MUCH) // 2 - 100_000)
    thread.join(60)
    assert room.is_set()
    assert pair.buffer.size == 0 or pair.deadline() > waiting


def test_response_that_is_given_up_ends_who_waits(pair: Pair) -> None:
    pair.buffer.sendall(MUCH)
    errors: list[Exception] = []

    def write() -> None:
        try:
            pair.buffer.wait_for_room()
            pair.buffer.sendall(b"x")
        except ClientGone as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    pair.buffer.abort()
    thread.join(60)
    assert errors
    assert pair.buffer.gone


def test_small_pieces_are_sent_together(pair: Pair) -> None:
    pair.client.setblocking(False)
    with pair.buffer.together():
        pair.buffer.sendall(b"head")
        with pytest.raises(BlockingIOError):
            pair.client.recv(100)
        pair.buffer.sendall(b"body")
    assert pair.client.recv(100) == b"headbody"
    pair.buffer.sendall(b"next")
    assert pair.client.recv(100) == b"next"


def test_large_pieces_are_not_kept_for_others(pair: Pair) -> None:
    with pair.buffer.together():
        pair.buffer.sendall(MUCH)
        assert pair.client.recv(100) == b"x" * 100
        assert pair.buffer.deadline is not None
        pair.take(len(MUCH) - 100)
        pair.buffer.sendall(b"end")
    assert pair.client.recv(100) == b"end"


def test_who_writes_to_a_client_that_has_gone_is_told_at_the_end(pair: Pair) -> None:
    pair.client.close()
    with pytest.raises(ClientGone), pair.buffer.together():
        pair.buffer.sendall(b"head")
