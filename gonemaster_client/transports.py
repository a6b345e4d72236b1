"""The two clients: they send described requests with httpx, and pause; all rules are in `retries` and `events`."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, aclosing, closing
from functools import cached_property
from typing import Any, Self, TypeVar

import httpx

from gonemaster_client.calls.description import Call, Pages, Stream
from gonemaster_client.errors import ClientError, Interrupted, Unreachable
from gonemaster_client.events import Event, Following
from gonemaster_client.responses import Answer, document_of
from gonemaster_client.retries import Pause, Retries, steps
from gonemaster_client.server import API, DEFAULT_SERVER, root_of
from gonemaster_client.version import __version__

T = TypeVar("T")

_SILENCE_S = 45.0  # of a stream, in which the server sends a comment every 15 s
_NETWORK_ERRORS = (httpx.HTTPError, httpx.InvalidURL)


class _Base:
    """What both clients know: the URLs, headers and time limits of requests.

    `options` are those of httpx, such as `verify` for the certificates of a private authority.
    """

    def __init__(
        self,
        server: str = DEFAULT_SERVER,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        retries: Retries | None = None,
        **options: Any,
    ) -> None:
        self.root = root_of(server)
        self._retries, self._timeout_s = retries or Retries(), timeout_s
        sent = {"User-Agent": f"gonemaster-client/{__version__}", **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        # To load the certificates takes 50 ms; a URL without TLS needs none, and redirects are not followed.
        needs_certificates = self.root.startswith("https:")
        self._options = {"headers": sent, "timeout": timeout_s, "verify": needs_certificates, **options}

    def _url(self, path: str, *, is_public: bool = False) -> str:
        return f"{self.root}{'/pub' if is_public else ''}{API}{path}"

    def _request(self, http: httpx.Client | httpx.AsyncClient, call: Call[Any], accept: str) -> httpx.Request:
        headers = {"Accept": accept}
        if call.body is not None:
            headers["Content-Type"] = call.content_type
            headers |= call.headers
        if call.key:
            headers["Idempotency-Key"] = call.key
        url = self._url(call.path, is_public=call.is_public)
        return http.build_request(
            call.method,
            url,
            params=call.query or None,
            content=call.body,
            headers=headers,
            timeout=max(self._timeout_s, call.least_timeout_s),
        )

    def _opening(self, http: httpx.Client | httpx.AsyncClient, stream: Stream, state: Following) -> httpx.Request:
        limits = httpx.Timeout(self._timeout_s, read=max(self._timeout_s, _SILENCE_S))
        return http.build_request("GET", self._url(stream.path), headers=state.headers, timeout=limits)


class Client(_Base, AbstractContextManager["Client"]):
    """A client of one server for programs without an event loop."""

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(**self._options)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send a request and return the document of its response; repeat it as `retries` says.

        Raises:
            ClientError: the request failed.
        """
        flow = steps(call, self._retries)
        outcome: Answer | ClientError | None = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as end:
                document: T = end.value
                return document
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                outcome = None
                continue
            try:
                response = self._http.send(self._request(self._http, step, "application/json"))
                outcome = _answer(response, response.content)
            except _NETWORK_ERRORS as error:
                outcome = _failure(error, self._url(step.path, is_public=step.is_public))

    def each(self, pages: Pages[T], limit: int | None = None) -> Iterator[T]:
        """Yield the items of a list, up to a limit; further pages are requested when they are needed."""
        call: Call[Any] | None = pages.with_limit(limit).first
        while call and (limit is None or limit > 0):
            document = self.send(call)
            items = pages.items(document)
            yield from items[:limit]
            limit = None if limit is None else limit - len(items)
            call = pages.following(call, document)

    def events(self, stream: Stream) -> Iterator[Event]:
        """Yield the events of a job or batch until the last one; continue without a gap after an interruption.

        Raises:
            ClientError: the server rejects the request, or stays unavailable.
        """
        state = Following(self._retries)
        while not state.is_over:
            failure: ClientError | None = None
            try:
                response = self._http.send(self._opening(self._http, stream, state), stream=True)
                with closing(response):
                    state.opened(_answer(response, b"" if response.is_success else response.read()))
                    for piece in response.iter_bytes():
                        yield from state.feed(piece)
            except _NETWORK_ERRORS as error:
                failure = _failure(error, self._url(stream.path))
            except ClientError as error:
                failure = error
            if not state.is_over:
                time.sleep(state.pause_s(failure))

    def download(self, call: Call[Any]) -> Iterator[bytes]:
        """Yield the pieces of a response that is not JSON, such as CSV. The request is not repeated.

        Raises:
            ClientError: the request failed, or the connection ended early.
        """
        try:
            response = self._http.send(self._request(self._http, call, "*/*"), stream=True)
            with closing(response):
                if not response.is_success:
                    document_of(_answer(response, response.read()))
                yield from response.iter_bytes()
        except _NETWORK_ERRORS as error:
            raise _failure(error, self._url(call.path)) from error


class AsyncClient(_Base):
    """A client of one server for asyncio, with the methods of `Client`."""

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(**self._options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send a request and return the document of its response; repeat it as `retries` says.

        Raises:
            ClientError: the request failed.
        """
        flow = steps(call, self._retries)
        outcome: Answer | ClientError | None = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as end:
                document: T = end.value
                return document
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                outcome = None
                continue
            try:
                response = await self._http.send(self._request(self._http, step, "application/json"))
                outcome = _answer(response, response.content)
            except _NETWORK_ERRORS as error:
                outcome = _failure(error, self._url(step.path, is_public=step.is_public))

    async def each(self, pages: Pages[T], limit: int | None = None) -> AsyncIterator[T]:
        """Yield the items of a list, up to a limit; further pages are requested when they are needed."""
        call: Call[Any] | None = pages.with_limit(limit).first
        while call and (limit is None or limit > 0):
            document = await self.send(call)
            items = pages.items(document)
            for item in items[:limit]:
                yield item
            limit = None if limit is None else limit - len(items)
            call = pages.following(call, document)

    async def events(self, stream: Stream) -> AsyncIterator[Event]:
        """Yield the events of a job or batch until the last one; continue without a gap after an interruption.

        Raises:
            ClientError: the server rejects the request, or stays unavailable.
        """
        state = Following(self._retries)
        while not state.is_over:
            failure: ClientError | None = None
            try:
                response = await self._http.send(self._opening(self._http, stream, state), stream=True)
                try:
                    state.opened(_answer(response, b"" if response.is_success else await response.aread()))
                    async for piece in response.aiter_bytes():
                        for event in state.feed(piece):
                            yield event
                finally:
                    await response.aclose()
            except _NETWORK_ERRORS as error:
                failure = _failure(error, self._url(stream.path))
            except ClientError as error:
                failure = error
            if not state.is_over:
                await asyncio.sleep(state.pause_s(failure))

    async def download(self, call: Call[Any]) -> AsyncIterator[bytes]:
        """Yield the pieces of a response that is not JSON, such as CSV. The request is not repeated.

        Raises:
            ClientError: the request failed, or the connection ended early.
        """
        try:
            response = await self._http.send(self._request(self._http, call, "*/*"), stream=True)
            try:
                if not response.is_success:
                    document_of(_answer(response, await response.aread()))
                async with aclosing(response.aiter_bytes()) as pieces:  # type: ignore[type-var]  # a generator
                    async for piece in pieces:
                        yield piece
            finally:
                await response.aclose()
        except _NETWORK_ERRORS as error:
            raise _failure(error, self._url(call.path)) from error


def _answer(response: httpx.Response, content: bytes) -> Answer:
    return Answer(str(response.url), response.status_code, dict(response.headers), content)


def _failure(error: Exception, url: str) -> ClientError:
    """Return the error of this package for one of httpx."""
    if isinstance(error, httpx.ConnectTimeout):
        return Unreachable(f"{url} does not accept the connection within the time limit")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return Unreachable(f"cannot connect to {url}: {error}")
    if isinstance(error, httpx.TimeoutException):
        return Interrupted(f"{url} does not respond within the time limit")
    if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol):
        return Interrupted(f"the connection to {url} ended before the response was complete: {error}")
    return ClientError(f"{url}: {error}")
