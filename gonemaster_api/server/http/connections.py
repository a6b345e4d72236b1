"""One connection of a client: the request that is read, the response that is written, and until when."""

import enum
import math
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gonemaster_api.server.http.requests import RequestReader, Room
from gonemaster_api.server.http.responses import ResponseBuffer

HEADER_TIMEOUT_S = 5.0
_LINGER_S = 2.0  # how long a closed connection waits for its client, so that no reset destroys the response
_PATIENCE_S = 2.0  # of a client that has closed its side
_PIECE = 65536
_UNSENT = 128 * 1024  # octets that the kernel takes beyond what it has sent


class Phase(enum.Enum):
    """What a connection does."""

    IDLE = enum.auto()  # nothing of a request has come
    READING = enum.auto()
    HANDLING = enum.auto()  # a thread works on the request
    STREAMING = enum.auto()  # events come from the hub, until it ends them
    SENDING = enum.auto()  # the thread is done; the client has not taken all
    CLOSING = enum.auto()  # all is sent; what the client still sends is dropped


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Time limits of connections, and what the body of a request may have."""

    read: timedelta
    write: timedelta
    idle: timedelta
    admit: Callable[[Any], Room]


class Connection:
    """A connection; all of it but `output` belongs to the loop of the worker.

    `deadline` is on the monotonic clock; that of a response is in `output`.
    """

    def __init__(
        self, sock: socket.socket, peer: Any, *, cfg: Any, limits: Limits, wake: Callable[["Connection"], None]
    ) -> None:
        self.socket = sock
        self.peer = peer
        self.server = sock.getsockname()
        self._cfg = cfg
        self._limits = limits
        self.output = ResponseBuffer(sock, timeout_s=limits.write.total_seconds(), wake=lambda: wake(self))
        self.reader = self._new_reader()
        self.phase = Phase.IDLE
        self._began: float | None = time.monotonic()
        self.deadline: float | None = self._began + HEADER_TIMEOUT_S
        self.keeps_alive = False
        self.arrived = 0.0  # when all of the request was there
        self.on_end: Callable[[], None] | None = None  # of a stream
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Else the kernel takes some megabytes for a client that reads slowly, and says late that it has room again.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)

    @property
    def awaits_first(self) -> bool:
        """Whether nothing has come yet since the client connected."""
        return self.phase is Phase.IDLE and self._began is not None

    def has_left(self) -> bool:
        """Say whether the client waits for no response any more; for the thread that makes it.

        A reset says so. The end of what it sends does not by itself, as some clients close their side and wait; but one
        that has closed it and got no response for seconds has lost its patience, as a rule, and the others are told.
        """
        try:
            ended = self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True
        return ended and time.monotonic() > self.arrived + _PATIENCE_S

    def receive(self) -> bytes | None:
        """Return what has come: empty at the end of the connection, None if nothing is there."""
        try:
            return self.socket.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def read(self, data: bytes) -> None:
        """Feed the request.

        Raises:
            ParseException, SpoolFull: as RequestReader.feed.
        """
        had_head = self.reader.request is not None
        began = self._begin()
        self.reader.feed(data)
        if had_head or self.reader.request is None or self.reader.complete:
            return
        self.deadline = began + self._limits.read.total_seconds()
        if self.reader.expects_continue:
            self.output.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _begin(self) -> float:
        """Return when the request began: the first one with the connection, others with their first octet."""
        if self._began is None:
            self._began = time.monotonic()
            self.deadline = self._began + HEADER_TIMEOUT_S
        self.phase = Phase.READING
        return self._began

    def next_request(self) -> bytes:
        """Get ready for the next request, and return what has come of it already."""
        rest = self.reader.rest
        self.reader = self._new_reader()
        self.phase, self._began = Phase.IDLE, None
        self.deadline = time.monotonic() + self._limits.idle.total_seconds()
        return rest

    def begin_stream(self, on_end: Callable[[], None]) -> None:
        """Free what belongs to the request: from now on events are sent, and what the client sends is dropped."""
        self.reader.close()
        self.phase, self.deadline, self.keeps_alive = Phase.STREAMING, None, False
        self.on_end = on_end

    def end_stream(self) -> None:
        """Tell whoever sends the events that this client gets no more."""
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end()

    def linger(self) -> None:
        """Tell the client that nothing more comes, and wait for it to close."""
        self.reader.close()
        self.phase, self.deadline = Phase.CLOSING, time.monotonic() + _LINGER_S
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection and free what it holds."""
        self.output.abort()
        self.reader.close()
        self.socket.close()

    def is_late(self, now: float) -> bool:
        """Return whether a time limit has passed."""
        return any(limit is not None and limit <= now for limit in (self.deadline, self.output.deadline))

    @property
    def loss(self) -> tuple[bool, float]:
        """How much would be lost with this connection, as a sort key: less without a request, less near its end."""
        if self.phase is Phase.STREAMING:  # their number has a limit of its own
            return True, math.inf
        return self.reader.request is not None, self.deadline or self.output.deadline or 0.0

    def _new_reader(self) -> RequestReader:
        return RequestReader(self._cfg, self.peer, admit=self._limits.admit)
