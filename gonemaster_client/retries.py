"""Repetition of requests that failed. The rules are here once; the transports only send and sleep."""

import random
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from gonemaster_client.calls.description import Call
from gonemaster_client.errors import ClientError, Interrupted, RateLimited, Unavailable, Unreachable
from gonemaster_client.responses import Answer, document_of

T = TypeVar("T")

_NOTHING_DONE = frozenset({"overloaded", "too_many_bodies", "too_many_streams"})


class Pause(NamedTuple):
    """A wait before the next step."""

    seconds: float


@dataclass(frozen=True)
class Retries:
    """How often, and after which pause, a failed request is repeated."""

    count: int = 3
    first_pause_s: float = 0.5
    max_pause_s: float = 60.0
    """A server that asks for a longer pause (`Retry-After`) is not waited for."""
    stream_count: int = 8
    """Consecutive failures after which an event stream is given up."""

    def backoff_s(self, failures: int) -> float:
        """Return the pause after a number of failures: doubled each time, and different for each client."""
        return float(min(self.max_pause_s, self.first_pause_s * 2.0**failures) * random.uniform(0.5, 1))

    def pause_s(self, error: ClientError, failures: int, *, is_repeatable: bool) -> float | None:
        """Return the seconds after which to repeat a request, or None if its error is final."""
        if isinstance(error, RateLimited | Unavailable):
            if not is_repeatable and isinstance(error, Unavailable) and error.code not in _NOTHING_DONE:
                return None
            wished = error.retry_after_s
            if wished is not None:
                return wished + random.uniform(0, self.first_pause_s) if wished <= self.max_pause_s else None
            return self.backoff_s(failures)
        if isinstance(error, Unreachable) or (isinstance(error, Interrupted) and is_repeatable):
            return self.backoff_s(failures)
        return None


Step = Call[T] | Pause


def steps(call: Call[T], retries: Retries) -> Generator[Step[T], Answer | ClientError | None, T]:
    """Yield the requests to send and the pauses between them; return the document of the successful response.

    The transport sends back the answer to a request, or the error that prevented it.

    Raises:
        ClientError: the last error.
    """
    failures = 0
    while True:
        outcome = yield call
        try:
            if isinstance(outcome, ClientError):
                raise outcome
            if outcome is None:
                raise TypeError("the transport sent no outcome of a request")
            document: T = document_of(outcome)
        except ClientError as error:
            pause_s = retries.pause_s(error, failures, is_repeatable=call.is_repeatable)
            if pause_s is None or failures >= retries.count:
                raise
            failures += 1
        else:
            return document
        yield Pause(pause_s)
