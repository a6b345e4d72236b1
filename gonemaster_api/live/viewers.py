"""Who watches: where events go, how far each viewer was served, and how many viewers there may be."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Protocol

from gonemaster_api.live.texts import Piece


class End(Protocol):
    """What tells a stream to end."""

    def is_set(self) -> bool:
        """Return whether it is to end."""


class Outlet(Protocol):
    """Where the events of a viewer go. No method waits for the client."""

    @property
    def ready(self) -> bool:
        """Whether the client has taken all that was sent."""

    def send(self, piece: Piece) -> bool:
        """Send a piece; False if the client is gone."""

    def end(self, piece: Piece) -> None:
        """Send the last piece, and end the stream."""


@dataclass(eq=False, kw_only=True)
class Viewer:
    """One open stream. Once it has joined, all but `outlet` belongs to the hub.

    `position` is the id of the last event that was sent, `end` tells when the viewer may see no more.
    """

    outlet: Outlet
    end: End
    topic: str = ""
    position: str = ""
    sent_at: float = field(default_factory=time.monotonic)

    def send(self, piece: Piece, *, now: float) -> bool:
        """Send a piece unless the viewer may see no more; False if it is to be left out from now on."""
        if self.end.is_set():
            return False
        self.sent_at = now
        return self.outlet.send(piece)


@dataclass(frozen=True)
class Feed:
    """What a request for events is answered with: `first` at once, and the rest to whom `join` is called with.

    Without `join` the first text is all.
    """

    first: str
    join: Callable[[Viewer], None] | None = None


class TooManyViewers(Exception):
    """There is no seat; `of_client`: for this client."""

    def __init__(self, *, of_client: bool, limit: int) -> None:
        super().__init__(f"{limit} event streams are open")
        self.of_client = of_client
        self.limit = limit


class Seats:
    """How many viewers a process has, in all and of each client."""

    def __init__(self, *, most: int, of_client: int) -> None:
        self._most = most
        self._of_client = of_client
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, client: str) -> Callable[[], None]:
        """Take a seat for a client, and return what gives it back; only its first call does.

        Raises:
            TooManyViewers: there is none.
        """
        with self._lock:
            if self._taken[client] >= self._of_client:
                raise TooManyViewers(of_client=True, limit=self._of_client)
            if self._taken.total() >= self._most:
                raise TooManyViewers(of_client=False, limit=self._most)
            self._taken[client] += 1
        left = [client]

        def give_back() -> None:
            with self._lock:
                if left:
                    self._taken[left.pop()] -= 1
                    self._taken += Counter()  # forgets those who have none

        return give_back


class QueueOutlet:
    """An outlet that a thread reads, for servers that do not hand their connections over."""

    def __init__(self) -> None:
        self._pieces: SimpleQueue[bytes | None] = SimpleQueue()
        self._closed = False

    @property
    def ready(self) -> bool:
        """Whether all was read."""
        return self._pieces.empty()

    def send(self, piece: Piece) -> bool:
        """Keep a piece for the reader."""
        if not self._closed:
            self._pieces.put(piece.raw)
        return not self._closed

    def end(self, piece: Piece) -> None:
        """Keep the last piece for the reader."""
        self._pieces.put(piece.raw)
        self._pieces.put(None)

    def close(self) -> None:
        """Say that nobody reads any more."""
        self._closed = True

    def next(self, timeout_s: float) -> bytes | None:
        """Return the next piece, empty if none has come in time; None at the end."""
        try:
            return self._pieces.get(timeout=timeout_s)
        except Empty:
            return b""
