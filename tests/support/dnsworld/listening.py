"""The sockets of a world: UDP and TCP on one port of many loopback addresses, served by one daemon thread."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import socket
import threading
from collections.abc import Coroutine, Iterable
from typing import Final

from .faults import Reply
from .server import Server

# Below the range of ephemeral ports, so that no client socket of a parallel test uses one of these.
PORTS: Final = range(10_240, 32_000)
ATTEMPTS: Final = 200
HELD_POLL_S: Final = 0.01

Bound = list[tuple[Server, str, socket.socket]]


def bind_all(servers: Iterable[Server], *, port: int = 0) -> tuple[int, Bound]:
    """Bind all servers to one port; 0 chooses a free one.

    Raises:
        OSError: the port is taken, or an address does not belong to this host.
    """
    servers = list(servers)
    for candidate in [port] if port else random.SystemRandom().sample(PORTS, ATTEMPTS):
        with contextlib.suppress(_Taken):
            return candidate, _bind(servers, candidate)
    raise OSError(errno.EADDRINUSE, f"no port is free on all addresses (asked for {port or 'any'})")


class _Taken(Exception):
    """Another process has the port on one of the addresses."""


def _bind(servers: list[Server], port: int) -> Bound:
    bound: Bound = []
    try:
        for server in servers:
            for transport, enabled in server.listens.items():
                if enabled:
                    bound.append((server, transport, _socket(server.address, transport, port)))
    except OSError as error:
        for _, _, opened in bound:
            opened.close()
        if error.errno == errno.EADDRINUSE:
            raise _Taken from error
        raise
    return bound


def _socket(address: str, transport: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        if transport == "tcp":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        if transport == "tcp":
            made.listen(128)
    except OSError:
        made.close()
        raise
    return made


class Listener:
    """Runs the sockets on a separate event loop, so that the loop of the test is free for the tested code."""

    def __init__(self, bound: Bound, *, port: int) -> None:
        self._bound = bound
        self._port = port
        self._udp: dict[str, asyncio.DatagramTransport] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dnsworld", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            for server, transport, opened in self._bound:
                if transport == "udp":
                    await self._open_udp(server, opened, stack)
                else:
                    self._open_tcp(server, opened, stack)
            self._ready.set()
            await self._stop.wait()
        await self._end_tasks()
        await asyncio.sleep(0)  # closed transports release their sockets in the next iteration of the loop

    async def _end_tasks(self) -> None:
        await asyncio.sleep(0)  # let a new task start: it only closes its connection once it has started
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _open_udp(self, server: Server, opened: socket.socket, stack: contextlib.AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self, server), sock=opened)
        self._udp[server.address] = transport
        stack.callback(transport.close)

    def _open_tcp(self, server: Server, opened: socket.socket, stack: contextlib.AsyncExitStack) -> None:
        # not start_server(): if it is closed between accepting and serving a connection, it leaves the socket open
        loop = asyncio.get_running_loop()
        opened.setblocking(False)
        loop.add_reader(opened, self._accept, server, opened)
        stack.callback(opened.close)
        stack.callback(loop.remove_reader, opened)

    def _accept(self, server: Server, opened: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connected, _ = opened.accept()
            connected.setblocking(False)
            self._start(self._serve_connection(server, connected))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve_connection(self, server: Server, connected: socket.socket) -> None:
        try:
            reader, writer = await asyncio.open_connection(sock=connected)
        except OSError:
            connected.close()
            return
        try:
            await _Connection(server, reader, writer).serve()
        finally:
            writer.transport.abort()  # close() would wait for data that a silent client does not read

    def send(self, server: Server, reply: Reply, peer: tuple[str, int]) -> None:
        """Send the datagrams of a reply, forged datagrams first."""
        for earlier in reply.earlier:
            self.send(server, earlier, peer)
        if reply.delay_s and self._loop:
            self._loop.call_later(reply.delay_s, self._send_now, server, reply, peer)
        elif reply.may_go is not None:
            self._start(self._send_when_free(server, reply, peer))
        else:
            self._send_now(server, reply, peer)

    async def _send_when_free(self, server: Server, reply: Reply, peer: tuple[str, int]) -> None:
        await _free(reply)
        self._send_now(server, reply, peer)

    def _send_now(self, server: Server, reply: Reply, peer: tuple[str, int]) -> None:
        for wire in reply.octets():
            if reply.source is not None and reply.source not in self._udp:
                self._send_from(reply.source, wire, peer)
            else:
                transport = self._udp[reply.source or server.address]
                if not transport.is_closing():
                    transport.sendto(wire, peer)

    def _send_from(self, source: str, wire: bytes, peer: tuple[str, int]) -> None:
        with contextlib.suppress(OSError), _socket(source, "udp", self._port) as sender:
            sender.sendto(wire, peer)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, listener: Listener, server: Server) -> None:
        self._listener = listener
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._server.handle(data, "udp", addr[:2])
        if reply is not None:
            self._listener.send(self._server, reply, addr)


class _Connection:
    """One TCP connection: queries with length prefixes, answered in order (RFC 7766)."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer

    async def serve(self) -> None:
        peer = self._writer.get_extra_info("peername")[:2]
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                length = int.from_bytes(await self._reader.readexactly(2))
                reply = self._server.handle(await self._reader.readexactly(length), "tcp", peer)
                if reply is not None:
                    for one in (*reply.earlier, reply):
                        await self._send(one)
                    if reply.close:
                        return

    async def _send(self, reply: Reply) -> None:
        await asyncio.sleep(reply.delay_s)
        await _free(reply)
        for wire in reply.octets():
            stated = len(wire) if reply.stated_length is None else reply.stated_length
            stream = stated.to_bytes(2) + wire
            for piece in [stream[i : i + 1] for i in range(len(stream))] if reply.octet_interval_s else [stream]:
                self._writer.write(piece)
                await self._writer.drain()
                await asyncio.sleep(reply.octet_interval_s)


async def _free(reply: Reply) -> None:
    while reply.may_go is not None and not reply.may_go():  # noqa: ASYNC110  # any condition, not an event
        await asyncio.sleep(HELD_POLL_S)
