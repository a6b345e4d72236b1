"""One command at a time asks a Redis that has not answered; all others are refused soon.

A Redis that is stopped, or behind a network that drops packets, refuses nothing: each command waits for its whole time
limit. Thirty-two requests that wait at once are all threads of an API process, so that not even its health is told.
"""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_PATIENCE_S = 0.5  # a Redis that is back answers the one that asks by then, and nobody else is refused

Result = TypeVar("Result")


class Silence:
    """Whether the last command of a process had no answer, and who asks meanwhile; for many threads."""

    def __init__(self) -> None:
        self.is_kept = False
        self.commands = 0  # that were sent since the first one without an answer
        self._changed = threading.Condition()
        self._asking: int | None = None  # the thread

    def enter(self) -> bool:
        """Wait for a turn to ask. Returns whether the caller has to `leave`.

        Raises:
            redis.TimeoutError: another thread asks and has no answer yet.
        """
        thread = threading.get_ident()
        with self._changed:
            if not self.is_kept or self._asking == thread:  # a command connects first, with commands of its own
                return False
            if not self._changed.wait_for(lambda: not self.is_kept or self._asking is None, _PATIENCE_S):
                raise redis.TimeoutError("it has not answered for some seconds, and another command is asking it")
            if self.is_kept:
                self._asking = thread
                self.commands += 1
            return self.is_kept

    def leave(self) -> None:
        """Let the next one ask."""
        with self._changed:
            self._asking = None
            self._changed.notify_all()

    def note(self, *, answered: bool) -> None:
        """Note how a command ended."""
        if answered and not self.is_kept:
            return
        with self._changed:
            if self.is_kept and answered:
                self._changed.notify_all()
            if not self.is_kept:
                self.commands = 0
            self.is_kept = not answered


class AskingInTurn(Retry):
    """Repeats a command once where the connection broke, not where no answer came; keeps to the turns of `Silence`."""

    def __init__(self, silence: Silence) -> None:
        super().__init__(NoBackoff(), 1, (redis.ConnectionError,))
        self.silence = silence

    def __deepcopy__(self, _memo: Any) -> "AskingInTurn":
        return self  # each connection gets a copy: all of a client must know the same

    def call_with_retry(  # the rest of the parameters differs between versions
        self, do: Callable[[], Result], *arguments: Any, **options: Any
    ) -> Result:
        """Execute a command or connect.

        Raises:
            redis.RedisError: as the command, and TimeoutError where another one asks a Redis that keeps silent.
        """
        mine = self.silence.enter()
        try:
            result = super().call_with_retry(do, *arguments, **options)
        except redis.TimeoutError:
            self.silence.note(answered=False)
            raise
        except redis.ConnectionError:
            raise  # it refuses at once, which holds nobody
        except Exception:
            self.silence.note(answered=True)
            raise
        else:
            self.silence.note(answered=True)
            return result
        finally:
            if mine:
                self.silence.leave()
