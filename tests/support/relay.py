"""A path to a server that can go silent: connections stay open, nothing passes, as if a firewall dropped packets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SIZE = 65_536


class Relay:
    """A relay of connections from one unix socket to another."""

    def __init__(self, target: Path, path: Path) -> None:
        self._target = target
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(100)
        self._flows = threading.Event()
        self._flows.set()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def go_silent(self) -> None:
        """Stop passing data; data that arrives waits."""
        self._flows.clear()

    def speak(self) -> None:
        """Resume passing data."""
        self._flows.set()

    def close(self) -> None:
        """Close all connections."""
        self._flows.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for each in [self._listener, *self._sockets]:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
                called = socket.socket(socket.AF_UNIX)
                called.connect(str(self._target))
            except OSError:
                return
            self._sockets += [caller, called]
            for source, sink in ((caller, called), (called, caller)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_SIZE):
                self._flows.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def relayed(target: Path, path: Path) -> Iterator[Relay]:
    """Open a relay for a block."""
    relay = Relay(target, path)
    try:
        yield relay
    finally:
        relay.close()
