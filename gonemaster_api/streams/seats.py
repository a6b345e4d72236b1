"""The limits on viewers, per process and per client."""

import threading
from collections import Counter
from collections.abc import Callable


class TooManyViewers(Exception):
    """The limit on viewers is reached; with `of_client`, the limit of this client."""

    def __init__(self, *, of_client: bool, limit: int) -> None:
        super().__init__(f"{limit} event streams are open")
        self.of_client = of_client
        self.limit = limit


class Seats:
    """Counter of the viewers of a process, in total and per client."""

    def __init__(self, *, most: int, of_client: int) -> None:
        self._most = most
        self._of_client = of_client
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, client: str) -> Callable[[], None]:
        """Reserve a seat for a client, and return a function that releases it.

        Further calls of that function have no effect.

        Raises:
            TooManyViewers: no seat is free.
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
                    self._taken += Counter()  # removes clients without seats

        return give_back
