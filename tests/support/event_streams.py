"""Server-sent events as a client receives them."""

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any, NamedTuple

from flask import Flask

from gonemaster_api.server.bridge import Bridge
from gonemaster_api.server.connection import Peer


class SentEvent(NamedTuple):
    """One event; comments and retry times have no kind."""

    kind: str
    data: dict[str, Any]
    id: str


def blocks_of(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the blocks of a stream, however it is split into chunks."""
    received = ""
    for piece in pieces:
        received += piece.decode()
        while "\n\n" in received:
            block, _, received = received.partition("\n\n")
            yield block


def read_event(block: str) -> SentEvent:
    """Parse a block."""
    fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
    return SentEvent(fields.get("event", ""), json.loads(fields.get("data", "{}")), fields.get("id", ""))


class EventStream:
    """A stream of an application in this process, over ASGI as on a server."""

    def __init__(self, app: Flask, path: str, *, headers: Mapping[str, str] | None = None, remote: str = "127.0.0.1"):
        self._pieces: SimpleQueue[bytes] = SimpleQueue()  # empty at the end
        self._is_closed = False
        self._started = threading.Event()
        self.status, self.headers = 0, dict[str, str]()
        transport = SimpleNamespace(is_closing=lambda: self._is_closed, abort=self._break_off)
        cycle = SimpleNamespace(more_body=False)
        connection = SimpleNamespace(
            transport=transport,
            cycle=cycle,
            parser=True,
            pipeline=(),
            peer=Peer(2),
            charge=lambda _used_s: None,
            abort=self._break_off,
        )
        fields = {"host": "localhost", **(headers or {})}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": (remote, 1),
            "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
            "connection": connection,
            "cycle": cycle,
            "target": path.encode(),
            "refusal": None,
        }
        serve = Bridge(app, threads=2)(scope, self._receive, self._send)
        self._done = asyncio.run_coroutine_threadsafe(serve, _loop())
        assert self._started.wait(30)
        self.blocks = blocks_of(iter(self._pieces.get, b""))

    async def _receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()  # the hub checks the transport
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._started.set()
            return
        if message.get("body"):
            self._pieces.put(message["body"])
        if not message.get("more_body"):
            self._pieces.put(b"")

    def _break_off(self) -> None:
        self._pieces.put(b"")

    def close(self) -> None:
        """Disconnect, and wait until the server notices."""
        self._is_closed = True
        self._done.result(30)

    def next(self) -> tuple[str, dict[str, Any], str]:
        """Return type, data and id of the next event; skip comments and the retry time."""
        for event in map(read_event, self.blocks):
            if event.kind:
                return event
        return "end of stream", {}, ""

    def rest(self) -> list[str]:
        """Return the types of all remaining events."""
        types = []
        while (kind := self.next()[0]) != "end of stream":
            types.append(kind)
        return types


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop
