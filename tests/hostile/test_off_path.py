"""An off-path forger who knows everything except message id and port cannot deceive or stop a run."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonemaster_engine import names
from gonemaster_engine.context import RunContext
from gonemaster_engine.net import udp
from gonemaster_engine.net.ports import local_ports
from gonemaster_engine.net.query import UNREACHABLE, Query, QueryOutcome, Timing, is_bare_error
from gonemaster_engine.net.transport import Transport
from gonemaster_engine.net.udp import MAX_UNMATCHED, QUERIES_PER_SOCKET, randomize_case
from gonemaster_engine.net.wire.messages import query_body
from gonemaster_engine.resolver.recursor import Recursor
from tests.hostile import LONG
from tests.support.dnsworld import World, faults
from tests.support.engine import in_run
from tests.support.examples import examples

FUZZ = settings(max_examples=20_000 if LONG else examples(50, 500), deadline=None, derandomize=False, print_blob=True)
SERVER, OTHER = "127.9.1.1", "127.9.1.2"
QNAME = names.to_wire("www.example.xa")
RIGHT, FORGED = "192.0.2.1", "192.0.2.66"
PATIENT = Timing(20.0, 20.0, 1)
QUICK = Timing(0.3, 0.3, 1)


def answer_to(wire: bytes, address: str) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(wire))
    message.flags |= dns.flags.AA
    message.answer.append(dns.rrset.from_text(message.question[0].name, 60, "IN", "A", address))
    return message.to_wire()


class Server(asyncio.DatagramProtocol):
    """A name server that records its queries, and answers when the test says so; also over TCP."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()
        self.connections = 0
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment] # of datagrams

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked.put_nowait((data, addr))

    def send(self, wire: bytes, to: tuple[str, int]) -> None:
        assert self._transport
        self._transport.sendto(wire, to)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            query = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            wire = answer_to(query, RIGHT)
            writer.write(struct.pack("!H", len(wire)) + wire)
            await writer.drain()
            await reader.read()
        writer.close()


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[tuple[Server, Transport]]:
    loop = asyncio.get_running_loop()
    server = Server()
    tcp = await asyncio.start_server(server.converse, SERVER, 0)
    server.port = tcp.sockets[0].getsockname()[1]
    endpoint, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=(SERVER, server.port))
    transport = Transport(port=server.port)
    try:
        yield server, transport
    finally:
        await transport.close()
        endpoint.close()
        tcp.close()
        await tcp.wait_closed()


def in_world(work: Callable[[Server, Transport], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(30), served() as (server, transport):
            await work(server, transport)

    asyncio.run(whole())


def ask(
    transport: Transport,
    *,
    address: str = SERVER,
    timing: Timing = PATIENT,
    qname: bytes = QNAME,
    any_source: bool = False,
    mixed_case: bool = False,
) -> asyncio.Future[QueryOutcome]:
    future: asyncio.Future[QueryOutcome] = asyncio.get_running_loop().create_future()
    body = query_body(qname, 1, 1, 0, None)
    octets = len(qname) + 4
    transport.send_udp(
        Query(
            address,
            body,
            timing,
            future.set_result,
            question_octets=octets,
            any_source=any_source,
            mixed_case=mixed_case,
        )
    )
    return future


def address_in(outcome: QueryOutcome) -> str | None:
    return outcome.response.records("A")[0].address if outcome.response else None


def forge(to: tuple[str, int], *wires: bytes, source: str = SERVER, port: int = 0) -> None:
    """Send from any address and port that a forger can choose; port 0 means any port other than the server's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
        forger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        forger.bind((source, port))
        for wire in wires:
            forger.sendto(wire, to)


def other_id(wire: bytes, offset: int = 1) -> bytes:
    return ((int.from_bytes(wire[:2]) + offset) & 0xFFFF).to_bytes(2) + wire[2:]


@pytest.mark.parametrize("any_source", [False, True], ids=["plain", "any source"])
def test_right_id_from_another_port_is_not_taken(any_source: bool) -> None:
    async def work(server: Server, transport: Transport) -> None:
        future = ask(transport, any_source=any_source)
        wire, client = await server.asked.get()
        forge(client, answer_to(wire, FORGED))
        server.send(answer_to(wire, RIGHT), client)
        assert address_in(await future) == RIGHT

    in_world(work)


def test_right_id_from_another_address_is_not_taken() -> None:
    async def work(server: Server, transport: Transport) -> None:
        future = ask(transport)
        wire, client = await server.asked.get()
        forge(client, answer_to(wire, FORGED), source=OTHER, port=server.port)
        server.send(answer_to(wire, RIGHT), client)
        assert address_in(await future) == RIGHT

    in_world(work)


def test_another_source_address_is_accepted_only_from_the_queried_port() -> None:
    async def work(server: Server, transport: Transport) -> None:
        future = ask(transport, any_source=True)
        wire, client = await server.asked.get()
        forge(client, answer_to(wire, FORGED), source=OTHER)
        forge(client, answer_to(wire, RIGHT), source=OTHER, port=server.port)
        outcome = await future
        assert address_in(outcome) == RIGHT
        assert outcome.response
        assert outcome.response.source == OTHER

    in_world(work)


def test_a_few_wrong_ids_do_no_harm() -> None:
    async def work(server: Server, transport: Transport) -> None:
        future = ask(transport)
        wire, client = await server.asked.get()
        for offset in range(1, MAX_UNMATCHED):
            server.send(answer_to(other_id(wire, offset), FORGED), client)
        server.send(answer_to(wire, RIGHT), client)
        outcome = await future
        assert address_in(outcome) == RIGHT
        assert outcome.response
        assert not outcome.response.over_tcp

    in_world(work)


GUESSES: dict[str, Callable[[bytes, int], bytes]] = {
    "wrong ids": lambda wire, number: answer_to(other_id(wire, number + 1), FORGED),
    "bare errors": lambda wire, number: other_id(wire, number + 1)[:2] + b"\x80\x05" + bytes(8),
    "right id, empty question": lambda wire, _: wire[:2] + b"\x84\x00" + bytes(8),
    "right id, other question": lambda wire, _: answer_to(wire.replace(b"www", b"wwx"), FORGED),
}


@pytest.mark.parametrize("guess", GUESSES.values(), ids=GUESSES)
def test_a_flood_makes_the_question_go_over_tcp(guess: Callable[[bytes, int], bytes]) -> None:
    async def work(server: Server, transport: Transport) -> None:
        future = ask(transport)
        wire, client = await server.asked.get()
        for number in range(MAX_UNMATCHED):
            server.send(guess(wire, number), client)
        outcome = await future
        assert address_in(outcome) == RIGHT
        assert outcome.response
        assert outcome.response.over_tcp
        assert server.connections == 1

    in_world(work)


def test_a_flood_at_one_question_leaves_the_others_alone() -> None:
    async def work(server: Server, transport: Transport) -> None:
        attacked, other = ask(transport), ask(transport, qname=names.to_wire("other.example.xa"))
        (wire, client), (other_wire, other_client) = await server.asked.get(), await server.asked.get()
        for number in range(MAX_UNMATCHED):
            server.send(answer_to(other_id(wire, number + 1), FORGED), client)
        assert address_in(await attacked) == RIGHT
        server.send(answer_to(other_wire, RIGHT), other_client)
        outcome = await other
        assert outcome.response
        assert not outcome.response.over_tcp

    in_world(work)


def test_answer_that_comes_twice_is_no_guess() -> None:
    async def work(server: Server, transport: Transport) -> None:
        first = ask(transport)
        wire, client = await server.asked.get()
        server.send(answer_to(wire, RIGHT), client)
        await first
        second = ask(transport)
        again, client = await server.asked.get()
        for _ in range(3 * MAX_UNMATCHED):
            server.send(answer_to(wire, RIGHT), client)
        server.send(answer_to(again, RIGHT), client)
        outcome = await second
        assert outcome.response
        assert not outcome.response.over_tcp

    in_world(work)


# Ports, ids, equal queries


def test_ports_and_ids_are_spread_and_live_briefly() -> None:
    async def work(server: Server, transport: Transport) -> None:
        clients, ids = [], []
        for number in range(20 * QUERIES_PER_SOCKET):
            future = ask(transport, qname=names.to_wire(f"n{number}.example.xa"))
            wire, client = await server.asked.get()
            server.send(answer_to(wire, RIGHT), client)
            await future
            clients.append(client[1])
            ids.append(int.from_bytes(wire[:2]))
        assert all(clients.count(port) <= 2 * QUERIES_PER_SOCKET for port in clients)  # two equal values by chance
        assert len(set(clients)) >= 19
        assert set(clients) <= set(local_ports())
        assert len(set(ids)) > len(ids) - 8
        assert 25_000 < statistics.fmean(ids) < 40_000
        assert statistics.pstdev(set(clients)) > len(local_ports()) / 12

    in_world(work)


def test_servers_are_queried_from_different_ports() -> None:
    """The ports that a hostile server sees reveal nothing about the ports of queries to other servers."""
    world = World()
    world.zone("xa", ns={"ns1.nic.xa": "127.9.0.1"})
    world.zone("example.xa", ns={"ns1.example.xa": SERVER, "ns2.example.xa": OTHER})

    async def work(context: RunContext) -> None:
        for number in range(100):
            one = context.nameserver("ns1.example.xa", (SERVER, OTHER)[number % 2])
            assert await one.query(f"n{number}.example.xa", "A")

    with world:
        in_run(world, work)
    ports = [{query.peer[1] for query in world.server(address).log} for address in (SERVER, OTHER)]
    assert len(ports[0] & ports[1]) <= 1  # by chance


def test_equal_queries_of_many_runs_have_one_id_and_one_port() -> None:
    """Equal queries are sent once: otherwise each guess of a forger could match any of them."""

    async def work(server: Server, transport: Transport) -> None:
        futures = [ask(transport) for _ in range(50)]
        wire, client = await server.asked.get()
        await asyncio.sleep(0)
        assert server.asked.empty()
        server.send(answer_to(wire, RIGHT), client)
        assert {address_in(await future) for future in futures} == {RIGHT}

    in_world(work)


def test_equal_queries_end_each_for_itself() -> None:
    async def work(server: Server, transport: Transport) -> None:
        impatient, patient = ask(transport, timing=QUICK), ask(transport)
        wire, client = await server.asked.get()
        assert (await impatient).response is None
        server.send(answer_to(wire, RIGHT), client)
        assert address_in(await patient) == RIGHT

    in_world(work)


def test_queries_wait_where_no_more_sockets_may_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gonemaster_engine.net.transport.UDP_SOCKETS", 2)

    async def work(server: Server, transport: Transport) -> None:
        silent = [ask(transport, address=f"127.9.1.{10 + number}", timing=QUICK) for number in range(2)]
        future = ask(transport)
        assert server.asked.empty()
        for each in silent:
            await each
        wire, client = await server.asked.get()
        server.send(answer_to(wire, RIGHT), client)
        assert address_in(await future) == RIGHT

    in_world(work)


# Letters in mixed case


def test_shared_questions_are_asked_in_mixed_case_and_those_of_the_zone_are_not() -> None:
    world = World()
    world.zone("xa", ns={"ns1.nic.xa": "127.9.0.1"})
    world.zone("example.xa", ns={"ns1.example.xa": SERVER}, records="a-long-name-of-a-host A 192.0.2.1")
    world.zone("tested.xa", ns={"ns1.tested.xa": OTHER})

    async def work(context: RunContext) -> None:
        recursor = Recursor(context)
        assert (await recursor.resolve("a-long-name-of-a-host.example.xa", "A")).records("A")
        await recursor.resolve("another-long-name.tested.xa", "A")

    with world:
        in_run(world, work, zone="tested.xa")
    (outside,), (inside,) = ([query.wire for query in world.server(address).log] for address in (SERVER, OTHER))
    assert outside[12:] != outside[12:].lower()
    assert inside[12:].lower() == inside[12:]


@pytest.mark.parametrize("name", ["upper", "case-sensitive", "refuses"])
def test_server_that_does_not_keep_the_case_is_not_lost(name: str) -> None:
    world = World()
    world.zone("xa", ns={"ns1.nic.xa": "127.9.0.1"})
    world.zone("example.xa", ns={"ns1.example.xa": SERVER}, records="a-long-name-of-a-host A 192.0.2.1")
    fault = {
        "upper": faults.upper_case(),
        "case-sensitive": faults.rcode("NXDOMAIN"),
        "refuses": faults.rcode("REFUSED"),
    }[name]
    is_mixed = lambda exchange: exchange.wire[12:29] != exchange.wire[12:29].lower()  # noqa: E731 - a condition
    world.server(SERVER).fault(fault, when=None if name == "upper" else is_mixed)

    async def work(context: RunContext) -> list[str]:
        resolution = await Recursor(context).resolve("a-long-name-of-a-host.example.xa", "A")
        return [record.address for record in resolution.records("A")]

    with world:
        assert in_run(world, work, zone="tested.xa") == [RIGHT]


def test_forger_who_does_not_know_the_case_is_not_believed() -> None:
    async def work(server: Server, transport: Transport) -> None:
        future = ask(transport, mixed_case=True, qname=names.to_wire("a-long-name-of-a-host.example.xa"))
        wire, client = await server.asked.get()
        server.send(answer_to(wire[:12] + wire[12:].lower(), FORGED), client)
        again, client = await server.asked.get()
        assert again[12:] == again[12:].lower()
        server.send(answer_to(again, RIGHT), client)
        assert address_in(await future) == RIGHT

    in_world(work)


@FUZZ
@given(st.lists(st.binary(min_size=1, max_size=63), max_size=3))
def test_another_spelling_is_the_same_name(labels: list[bytes]) -> None:
    name = names.to_wire(names.from_labels(labels))
    assert randomize_case(name).lower() == name


# Errors


def test_error_that_quotes_another_message_ends_nothing() -> None:
    async def work(server: Server, transport: Transport) -> None:
        future = ask(transport)
        wire, client = await server.asked.get()
        (flight,) = transport._udp._flights.values()
        for quoted in (other_id(wire), wire[:8], b"", wire + b"x", wire[:2] + bytes(20)):
            flight.on_icmp_error(quoted)
        assert not future.done()
        flight.on_icmp_error(wire)
        assert (await future).error == UNREACHABLE
        assert client

    in_world(work)


@FUZZ
@given(st.binary(min_size=12, max_size=40))
def test_a_bare_error_carries_no_data(wire: bytes) -> None:
    if is_bare_error(wire):
        assert wire[4:10] == bytes(6)
        assert wire[3] & 0xF not in {0, 3} or wire[17]


@pytest.mark.parametrize("seed", range(20 if LONG else 2))
def test_flood_of_guesses_is_never_taken(seed: int) -> None:
    """All ids but the correct one, and the correct one from all other addresses: the most that guesses can do."""

    async def work(server: Server, transport: Transport) -> None:
        future = ask(transport)
        wire, client = await server.asked.get()
        forge(client, *(answer_to(other_id(wire, offset * 37 + seed), FORGED) for offset in range(1, 200)))
        forge(client, answer_to(wire, FORGED), source=OTHER, port=server.port)
        for offset in range(1, 4 * MAX_UNMATCHED):
            server.send(answer_to(other_id(wire, offset), FORGED), client)
        assert address_in(await future) == RIGHT
        assert server.connections == 1

    in_world(work)


def test_socket_takes_few_queries_for_a_short_time() -> None:
    assert udp.QUERIES_PER_SOCKET <= 16
    assert udp.SOCKET_AGE_S <= 10
