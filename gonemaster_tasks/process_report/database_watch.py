"""Whether the database answers this process; otherwise the process takes no messages."""

import threading
import time
from collections.abc import Callable

TIMEOUT_S = 3.0  # Time without a reply; interactive jobs start on another worker within 5 s.
_FIRST_REST_S = 0.5
_MAX_REST_S = 5.0


class DatabaseWatch:
    """The availability of the database, from regular pings and failed claims. Thread-safe.

    A failed claim closes the gate for a moment, longer each time until a claim succeeds: a database may answer queries
    and refuse changes (a standby, a full disk).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._claimed_at: float | None = None
        self._silent_since: float | None = None
        self._refused_until = 0.0
        self._rest_s = _FIRST_REST_S

    def ask(self, ping: Callable[[], object]) -> None:
        """Ping the database once; raises the error of `ping`."""
        began = self._claimed_at = self._clock()
        try:
            ping()
        except Exception:
            self._record_silence(began)
            raise
        else:
            with self._lock:
                if self._clock() >= self._refused_until:
                    self._silent_since = None
        finally:
            self._claimed_at = None

    def record_refusal(self) -> None:
        """Record that a claim failed."""
        now = self._clock()
        self._record_silence(now)
        with self._lock:
            if now >= self._refused_until:
                self._refused_until = now + self._rest_s
                self._rest_s = min(_MAX_REST_S, 2 * self._rest_s)

    def record_claim(self) -> None:
        """Record that a claim was answered."""
        if self._silent_since is not None or self._rest_s != _FIRST_REST_S:
            with self._lock:
                self._silent_since, self._rest_s, self._refused_until = None, _FIRST_REST_S, 0.0

    def is_unavailable(self) -> bool:
        """Whether the database does not answer; cheap, because it is called before each BRPOP."""
        return self.silent_s() > 0

    def silent_s(self) -> float:
        """Return the seconds since the last reply, 0 while the database answers."""
        claimed_at, since = self._claimed_at, self._silent_since  # Read once, because other threads change them.
        now = self._clock()
        if since is not None:
            return max(now - since, 1e-3)
        if claimed_at is not None and now - claimed_at > TIMEOUT_S:
            return now - claimed_at
        return 0.0

    def _record_silence(self, since: float) -> None:
        with self._lock:
            if self._silent_since is None:
                self._silent_since = since
