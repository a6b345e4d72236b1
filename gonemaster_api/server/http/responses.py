"""What has been written of a response and not been taken by the client yet."""

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STREAM_BUFFER = 256 * 1024  # octets that a stream may be ahead of its client
_SENT_TOGETHER = 64 * 1024  # octets


class ClientGone(OSError):
    """The client has disconnected, or has not taken the response in time."""


class ResponseBuffer:
    """The sending side of a connection. Gunicorn's response writes to it as to a socket.

    A thread that writes never waits for the client: it sends what the socket takes at once and leaves the rest to the
    loop of the worker, which calls `flush`. Only a stream waits, in `wait_for_room`, so that it does not get ahead of
    its client without limit.

    `deadline` (monotonic clock) is when the client must have taken what waits; None while nothing waits. A response of
    known length has one for all of it, from its first octet on. That of a stream is put off when the client has taken
    half of a full buffer, or all that there was.
    """

    def __init__(self, sock: socket.socket, *, timeout_s: float, wake: Callable[[], None]) -> None:
        self._socket = sock
        self._timeout_s = timeout_s
        self._wake = wake
        self._waiting: deque[memoryview] = deque()
        self._lock = threading.Condition()
        self._gone = False
        self._held = False
        self.size = 0
        self.deadline: float | None = None
        self._response_deadline: float | None = None  # since the first octet of the response

    def begin_response(self) -> None:
        """Let the next octets be the first ones of a response."""
        self._response_deadline = None

    def sendall(self, data: bytes) -> None:
        """Take data to send.

        Raises:
            ClientGone: nothing can be sent any more.
        """
        with self._lock:
            self._check()
            if not data:
                return
            if self._response_deadline is None:
                self._response_deadline = time.monotonic() + self._timeout_s
            self._waiting.append(memoryview(data))
            self.size += len(data)
            if self.deadline is None and not (self._held and self.size <= _SENT_TOGETHER):
                self._send_now()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send small pieces that are written in the block at its end: head and body take one system call, not two.

        Raises:
            ClientGone: nothing can be sent any more.
        """
        self._held = True
        try:
            yield
        finally:
            with self._lock:
                self._held = False
                if self.size and self.deadline is None:
                    if len(self._waiting) > 1 and self.size <= _SENT_TOGETHER:
                        self._waiting = deque((memoryview(b"".join(self._waiting)),))
                    self._send_now()

    def _send_now(self) -> None:
        self._send()
        self._check()
        if self.size:
            self.deadline = self._response_deadline
            self._wake()

    def offer(self, data: bytes) -> bool:
        """Take a piece of a stream that is written from elsewhere; False if the client is gone.

        The client has the whole time limit again for each piece that comes when it has taken all before.
        """
        with self._lock:
            if not self.size:
                self._response_deadline = None
            try:
                self.sendall(data)
            except ClientGone:
                return False
            return True

    def send(self, data: bytes) -> int:
        """Drop data: gunicorn calls this for `100 Continue` alone, which is sent before the body is read."""
        return len(data)

    def wait_for_room(self) -> None:
        """Wait until the client has taken half of what a full buffer holds, before the next piece of a stream.

        Raises:
            ClientGone: it has not done so in time.
        """
        with self._lock:
            if not self.size:
                self._response_deadline = None
            if self.size <= _STREAM_BUFFER:
                return
            self._put_off()
            while self.size > _STREAM_BUFFER // 2:
                self._check()
                self._lock.wait()
            self._put_off()

    def _put_off(self) -> None:
        self._response_deadline = time.monotonic() + self._timeout_s
        self.deadline = self._response_deadline if self.size else None

    def flush(self) -> None:
        """Send what the socket takes; for the loop of the worker."""
        with self._lock:
            self._send()
            if not self.size:
                self.deadline = None
            self._lock.notify_all()

    def abort(self) -> None:
        """Give the response up; who writes to it gets ClientGone."""
        with self._lock:
            self._drop()
            self._lock.notify_all()

    @property
    def gone(self) -> bool:
        """Whether the client gets nothing any more."""
        return self._gone

    def _check(self) -> None:
        if self._gone:
            raise ClientGone("the client has disconnected")

    def _send(self) -> None:
        try:
            while self._waiting:
                sent = self._socket.send(self._waiting[0])
                self.size -= sent
                if sent < len(self._waiting[0]):
                    self._waiting[0] = self._waiting[0][sent:]
                    return
                self._waiting.popleft()
        except BlockingIOError:
            return
        except OSError:
            self._drop()

    def _drop(self) -> None:
        self._gone = True
        self._waiting.clear()
        self.size = 0
        self.deadline = None
