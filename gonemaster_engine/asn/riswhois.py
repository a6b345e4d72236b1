"""One query to a RIS whois server for the prefix that covers an address and its origin AS.

Source: RFC 3912 (whois); the options are those of RIPE's RIS whois.
"""

from __future__ import annotations

import asyncio

PORT = 43
MAX_OCTETS = 65536  # maximum size of an answer; real answers have a few hundred


async def query(server: str, address: str, *, port: int = PORT, timeout_s: float = 5.0, source: str = "") -> str:
    """Return the answer of the whois server at the address `server` about `address`.

    The timeout applies to the whole exchange. `source` is the local address to use.

    Raises:
      OSError: there is no answer (TimeoutError is a subclass), or it is too large.
    """
    async with asyncio.timeout(timeout_s):
        local = (source, 0) if source else None
        reader, writer = await asyncio.open_connection(server, port, local_addr=local, limit=MAX_OCTETS)
        try:
            # -F: one line per prefix with fields separated by spaces; -M: the prefixes that cover the address
            writer.write(f"-F -M {address}\r\n".encode("ascii"))
            await writer.drain()
            return (await _read_all(reader)).decode("utf-8", "replace")
        finally:
            writer.transport.abort()


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    received = bytearray()
    while chunk := await reader.read(MAX_OCTETS):
        received += chunk
        if len(received) > MAX_OCTETS:
            raise OSError("the response of the whois server is too long")
    return bytes(received)
