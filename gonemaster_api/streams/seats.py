"""The limits on viewers, per process and per client."""

import threading
from collections import Counter
from collections.abc import Callable

from gonemaster_api.errors import RETRY_AFTER_S, ApiError, Unavailable
from gonemaster_engine.texts import Text


class Seats:
    """Counter of the viewers of a process, in total and per client."""

    def __init__(self, *, limit: int, client_limit: int) -> None:
        self._limit, self._client_limit = limit, client_limit
        self._taken, self._lock = Counter[str](), threading.Lock()

    def take(self, client: str) -> Callable[[], None]:
        """Reserve a seat for a client, and return a function that releases it.

        Raises:
            ApiError: 503 too_many_streams, 429 too_many_client_streams.
        """
        with self._lock:
            if self._taken[client] >= self._client_limit:
                text = Text("{limit} event streams of this client are open", limit=self._client_limit)
                raise ApiError(429, "too_many_client_streams", text, headers={"Retry-After": str(RETRY_AFTER_S)})
            if self._taken.total() >= self._limit:
                raise Unavailable("too_many_streams", Text("too many event streams are open"))
            self._taken[client] += 1
        return lambda: self._release(client)

    def _release(self, client: str) -> None:
        with self._lock:
            self._taken -= Counter((client,))  # also removes clients without seats
