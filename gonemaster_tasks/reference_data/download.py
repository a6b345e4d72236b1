"""Download of a small document over HTTP with limits on time, size, redirects and addresses."""

import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any

from gonemaster_engine.addresses import is_allowed_target
from gonemaster_engine.version import __version__

_PIECE = 16_384


class TooLong(ValueError):
    """The document exceeds the size limit."""


def download(
    url: str,
    *,
    limit: timedelta,
    max_octets: int,
    headers: Mapping[str, str] | None = None,
    global_only: bool = False,
) -> bytes:
    """Return the document at a URL, which the caller has checked. The time limit applies to the whole download.

    With `global_only` no connection is made to an address that is not globally reachable, even after redirects; proxies
    of the environment are ignored, because they would resolve names themselves.

    Raises:
        OSError: the download failed; includes TimeoutError.
        TooLong: the document has more than `max_octets` bytes.
    """
    until = monotonic() + limit.total_seconds()
    own = {"User-Agent": f"gonemaster/{__version__}", **(headers or {})}
    request = urllib.request.Request(url, headers=own)  # noqa: S310  # http and https only, as redirects are
    handlers: list[Any] = [_SameScheme]
    if global_only:
        handlers += [urllib.request.ProxyHandler({}), _GuardedHttp, _GuardedHttps]
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=limit.total_seconds()) as response:
            return _read(response.read1, until, max_octets)
    except urllib.error.HTTPError as error:
        error.close()  # The error holds the connection open.
        raise
    except http.client.HTTPException as error:  # Not an OSError, and it may contain content of the server.
        raise OSError(f"not HTTP: {type(error).__name__}") from error


def _read(read: Callable[[int], bytes], until: float, max_octets: int) -> bytes:
    pieces, length = [], 0
    while piece := read(_PIECE):
        length += len(piece)
        if length > max_octets:
            raise TooLong(f"more than {max_octets} octets")
        if monotonic() > until:
            raise TimeoutError("the time limit has passed")
        pieces.append(piece)
    return b"".join(pieces)


def reason_of(error: Exception) -> str:
    """Return a short description of an error."""
    reason = getattr(error, "reason", None)
    return str(reason or error) or type(error).__name__


class _SameScheme(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to http or to another scheme."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if not newurl.startswith(f"{req.type}://"):
            raise urllib.error.HTTPError(newurl, code, "redirect to another scheme", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _connect(address: tuple[str, int], timeout: float | None = None, source: Any = None) -> socket.socket:
    """Connect like socket.create_connection, but only to global addresses: the name is resolved once and checked."""
    host, port = address
    found = [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    allowed = [one for one in dict.fromkeys(found) if is_allowed_target(one, guarded=True)]
    if not allowed:
        raise OSError(f"{host} has no address that is globally reachable")
    for one in allowed[:-1]:
        try:
            return socket.create_connection((one, port), timeout, source)
        except OSError:
            continue
    return socket.create_connection((allowed[-1], port), timeout, source)


class _HttpConnection(http.client.HTTPConnection):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._create_connection = _connect


class _HttpsConnection(http.client.HTTPSConnection):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._create_connection = _connect


class _GuardedHttp(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpConnection, req)


class _GuardedHttps(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_HttpsConnection, context=self._context), req)  # type: ignore[attr-defined]
