"""Sessions over DNS over TLS, HTTPS and QUIC, without validation of certificates, as RST specifies.

A session opens its connection with the first query, and again after a failure. A response is at most a DNS message
long. DoH needs httpx2, and DoQ needs aioquic: the extra `encrypted` of the package.

Source: RFC 7858 (DoT), RFC 8484 (DoH), RFC 9250 (DoQ).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import ssl
from typing import Any, Protocol

from gonemaster_engine.rst.tld import ServerPath

MAX_MESSAGE_OCTETS = 65_535
DOH_PATH = "/dns-query"
_MEDIA_TYPE = "application/dns-message"
_NEEDS = {"DoT": (), "DoH": ("httpx2", "h2"), "DoQ": ("aioquic",)}
_QUIC_CREDIT = 256 * 1024  # octets that a server may send unread


class EncryptedSession(Protocol):
    """A connection over which queries are sent."""

    async def exchange(self, query: bytes) -> bytes:
        """Send a message and return the response.

        Raises:
          OSError, EOFError: the connection failed, or the server sent something else.
        """

    async def close(self) -> None:
        """Close the connection."""


def missing_packages(protocol: str) -> tuple[str, ...]:
    """Return the Python packages that a protocol needs and that are not installed."""
    return tuple(name for name in _NEEDS[protocol] if importlib.util.find_spec(name) is None)


def open_session(path: ServerPath, port: int, source: str) -> EncryptedSession:
    """Return a session for a path; nothing is sent yet."""
    if path.protocol == "DoT":
        return _TlsSession(path, port, source)
    return _HttpsSession(path, port, source) if path.protocol == "DoH" else _QuicSession(path, port, source)


def _tls_context(*alpn: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


class _TlsSession:
    """A session over TLS; each message has a length prefix."""

    def __init__(self, path: ServerPath, port: int, source: str) -> None:
        self._path, self._port, self._source = path, port, source
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, query: bytes) -> bytes:
        try:
            reader, writer = self._streams = self._streams or await self._connect()
            writer.write(len(query).to_bytes(2) + query)
            await writer.drain()
            return await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        except BaseException:
            await self.close()
            raise

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            self._path.address,
            self._port,
            ssl=_tls_context("dot"),
            server_hostname=self._path.ns,
            local_addr=(self._source, 0) if self._source else None,
            limit=MAX_MESSAGE_OCTETS + 2,
        )

    async def close(self) -> None:
        if self._streams:
            (_, writer), self._streams = self._streams, None
            writer.transport.abort()  # a TLS shutdown would wait for the server


class _HttpsSession:
    """A session over HTTP/2 or HTTP/1.1; each query is a POST request."""

    def __init__(self, path: ServerPath, port: int, source: str) -> None:
        self._path, self._port, self._source = path, port, source
        self._client: Any = None

    async def exchange(self, query: bytes) -> bytes:
        import httpx2

        try:
            self._client = self._client or self._open()
            return await self._post(query)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RuntimeError) as error:  # the last two: h2, anyio
            await self.close()
            raise OSError(str(error) or type(error).__name__) from error
        except BaseException:
            await self.close()
            raise

    def _open(self) -> Any:
        import httpx2

        transport = httpx2.AsyncHTTPTransport(
            verify=_tls_context(), http1=True, http2=True, trust_env=False, local_address=self._source or None
        )
        return httpx2.AsyncClient(transport=transport, timeout=None, trust_env=False, follow_redirects=False)

    async def _post(self, query: bytes) -> bytes:
        address, port = self._path.address, self._port
        host = f"[{address}]" if self._path.is_ipv6 else address
        headers = {
            "host": self._path.ns if port == 443 else f"{self._path.ns}:{port}",
            "accept": _MEDIA_TYPE,
            "accept-encoding": "identity",
            "content-type": _MEDIA_TYPE,
        }
        async with self._client.stream(
            "POST",
            f"https://{host}:{port}{DOH_PATH}",
            headers=headers,
            content=query,
            extensions={"sni_hostname": self._path.ns},
        ) as response:
            if response.status_code != 200:
                raise OSError(f"HTTP status {response.status_code}")
            body = b""
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MAX_MESSAGE_OCTETS:
                    raise OSError("the HTTP response is longer than a DNS message")
            return body

    async def close(self) -> None:
        client, self._client = self._client, None
        if client:
            with contextlib.suppress(Exception):  # the connection may be broken
                await client.aclose()


class _QuicSession:
    """A session over QUIC; each query has its own stream."""

    def __init__(self, path: ServerPath, port: int, source: str) -> None:
        self._path, self._port, self._source = path, port, source
        self._connection: Any = None

    async def exchange(self, query: bytes) -> bytes:
        import dns.exception
        import dns.quic

        try:
            self._connection = self._connection or self._connect()
            stream = await self._connection.make_stream(None)
            async with stream:
                await stream.send(query, True)
                received: bytes = await stream.receive(None)
                return received
        except (dns.exception.DNSException, dns.quic._common.UnexpectedEOF) as error:  # noqa: SLF001 - has no public name
            await self.close()
            raise EOFError("the server closed the connection") from error
        except BaseException:
            await self.close()
            raise

    def _connect(self) -> Any:
        import dns.quic
        from aioquic.quic.configuration import QuicConfiguration

        configuration = QuicConfiguration(
            alpn_protocols=["doq"],
            verify_mode=ssl.CERT_NONE,
            server_name=self._path.ns,
            max_data=_QUIC_CREDIT,
            max_stream_data=_QUIC_CREDIT,
        )
        quic: Any = dns.quic  # without types
        return quic.AsyncioQuicManager(conf=configuration).connect(self._path.address, self._port, self._source or None)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            with contextlib.suppress(Exception):  # the connection may be broken
                await connection.close()
