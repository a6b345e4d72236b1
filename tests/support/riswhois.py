"""A RIS whois server on loopback, in the event loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

ADDRESS = "127.0.0.1"
GREETING = "% This is RIPE NCC's Routing Information Service\n% whois gateway\n\n"


class RisWhois:
    """A server that answers each query with `text`; with None it leaves the connection open without a response."""

    def __init__(self, text: str | None) -> None:
        self.text = text
        self.queries: list[str] = []
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            self.queries.append((await reader.readline()).decode("ascii"))
            if self.text is None:
                await reader.read()
            else:
                writer.write(self.text.encode())
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def ris_whois(*lines: str, silent: bool = False) -> AsyncIterator[RisWhois]:
    """Serve a whois server that sends these lines after its greeting."""
    whois = RisWhois(None if silent else GREETING + "".join(f"{line}\n" for line in lines))
    server = await asyncio.start_server(whois.answer, ADDRESS, 0)
    whois.port = server.sockets[0].getsockname()[1]
    async with server:
        yield whois
