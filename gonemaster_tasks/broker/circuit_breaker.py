"""While Redis does not answer, one command at a time probes it, and all others are refused immediately.

A stopped Redis, or a network that drops packets, refuses no connection: each command waits for its full timeout.
Thirty-two waiting requests occupy all threads of an API process, so that not even its health endpoint responds.
"""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_WAIT_S = 0.5  # A recovered Redis answers the probe within this time, so no other command is refused.

Result = TypeVar("Result")


class CircuitBreaker:
    """The state of Redis as a process sees it: available, or silent and probed by one thread. Thread-safe."""

    def __init__(self) -> None:
        self.is_open = False
        self.commands = 0  # Commands sent since the first one without a reply.
        self._changed = threading.Condition()
        self._trying: int | None = None  # The thread that probes Redis.

    def enter(self) -> bool:
        """Wait for permission to send a command to Redis. Return whether the caller has to call `leave`.

        Raises:
            redis.TimeoutError: another thread is probing Redis and has no reply yet.
        """
        thread = threading.get_ident()
        with self._changed:
            if not self.is_open or self._trying == thread:  # A command connects first, which executes other commands.
                return False
            if not self._changed.wait_for(lambda: not self.is_open or self._trying is None, _WAIT_S):
                raise redis.TimeoutError("it has not answered for a few seconds, and another command is asking it")
            if self.is_open:
                self._trying = thread
                self.commands += 1
            return self.is_open

    def leave(self) -> None:
        """Let the next thread probe Redis."""
        with self._changed:
            self._trying = None
            self._changed.notify_all()

    def note(self, *, answered: bool) -> None:
        """Record whether a command was answered."""
        if answered and not self.is_open:
            return
        with self._changed:
            if self.is_open and answered:
                self._changed.notify_all()
            if not self.is_open:
                self.commands = 0
            self.is_open = not answered


class CircuitBreakerRetry(Retry):
    """Retries a command once if the connection broke and `CircuitBreaker` allows it, but not after a timeout."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        super().__init__(NoBackoff(), 1, (redis.ConnectionError,))
        self.breaker = breaker

    def __deepcopy__(self, _memo: Any) -> "CircuitBreakerRetry":
        return self  # Each connection gets a copy, but all connections of a client share this state.

    def call_with_retry(  # The other parameters differ between versions.
        self, do: Callable[[], Result], *arguments: Any, **options: Any
    ) -> Result:
        """Execute a command or connect.

        Raises: redis.RedisError: the error of the command, or TimeoutError if another command is probing a silent
        Redis.
        """
        is_trying = self.breaker.enter()
        try:
            result = super().call_with_retry(do, *arguments, **options)
        except redis.TimeoutError:
            self.breaker.note(answered=False)
            raise
        except redis.ConnectionError:
            raise  # Redis refuses immediately, which blocks no thread.
        except Exception:
            self.breaker.note(answered=True)
            raise
        else:
            self.breaker.note(answered=True)
            return result
        finally:
            if is_trying:
                self.breaker.leave()
