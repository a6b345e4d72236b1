"""The rate limits of the public API: per client, in a moving window, shared by all API processes.

Flask-Limiter checks each request and counts in Redis. Without Redis it counts in the memory of each process, which
multiplies the effective limit by at most the number of processes. It retries Redis after 1, 2, 4 ... seconds.
Clients on this host are not limited.

Source: http-api.md section 8.3.
"""

import enum
import logging
import math
import re
import time
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter, RequestLimit
from limits.storage import RedisStorage

from gonemaster_api.errors import ApiError
from gonemaster_api.state import NAME, State, state
from gonemaster_api.web.clients import client_key, is_local_client
from gonemaster_db.core.clock import utcnow
from gonemaster_engine.texts import Text
from gonemaster_tasks.broker.keys import ATTEMPTS

_SCHEME = "gonemaster"
_CALLS = "gonemaster-counted-calls"
_OTHER_ADDRESS = re.compile(r"_short\d+$")  # second URL of the same view


class Bucket(enum.StrEnum):
    """The group of requests that share a limit."""

    WRITE = "write"
    READ = "read"


# Keys are endpoints. Endpoints that are not listed are not limited.
BUCKETS: Mapping[str, Bucket] = {
    "public_jobs.Jobs": Bucket.WRITE,
    "public_jobs.JobById": Bucket.READ,
    "public_jobs.JobResult": Bucket.READ,
    "public_jobs.Chain": Bucket.READ,
    "public_jobs.AsnNames": Bucket.READ,
    "public_lookup.Lookup": Bucket.READ,
    "ui_public.submit": Bucket.WRITE,
    "ui_public.fetch": Bucket.READ,
    "ui_public_badge.show": Bucket.READ,
    "ui_public_result.show": Bucket.READ,
    "ui_public_result.networks": Bucket.READ,
    "ui_public_result.history": Bucket.READ,
    "ui_public_result.chain": Bucket.READ,
    "ui_public_result.as_csv": Bucket.READ,
    "ui_public_result.as_text": Bucket.READ,
    "ui_public_shared.show": Bucket.READ,
    "ui_public_shared.as_json": Bucket.READ,
    "ui_analysis_lists.domains": Bucket.READ,
    "ui_analysis_diff.show": Bucket.READ,
    "public_analysis.SnapshotDomains": Bucket.READ,
    "public_analysis.SnapshotDiff": Bucket.READ,
    "public_analysis.Report": Bucket.READ,
}


def bucket_of(endpoint: str | None, method: str) -> Bucket | None:
    """Return the bucket of a request, or None. OPTIONS requests do nothing and are not counted."""
    return None if endpoint is None or method == "OPTIONS" else _bucket_of_endpoint(endpoint)


def count_call(bucket: Bucket) -> None:
    """Count a request whose bucket depends on its body; call this once, when the body is known.

    Raises:
        RateLimitExceeded: the client has reached its limit; the exception has the response.
    """
    g.rate_limit_bucket = bucket
    current_app.extensions[_CALLS]()


@cache
def _bucket_of_endpoint(endpoint: str) -> Bucket | None:
    return BUCKETS.get(_OTHER_ADDRESS.sub("", endpoint))


def register_rate_limits(app: Flask) -> None:
    """Check each request that counts.

    Register this after authentication, so that requests refused by authentication do not count.
    """
    shared: State = app.extensions[NAME]
    options: dict[str, Any] = {"connection_pool": shared.broker.connections, "key_prefix": ATTEMPTS}
    limiter = Limiter(
        _client_in_bucket,
        application_limits=[_limit],
        strategy="moving-window",
        storage_uri=f"{_SCHEME}://",
        storage_options=options,
        in_memory_fallback_enabled=True,
        headers_enabled=False,
        on_breach=_refuse,
    )
    limiter.request_filter(_is_free)
    limiter.init_app(app)
    app.extensions[_CALLS] = limiter.limit(_limit)(_counted_call)
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)  # the access log has a line for each refusal


def _counted_call() -> None:
    """Do nothing; Flask-Limiter counts the call."""


def _is_free() -> bool:
    return _bucket() is None or not state().settings.public_api_rate_limit_enabled or is_local_client()


def _bucket() -> Bucket | None:
    return g.get("rate_limit_bucket") or bucket_of(request.endpoint, request.method)


def _client_in_bucket() -> str:
    return f"{_bucket()}:{client_key()}"


def _limit() -> str:
    settings = state().settings
    is_write = _bucket() is Bucket.WRITE
    maximum = settings.public_api_rate_limit_max if is_write else settings.public_api_rate_limit_get_max
    return f"{maximum} per {max(1, math.ceil(settings.public_api_rate_limit_window.total_seconds()))} second"


def _refuse(reached: RequestLimit) -> Response:
    """Respond with 429 and the time to wait: the rest of the window plus one second.

    Return the response instead of raising an error, because Flask-Limiter treats any exception as an unreachable
    storage.
    """
    seconds = reached.limit.get_expiry()
    wait_s = min(seconds + 1, max(1, math.ceil(reached.reset_at - time.time())))
    text = Text(
        "more than {amount} requests from this client within {seconds} s; try again in {wait_s} s",
        amount=reached.limit.amount,
        seconds=seconds,
        wait_s=wait_s,
    )
    refusal = ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "rate_limited",
        text,
        details={"limit": reached.limit.amount, "window_s": seconds},
        headers={"Retry-After": str(wait_s)},
    )
    return current_app.make_response(current_app.handle_user_exception(refusal))


class SharedWindows(RedisStorage):
    """Moving windows of `limits` in Redis that use the service's clock and the broker's connections.

    A key contains only bucket and client. If the limit or the window changes, earlier requests still count.
    """

    STORAGE_SCHEME = [_SCHEME]  # noqa: RUF012  # as the base class has it

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request if the limit allows it, and return whether it was counted."""
        found = self.lua_acquire_moving_window([self._key(key)], [utcnow().timestamp(), limit, expiry, amount])
        return bool(found)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return the time of the oldest counted request (POSIX seconds), and the number of counted requests."""
        now = utcnow().timestamp()
        found: Any = self.lua_moving_window([self._key(key)], [now - expiry, limit])
        return (float(found[0]), int(found[1])) if found else (now, 0)

    def _key(self, key: str) -> str:
        return self.prefixed_key(key.rsplit("/", 4)[0].partition("/")[2])
