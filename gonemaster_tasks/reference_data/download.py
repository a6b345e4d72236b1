"""Download of a small document over HTTP with limits on time, size, redirects and addresses."""

import http.client
import io
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, cast

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
    """Return the document at a URL, which the caller has checked.

    The time limit applies to the whole download: look-ups, connections, redirects, headers and body together. With
    `global_only` no connection is made to an address that is not globally reachable, even after redirects; proxies
    of the environment are ignored, because they would resolve names themselves.

    Raises:
        OSError: the download failed; includes TimeoutError.
        TooLong: the document has more than `max_octets` bytes.
    """
    rules = _Rules(monotonic() + limit.total_seconds(), global_only)
    all_headers = {"User-Agent": f"gonemaster/{__version__}", **(headers or {})}
    request = urllib.request.Request(url, headers=all_headers)  # noqa: S310  # http and https only, as redirects are
    handlers: list[Any] = [_SameScheme, _Http(rules), _Https(rules)]
    if global_only:
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        with urllib.request.build_opener(*handlers).open(request) as response:
            return _read(response.read1, max_octets)
    except urllib.error.HTTPError as error:
        error.close()  # The error holds the connection open.
        raise
    except http.client.HTTPException as error:  # Not an OSError, and it may contain content of the server.
        raise OSError(f"not HTTP: {type(error).__name__}") from error


def _read(read: Callable[[int], bytes], max_octets: int) -> bytes:
    pieces, length = [], 0
    while piece := read(_PIECE):
        length += len(piece)
        if length > max_octets:
            raise TooLong(f"more than {max_octets} octets")
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
        fp.close()  # Otherwise the handler would read the whole body of the redirect.
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@dataclass(frozen=True)
class _Rules:
    """The rules for all connections of a download: the time at which it must end, and the allowed addresses."""

    until: float
    global_only: bool

    def left_s(self) -> float:
        """Return the remaining time in seconds; raises TimeoutError if none is left."""
        left_s = self.until - monotonic()
        if left_s <= 0:
            raise TimeoutError("the time limit has passed")
        return left_s

    def connect(self, address: tuple[str, int], _timeout: object = None, source: Any = None) -> socket.socket:
        """Connect like socket.create_connection: the name is resolved once, and its addresses are checked."""
        host, port = address
        found = self._look_up(host, port)
        if self.global_only:
            found = [candidate for candidate in found if is_allowed_target(candidate, guarded=True)]
        if not found:
            raise OSError(f"{host} has no address that is globally reachable")
        for remaining, candidate in zip(range(len(found), 0, -1), found, strict=True):
            try:
                connected = socket.create_connection((candidate, port), self.left_s() / remaining, source)
            except OSError:
                if remaining == 1:
                    raise
            else:
                break
        connected.settimeout(self.left_s())  # for the TLS handshake and the request
        return connected

    def _look_up(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host. The resolver of the system has no time limit, so it runs in a thread."""
        outcome: list[list[Any] | OSError] = []

        def look_up() -> None:
            try:
                outcome.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except OSError as error:
                outcome.append(error)

        thread = threading.Thread(target=look_up, name="look-up of a source", daemon=True)
        thread.start()
        thread.join(self.left_s())
        if not outcome:
            raise TimeoutError(f"{host} was not resolved within the time limit")
        if isinstance(outcome[0], OSError):
            raise outcome[0]
        return list(dict.fromkeys(str(row[4][0]) for row in outcome[0]))


class _Incoming(io.RawIOBase):
    """The incoming data of a connection.

    A read may take only the remaining time, so a server cannot prolong the download by sending slowly.
    """

    def __init__(self, rules: _Rules, source: socket.socket) -> None:
        self._rules, self._socket, self._data = rules, source, source.makefile("rb", buffering=0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the data as the file that HTTPResponse expects from a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Return whether the file can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read some data; raises OSError."""
        self._socket.settimeout(self._rules.left_s())
        return self._data.readinto(buffer)

    def close(self) -> None:
        """Close the connection."""
        self._data.close()
        super().close()


def _connection(kind: Callable[..., Any], rules: _Rules, *arguments: Any, **options: Any) -> Any:
    """Return a connection of a kind of http.client that obeys the rules."""
    connection = kind(*arguments, **options)
    connection._create_connection = rules.connect  # noqa: SLF001 - http.client has no other way to check addresses
    connection.response_class = lambda source, **about: http.client.HTTPResponse(
        cast("socket.socket", _Incoming(rules, source)), **about
    )
    return connection


class _Http(urllib.request.HTTPHandler):
    def __init__(self, rules: _Rules) -> None:
        super().__init__()
        self._open = partial(_connection, http.client.HTTPConnection, rules)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._open, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, rules: _Rules) -> None:
        super().__init__()
        self._open = partial(_connection, http.client.HTTPSConnection, rules)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._open, req, context=self._context)  # type: ignore[attr-defined]
