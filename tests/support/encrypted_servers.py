"""DNS over TLS, HTTPS and QUIC in front of the servers of a world, each on a free port of their addresses."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any, Self

import h2.config
import h2.connection
import h2.events
from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent, StreamDataReceived

from gonemaster_engine.rst.sending import Ports
from tests.support.certificates import Certificates
from tests.support.dnsworld import World
from tests.support.dnsworld.listening import PORTS, bind_all
from tests.support.dnsworld.server import Server

Answer = Callable[[Server, bytes, str], bytes | None]


def answer(server: Server, wire: bytes, transport: str) -> bytes | None:
    """Return the first message of a server's reply, None if it sends nothing."""
    reply = server.handle(wire, transport, (server.address, 0))
    octets = list(reply.octets()) if reply else []
    return octets[0] if octets else None


class EncryptedServers:
    """The listeners; a context manager that serves in a separate thread while it is entered."""

    def __init__(self, world: World, addresses: Iterable[str], certificates: Certificates) -> None:
        self._servers = [world.server(address) for address in addresses]
        self._certificates = certificates
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._problem: OSError | None = None
        self._sockets: list[list[socket.socket]] = []
        self.ports = Ports()
        self.connections = {"DoT": 0, "DoH": 0, "DoQ": 0}
        self.doh_body: Callable[[bytes], bytes] = bytes  # changes the body of HTTP responses
        self.doh_status = 200

    def __enter__(self) -> Self:
        ports = [bind_all(self._servers) for _ in range(2)]
        quic_port = next(port for port in random.sample(PORTS, 100) if self._is_free(port))
        self._sockets = [[opened for _, transport, opened in bound if transport == "tcp"] for _, bound in ports]
        for _, bound in ports:
            for _, transport, opened in bound:
                if transport == "udp":
                    opened.close()
        self.ports = Ports(ports[0][0], ports[1][0], quic_port)
        self._thread.start()
        self._ready.wait()
        if self._problem:
            raise self._problem
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _is_free(self, port: int) -> bool:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for server in self._servers:
                family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
                stack.enter_context(socket.socket(family, socket.SOCK_DGRAM)).bind((server.address, port))
            return True
        return False

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as problem:
            self._problem = problem
        finally:
            self._ready.set()

    def _context(self, *alpn: str) -> ssl.SSLContext:
        context = self._certificates.server
        context.set_alpn_protocols(list(alpn))
        return context

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            for server, dot, doh in zip(self._servers, *self._sockets, strict=True):
                await self._listen(server, dot, doh, stack)
            self._ready.set()
            await self._stop.wait()

    async def _listen(
        self, server: Server, dot: socket.socket, doh: socket.socket, stack: contextlib.AsyncExitStack
    ) -> None:
        tls: Any = lambda reader, writer: self._dot(server, reader, writer)  # noqa: E731
        https: Any = lambda reader, writer: self._doh(server, reader, writer)  # noqa: E731
        for handler, opened, alpn in ((tls, dot, "dot"), (https, doh, "h2")):
            listener = await asyncio.start_server(handler, sock=opened, ssl=self._context(alpn))
            stack.callback(listener.close)
        configuration = QuicConfiguration(is_client=False, alpn_protocols=["doq"])
        configuration.load_cert_chain(self._certificates.chain, self._certificates.key)
        owner = self

        class Protocol(QuicConnectionProtocol):  # type: ignore[misc]  # mypy does not read aioquic
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                owner.connections["DoQ"] += 1
                self._received: dict[int, bytes] = {}

            def quic_event_received(self, event: QuicEvent) -> None:
                if not isinstance(event, StreamDataReceived):
                    return
                data = self._received[event.stream_id] = self._received.get(event.stream_id, b"") + event.data
                if event.end_stream and (wire := answer(server, data[2:], "doq")):
                    self._quic.send_stream_data(event.stream_id, len(wire).to_bytes(2) + wire, end_stream=True)
                    self.transmit()

        quic = await serve(server.address, self.ports.doq, configuration=configuration, create_protocol=Protocol)
        stack.callback(quic.close)

    async def _dot(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections["DoT"] += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                query = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                if wire := answer(server, query, "dot"):
                    writer.write(len(wire).to_bytes(2) + wire)
        writer.transport.abort()

    async def _doh(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections["DoH"] += 1
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        bodies: dict[int, bytes] = {}
        with contextlib.suppress(OSError):
            writer.write(connection.data_to_send())
            while data := await reader.read(65536):
                for event in connection.receive_data(data):
                    self._on_http_event(server, connection, event, bodies)
                writer.write(connection.data_to_send())
        writer.transport.abort()

    def _on_http_event(self, server: Server, connection: Any, event: Any, bodies: dict[int, bytes]) -> None:
        if isinstance(event, h2.events.DataReceived):
            bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            wire = answer(server, bodies.pop(event.stream_id, b""), "doh")
            if wire is None:
                return
            headers = [(":status", str(self.doh_status)), ("content-type", "application/dns-message")]
            connection.send_headers(event.stream_id, headers)
            body = self.doh_body(wire)
            size = connection.max_outbound_frame_size
            for start in range(0, len(body), size):
                connection.send_data(event.stream_id, body[start : start + size])
            connection.end_stream(event.stream_id)
