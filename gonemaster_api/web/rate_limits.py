"""The rate limits of the public API: per client, in a moving window, for all API processes together.

Flask-Limiter asks before each request, the storage below counts in Redis by the clock of Redis. Without Redis each
process counts for itself, so that a limit is at most as many times as large as there are processes.

Source: http-api.md section 8.3.
"""

import enum
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from typing import NoReturn

from flask import Flask, request
from flask_limiter import Limiter, RequestLimit
from limits.storage import MemoryStorage

from gonemaster_api.errors import ApiError
from gonemaster_api.state import state
from gonemaster_api.web.clients import client_key
from gonemaster_engine.texts import Text
from gonemaster_tasks.broker.attempts import Attempts
from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)

_WITHOUT_REDIS_S = 5.0  # until it is tried again: a Redis that does not answer must not hold up each request
_MOST_CLIENTS = 10_000  # that a process remembers
_OTHER_ADDRESS = re.compile(r"_short\d+$")  # of the same view


class Bucket(enum.StrEnum):
    """What is counted together."""

    WRITE = "write"
    READ = "read"


# By endpoint; what is not here is not limited.
BUCKETS: Mapping[str, Bucket] = {
    "public_jobs.Jobs": Bucket.WRITE,
    "public_jobs.JobById": Bucket.READ,
    "public_jobs.Result": Bucket.READ,
    "public_jobs.Chain": Bucket.READ,
    "public_jobs.AsnNames": Bucket.READ,
    "public_lookup.Lookup": Bucket.READ,
    "ui_public.submit": Bucket.WRITE,
    "ui_public.fetch": Bucket.READ,
    "ui_public_badge.show": Bucket.READ,
    "ui_public_result.show": Bucket.READ,
    "ui_public_result.events": Bucket.READ,
    "ui_public_result.networks": Bucket.READ,
    "ui_public_result.history": Bucket.READ,
    "ui_public_result.chain": Bucket.READ,
    "ui_public_result.as_csv": Bucket.READ,
    "ui_public_result.as_text": Bucket.READ,
    "ui_analysis_lists.domains": Bucket.READ,
    "ui_analysis_diff.show": Bucket.READ,
    "public_analysis.Domains": Bucket.READ,
    "public_analysis.Diff": Bucket.READ,
    "public_analysis.Report": Bucket.READ,
}


def bucket_of(endpoint: str | None, method: str) -> Bucket | None:
    """Return where a request counts; OPTIONS, which does nothing, counts nowhere."""
    return None if endpoint is None or method == "OPTIONS" else _bucket_of_endpoint(endpoint)


@cache
def _bucket_of_endpoint(endpoint: str) -> Bucket | None:
    return BUCKETS.get(_OTHER_ADDRESS.sub("", endpoint))


def register_rate_limits(app: Flask) -> None:
    """Check each request that counts; to be registered after authentication, so that what that refuses does not."""
    limiter = Limiter(
        _client_in_bucket,
        application_limits=[_limit],
        strategy="moving-window",
        storage_uri=f"{SharedStorage.STORAGE_SCHEME[0]}://",
        headers_enabled=False,
        on_breach=_refuse,
    )
    limiter.request_filter(_is_free)
    limiter.init_app(app)
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)  # the access log has a line of each refusal


def _is_free() -> bool:
    return _bucket() is None or not state().settings.public_api_rate_limit_enabled


def _bucket() -> Bucket | None:
    return bucket_of(request.endpoint, request.method)


def _client_in_bucket() -> str:
    return f"{_bucket()}:{client_key()}"


def _limit() -> str:
    settings = state().settings
    is_write = _bucket() is Bucket.WRITE
    most = settings.public_api_rate_limit_max if is_write else settings.public_api_rate_limit_get_max
    return f"{most} per {max(1, math.ceil(settings.public_api_rate_limit_window.total_seconds()))} second"


def _refuse(reached: RequestLimit) -> NoReturn:
    """Say when there is room again: the rest of the window and a second.

    Raises:
        ApiError: 429 rate_limited, always.
    """
    wait_s = max(1, math.ceil(reached.reset_at - time.time()))
    seconds = reached.limit.get_expiry()
    text = Text(
        "more than {amount} requests of this client within {seconds} s; try again in {wait_s} s",
        amount=reached.limit.amount,
        seconds=seconds,
        wait_s=wait_s,
    )
    raise ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "rate_limited",
        text,
        details={"limit": reached.limit.amount, "window_s": seconds},
        headers={"Retry-After": str(wait_s)},
    )


class SharedStorage(MemoryStorage):
    """Counts in Redis, and in memory for as long as Redis does not answer."""

    STORAGE_SCHEME = ["gonemaster"]  # noqa: RUF012  # as the base class has it

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,  # as the base class has it
        *,
        shared: Callable[[], Attempts] = lambda: state().broker.attempts,
        clock: Callable[[], float] = time.monotonic,
        **_: str,
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._shared, self._clock = shared, clock
        self._redis_again = 0.0
        self._alone = threading.Lock()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request if there is room for it; returns whether there is."""
        if self._has_redis():
            try:
                return self._shared().take(*_place(key), most=limit, window_s=expiry)
            except BrokerUnavailable as error:
                self._leave_redis(error)
        self._make_room(key)
        return super().acquire_entry(key, limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return when the oldest request that counts was (POSIX seconds of this host), and how many count."""
        if self._has_redis():
            try:
                found = self._shared().window(*_place(key), most=limit, window_s=expiry)
                return time.time() - found.oldest_s, found.number
            except BrokerUnavailable as error:
                self._leave_redis(error)
        return super().get_moving_window(key, limit, expiry)

    def _has_redis(self) -> bool:
        return self._clock() >= self._redis_again

    def _leave_redis(self, error: BrokerUnavailable) -> None:
        if self._has_redis():
            log.warning("rate limits are counted by each process, without Redis", extra={"error": str(error)})
        self._redis_again = self._clock() + _WITHOUT_REDIS_S

    def _make_room(self, key: str) -> None:
        """Forget the client that was noted first if there are many; the base class never forgets one."""
        with self._alone:
            if key not in self.events and len(self.events) >= _MOST_CLIENTS:
                self.clear(next(iter(self.events)))


def _place(key: str) -> tuple[str, str]:
    """Return bucket and client of a key that Flask-Limiter made.

    Limit and window, at its end, are left out: who changes a limit must not empty the windows.
    """
    name = key.rsplit("/", 4)[0].partition("/")[2]
    bucket, _, client = name.partition(":")
    return bucket, client
