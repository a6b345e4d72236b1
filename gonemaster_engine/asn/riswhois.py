"""One query to a RIS whois server for the prefix that covers an address and its origin AS.

Source: RFC 3912 (whois); the options are specific to RIPE's RIS whois.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from gonemaster_engine.net.tcp import MAX_SEGMENTS, sent_segments

PORT = 43
MAX_OCTETS = 65536  # maximum size of an answer; real answers have a few hundred


async def query(
    server: str,
    address: str,
    *,
    port: int = PORT,
    timeout_s: float = 5.0,
    source: str = "",
    on_end: Callable[[int], object] = int,
) -> str:
    """Return the answer of the whois server at the address `server` about `address`.

    The timeout applies to the whole exchange. `source` is the local address to use. `on_end` is called with the number
    of packets sent.

    Raises:
      OSError: there is no answer (TimeoutError is a subclass), or it is too large.
    """
    loop, sock = asyncio.get_running_loop(), socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET)
    try:
        async with asyncio.timeout(timeout_s):
            sock.setblocking(False)
            if source:
                sock.bind((source, 0))
            await loop.sock_connect(sock, (server, port))
            # -F: one line per prefix with fields separated by spaces; -M: the prefixes that cover the address
            await loop.sock_sendall(sock, f"-F -M {address}\r\n".encode("ascii"))
            return (await _read_all(loop, sock)).decode("utf-8", "replace")
    finally:
        on_end(sent_segments(sock))
        sock.close()


async def _read_all(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> bytes:
    received = bytearray()
    while chunk := await loop.sock_recv(sock, MAX_OCTETS):
        received += chunk
        if len(received) > MAX_OCTETS or sent_segments(sock) > MAX_SEGMENTS:
            raise OSError("the response of the whois server is too long")
    return bytes(received)
