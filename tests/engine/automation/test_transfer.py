"""Transfers of zones: signatures without a key are found, and no server can send without an end."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterable

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rrset
import pytest

from gonemaster_engine.automation.transfer import Transfer, TransferLimits, transfer

ZONE = "example.xa"
KEY_TEXT = "257 3 13 " + "AQID" * 21 + "AQ=="
KEY = dns.dnssec.key_id(dns.rdata.from_text("IN", "DNSKEY", KEY_TEXT))  # type: ignore[arg-type]
SOA = "@ SOA ns1 host 1 60 60 600 2"
LIMITS = TransferLimits(octets=1 << 20, records=10_000, seconds=5.0)
Sent = Callable[[bytes], AsyncIterator[bytes]]
"""Yield what a server sends, from the ID of the query."""


def signature(owner: str, tag: int, algorithm: int = 13, signer: str = f"{ZONE}.") -> str:
    return f"{owner} RRSIG A {algorithm} 3 60 20300101000000 20200101000000 {tag} {signer} AAAA"


def message(ident: bytes, records: Iterable[str], rcode: int = 0) -> bytes:
    made = dns.message.Message(id=int.from_bytes(ident))
    made.flags = dns.flags.QR | dns.flags.AA
    made.set_rcode(rcode)  # type: ignore[arg-type]
    origin = dns.name.from_text(ZONE)
    for text in records:
        owner, rtype, rdata = text.split(maxsplit=2)
        name = dns.name.from_text(owner, origin)
        made.answer.append(
            dns.rrset.from_rdata(name, 60, dns.rdata.from_text("IN", rtype, rdata, origin=origin, relativize=False))
        )
    wire = made.to_wire(max_size=65535)
    return len(wire).to_bytes(2) + wire


def sending(*messages: Iterable[str], rcode: int = 0) -> Sent:
    parts = [list(each) for each in messages]

    async def sent(ident: bytes) -> AsyncIterator[bytes]:
        for records in parts:
            yield message(ident, records, rcode)

    return sent


async def endless_records(ident: bytes) -> AsyncIterator[bytes]:
    yield message(ident, [SOA])
    more = message(ident, [f"h{number} A 192.0.2.1" for number in range(500)])
    while True:
        yield more


async def endless_octets(ident: bytes) -> AsyncIterator[bytes]:
    yield message(ident, [SOA])
    more = message(ident, ["@ TXT " + " ".join(["x" * 250] * 200)])
    while True:
        yield more


async def dripping(ident: bytes) -> AsyncIterator[bytes]:
    octets = message(ident, [SOA] + [f"h{number} A 192.0.2.1" for number in range(3000)])
    for each in octets:
        yield bytes([each])
        await asyncio.sleep(0.05)


async def silent(ident: bytes) -> AsyncIterator[bytes]:
    await asyncio.sleep(60)
    yield b""


async def another_id(ident: bytes) -> AsyncIterator[bytes]:
    yield message(bytes([ident[0] ^ 1, ident[1]]), [SOA, SOA])


async def garbage(ident: bytes) -> AsyncIterator[bytes]:
    yield struct.pack("!H", 200) + ident + b"\xff" * 198


def transferred(sent: Sent, limits: TransferLimits = LIMITS) -> Transfer:
    """Serve one transfer and read it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2))
        query = dns.message.from_wire(await reader.readexactly(length))
        (question,) = query.question
        assert (question.name.to_text(), question.rdtype.name) == (f"{ZONE}.", "AXFR")
        try:
            async for octets in sent(query.id.to_bytes(2)):
                writer.write(octets)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def whole() -> Transfer:
        serving = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = serving.sockets[0].getsockname()[1]
        try:
            async with asyncio.timeout(30):
                return await transfer(ZONE, "127.0.0.1", port, source="127.0.0.1", limits=limits)
        finally:
            serving.close()

    return asyncio.run(whole())


def test_a_zone_whose_keys_made_all_signatures_has_no_orphans() -> None:
    parts = [[SOA, f"@ DNSKEY {KEY_TEXT}", signature("@", KEY)], ["a A 192.0.2.1", signature("a", KEY)], [SOA]]
    assert transferred(sending(*parts)) == Transfer(6, 2)


def test_signatures_of_other_keys_are_found() -> None:
    records = [
        SOA, f"@ DNSKEY {KEY_TEXT}", signature("a", KEY), signature("b", 4711), signature("c", KEY, 8),
        signature("d", KEY, signer="xa."), SOA,
    ]  # fmt: skip
    assert transferred(sending(records)) == Transfer(7, 4, tuple(sorted([(4711, 13), (KEY, 8), (KEY, 13)])))


def test_a_signature_of_a_published_key_is_enough() -> None:
    """A change of the algorithm begins with signatures of a key that is published later (RFC 6781 section 4.1.4)."""
    both = [signature("a", 4711, 15), signature("a", KEY)]
    assert transferred(sending([SOA, *both, f"@ DNSKEY {KEY_TEXT}", SOA])) == Transfer(5, 2)


def test_no_zone_can_have_signers_without_an_end() -> None:
    records = [signature(f"h{tag}", tag) for tag in range(100)]
    assert transferred(sending([SOA, *records, SOA])).problem == "more than 64 signers"


def test_an_unsigned_zone_has_nothing_to_compare() -> None:
    assert transferred(sending([SOA, "a A 192.0.2.1", SOA])) == Transfer(3)


INCOMPLETE: dict[str, tuple[Sent, str]] = {
    "refused": (sending([], rcode=5), "REFUSED"),
    "no records": (sending([]), "a message without records"),
    "not a transfer": (sending(["a A 192.0.2.1"]), "begins and ends with the SOA record"),
    "records after the end": (sending([SOA, SOA, "a A 192.0.2.1"]), "begins and ends with the SOA record"),
    "no end": (sending([SOA, "a A 192.0.2.1"]), "the connection was closed"),
    "another ID": (another_id, "another ID"),
    "garbage": (garbage, "a malformed message"),
    "endless records": (endless_records, "more than 10000 records"),
    "endless octets": (endless_octets, "more than 1048576 octets"),
}


@pytest.mark.parametrize(("sent", "problem"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_an_incomplete_transfer_says_nothing_about_signatures(sent: Sent, problem: str) -> None:
    found = transferred(sent)
    assert problem in found.problem
    assert (found.signatures, found.orphans) == (0, ())


@pytest.mark.parametrize("sent", [dripping, silent])
def test_a_slow_transfer_ends_in_time(sent: Sent) -> None:
    assert transferred(sent, TransferLimits(seconds=0.5)).problem == "not complete after 0.5 seconds"


def test_a_server_without_tcp_is_a_problem() -> None:
    assert asyncio.run(transfer(ZONE, "127.79.1.1", 1, source="127.0.0.1", limits=LIMITS)).problem
