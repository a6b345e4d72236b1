"""Delivery of one webhook: a signed POST over HTTP/1.1, with limits on everything that the receiver controls.

The standard clients follow redirects and proxies of the environment, resolve names themselves, and let a slow receiver
block them forever, so this module implements the small part of HTTP that it needs.
"""

import asyncio
import hashlib
import hmac
import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gonemaster_engine.texts import Text, text_of
from gonemaster_engine.version import __version__
from gonemaster_tasks.notifications.failures import DeliveryFailed, TargetRefused
from gonemaster_tasks.notifications.targets import Target, addresses_of, read_target

CONNECT_TIMEOUT_S = 5.0
TIMEOUT_S = 15.0  # The limit of an attempt, from the address lookup to the header of the response.
_MAX_HEAD = 16 * 1024
_MAX_REST = 64 * 1024  # The body of a response is read and dropped, so that the receiver is not cut off.
_REST_TIMEOUT_S = 1.0
_MAX_INTERIM = 5
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?\r\n")
_GONE = 410


@dataclass(frozen=True)
class Webhook:
    """The content to send: one event, or several of one kind. `body` is JSON."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    event: str
    delivery_id: str
    secret: str | None = field(default=None, repr=False)


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of X-Gonemaster-Signature: HMAC (RFC 2104) with SHA-256 over timestamp, a dot and the body."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def headers_of(webhook: Webhook, timestamp: int) -> dict[str, str]:
    """Return the headers of an event; `timestamp` is the POSIX time of the attempt."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"gonemaster/{__version__}",
        "X-Gonemaster-Event": webhook.event,
        "X-Gonemaster-Delivery": webhook.delivery_id,
        "X-Gonemaster-Timestamp": str(timestamp),
    }
    if webhook.secret:
        headers["X-Gonemaster-Signature"] = signature_of(webhook.secret, str(timestamp), webhook.body)
    return headers


async def send_webhook(webhook: Webhook, *, timestamp: int, allow_private: bool, tls: ssl.SSLContext) -> int:
    """Make one attempt; return the status, which is 2xx.

    Raises:
        DeliveryFailed: the receiver did not accept the webhook; redirects are not followed.
    """
    try:
        target = read_target(webhook.url, allow_private=allow_private)
    except TargetRefused as error:  # The setting has changed since the watch was created.
        raise DeliveryFailed(Text("the URL {error}", error=text_of(error))) from error
    try:
        async with asyncio.timeout(TIMEOUT_S):
            addresses = await addresses_of(target, allow_private=allow_private)
            status = await _exchange(target, addresses, _request(target, webhook, timestamp), tls)
    except TimeoutError as error:
        raise DeliveryFailed(Text("no response within {timeout_s} s", timeout_s=format(TIMEOUT_S, "g"))) from error
    if not 200 <= status < 300:
        response = Text("a redirect, which is not followed") if 300 <= status < 400 else f"status {status}"
        raise DeliveryFailed(
            Text("the receiver answered with {response}", response=response), status=status, final=status == _GONE
        )
    return status


def _request(target: Target, webhook: Webhook, timestamp: int) -> bytes:
    headers: Mapping[str, str] = {
        "Host": target.authority,
        **headers_of(webhook, timestamp),
        "Accept": "*/*",
        "Connection": "close",
        "Content-Length": str(len(webhook.body)),
    }
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + webhook.body


async def _exchange(target: Target, addresses: Sequence[str], request: bytes, tls: ssl.SSLContext) -> int:
    try:
        reader, writer = await _connect(target, addresses, tls)
        try:
            writer.write(request)
            await writer.drain()
            status = await _read_status(reader)
            await _read_rest(reader)
            return status
        finally:
            writer.transport.abort()
    except ssl.SSLCertVerificationError as error:
        raise DeliveryFailed(
            Text("the certificate is not valid: {verify_message}", verify_message=error.verify_message)
        ) from error
    except (OSError, asyncio.IncompleteReadError) as error:
        raise DeliveryFailed(Text("the connection failed or was closed before a response")) from error
    except asyncio.LimitOverrunError as error:
        raise DeliveryFailed(
            Text("the header of the response is longer than {max_head} bytes", max_head=_MAX_HEAD)
        ) from error


async def _connect(
    target: Target, addresses: Sequence[str], tls: ssl.SSLContext
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first address that answers; certificate and SNI use the host name."""
    context, name = (tls, target.host) if target.scheme == "https" else (None, None)
    for address in addresses:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await asyncio.open_connection(
                    address, target.port, limit=_MAX_HEAD, ssl=context, server_hostname=name
                )
        except ssl.SSLError:
            raise
        except OSError as error:  # includes TimeoutError
            failure = error
    raise DeliveryFailed(Text("no connection")) from failure


async def _read_status(reader: asyncio.StreamReader) -> int:
    for _ in range(_MAX_INTERIM):
        head = await reader.readuntil(b"\r\n\r\n")
        line = _STATUS_LINE.match(head)
        if not line:
            raise DeliveryFailed(Text("the response is not HTTP/1.1"))
        status = int(line[1])
        if status >= 200:
            return status
    raise DeliveryFailed(Text("the receiver sent only interim responses"))


async def _read_rest(reader: asyncio.StreamReader) -> None:
    """Read and discard the rest of the response for a moment, because only the status is needed."""
    left = _MAX_REST
    with suppress(OSError):
        async with asyncio.timeout(_REST_TIMEOUT_S):
            while left > 0 and (data := await reader.read(left)):
                left -= len(data)
