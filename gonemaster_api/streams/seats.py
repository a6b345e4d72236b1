"""How many viewers there may be, in all and of each client."""

import threading
from collections import Counter
from collections.abc import Callable


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
