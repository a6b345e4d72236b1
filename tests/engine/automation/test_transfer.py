"""Transfers of zones: signatures without a key are found, and no server can send without an end."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gonemaster_engine.automation.signed_sets import SignedSets
from gonemaster_engine.automation.transfer import Transfer, TransferLimits, TransferOutcome, transfer

ZONE = "example.xa"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = dns.dnssec.make_dnskey(PRIVATE.public_key(), 13, flags=257)
KEY_TEXT, KEY = PUBLIC.to_text(), dns.dnssec.key_id(PUBLIC)
ORIGIN = dns.name.from_text(ZONE)
NOW = 1_800_000_000
SOA = "@ SOA ns1 host 1 60 60 600 2"
LIMITS = TransferLimits(octets=1 << 20, records=10_000, seconds=5.0)
Sent = Callable[[bytes], AsyncIterator[bytes]]
"""Yield what a server sends, from the ID of the query."""


def signature(owner: str, tag: int, algorithm: int = 13, signer: str = f"{ZONE}.") -> str:
    return f"{owner} RRSIG A {algorithm} 3 60 20300101000000 20200101000000 {tag} {signer} AAAA"


def signed(record: str, *, begin: int = NOW - 60, end: int = NOW + 60, key: Any = PRIVATE, as_key: Any = PUBLIC) -> str:
    """Return a signature of a record set with one record."""
    owner, rtype, rdata = record.split(maxsplit=2)
    name = dns.name.from_text(owner, ORIGIN)
    records = dns.rrset.from_rdata(name, 60, dns.rdata.from_text("IN", rtype, rdata, origin=ORIGIN, relativize=False))
    made = dns.dnssec.sign(records, key, ORIGIN, as_key, inception=begin, expiration=end, verify=False)
    return f"{owner} RRSIG {made.to_text()}"


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
                return await transfer(ZONE, "127.0.0.1", port, source="127.0.0.1", limits=limits, now=NOW)
        finally:
            serving.close()

    return asyncio.run(whole())


def test_a_zone_whose_keys_made_all_signatures_has_no_orphans() -> None:
    keys, host = f"@ DNSKEY {KEY_TEXT}", "a A 192.0.2.1"
    parts = [[SOA, keys, signed(SOA), signed(keys)], [host, signed(host)], [SOA]]
    assert transferred(sending(*parts)) == Transfer(7, 3, verified=3)


OTHER = ec.generate_private_key(ec.SECP256R1())
HOST, ALIAS, WILD = "a A 192.0.2.1", "B CNAME A.Other.XA.", "* TXT x"
WRONG = {
    "another key with the same tag": signed(HOST, key=OTHER),
    "another record": "a" + signed("a A 192.0.2.2")[1:],
    "expired": signed(HOST, end=NOW - 1),
    "not yet valid": signed(HOST, begin=NOW + 10),
    "empty": signature("a", KEY),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_signature_that_no_resolver_accepts_is_found(wrong: str) -> None:
    records = [SOA, f"@ DNSKEY {KEY_TEXT}", HOST, wrong, ALIAS, signed(ALIAS), WILD, signed(WILD), SOA]
    assert transferred(sending(records)) == Transfer(9, 3, verified=3, invalid=((KEY, 13),))


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_one_valid_signature_of_a_set_is_enough(wrong: str) -> None:
    records = [SOA, f"@ DNSKEY {KEY_TEXT}", HOST, wrong, signed(HOST), SOA]
    assert transferred(sending(records)).invalid == ()


@pytest.mark.parametrize(("text", "is_wrong"), [("257 3 99 AQID", False), ("257 3 13 " + "AQID" * 22, True)])
def test_only_what_cannot_be_verified_is_left_out(text: str, is_wrong: bool) -> None:
    """An algorithm that dnspython does not know is no fault; a key that is no point of its curve signs nothing."""
    key: Any = dns.rdata.from_text("IN", "DNSKEY", text)
    name = (dns.dnssec.key_id(key), int(key.algorithm))
    records = [SOA, f"@ DNSKEY {text}", HOST, signature("a", *name), SOA]
    assert transferred(sending(records)) == Transfer(5, 1, verified=1, invalid=(name,) if is_wrong else ())


def test_the_records_of_the_apex_may_come_in_parts() -> None:
    first, second = "@ NS ns1", "@ NS ns2"
    both = dns.rrset.from_text(ORIGIN, 60, "IN", "NS", f"ns1.{ZONE}.", f"ns2.{ZONE}.")
    made = dns.dnssec.sign(both, PRIVATE, ORIGIN, PUBLIC, inception=NOW, expiration=NOW + 60, verify=False)
    records = [SOA, f"@ DNSKEY {KEY_TEXT}", first, HOST, signed(HOST), second, f"@ RRSIG {made.to_text()}", SOA]
    assert transferred(sending(records)) == Transfer(8, 2, verified=2)


def test_a_large_zone_is_sampled() -> None:
    """The first thousand record sets, then half of them, a quarter and so on; every part of the zone is checked."""
    sets = SignedSets(ORIGIN, NOW)
    sets.add(ORIGIN, PUBLIC)
    address: Any = dns.rdata.from_text("IN", "A", "192.0.2.1")
    for number in range(9000):
        name = dns.name.from_text(f"h{number}", ORIGIN)
        sets.add(name, address)
        sets.add(name, dns.rdata.from_text("IN", "RRSIG", signature("a", KEY).split(maxsplit=2)[2]))
    sets.end()
    assert 1000 + 500 + 2 * 250 < sets.verified <= 4000
    assert sets.invalid == {(KEY, 13)}


def test_signatures_of_other_keys_are_found() -> None:
    records = [
        SOA, f"@ DNSKEY {KEY_TEXT}", signature("a", KEY), signature("b", 4711), signature("c", KEY, 8),
        signature("d", KEY, signer="xa."), SOA,
    ]  # fmt: skip
    found = transferred(sending(records))
    assert found == Transfer(
        7, 4, tuple(sorted([(4711, 13), (KEY, 8), (KEY, 13)]))
    )  # without records, none is verified


def test_a_signature_of_a_published_key_is_enough() -> None:
    """A change of the algorithm begins with signatures of a key that is published later (RFC 6781 section 4.1.4)."""
    both = [signature("a", 4711, 15), signature("a", KEY)]
    assert transferred(sending([SOA, *both, f"@ DNSKEY {KEY_TEXT}", SOA])) == Transfer(5, 2)


def test_no_zone_can_have_signers_without_an_end() -> None:
    records = [signature(f"h{tag}", tag) for tag in range(100)]
    assert transferred(sending([SOA, *records, SOA])).problem == "more than 64 signers"


def test_an_unsigned_zone_has_nothing_to_compare() -> None:
    assert transferred(sending([SOA, "a A 192.0.2.1", SOA])) == Transfer(3)


KEYS = [f"@ DNSKEY 257 3 13 {base64.b64encode(number.to_bytes(64)).decode()}" for number in range(100)]
FAILED, LARGE = TransferOutcome.FAILED, TransferOutcome.TOO_LARGE
INCOMPLETE: dict[str, tuple[Sent, str, TransferOutcome]] = {
    "refused": (sending([], rcode=5), "REFUSED", TransferOutcome.REFUSED),
    "no records": (sending([]), "a message without records", FAILED),
    "not a transfer": (sending(["a A 192.0.2.1"]), "begins and ends with the SOA record", FAILED),
    "records after the end": (sending([SOA, SOA, "a A 192.0.2.1"]), "begins and ends with the SOA record", FAILED),
    "no end": (sending([SOA, "a A 192.0.2.1"]), "the connection was closed", FAILED),
    "another ID": (another_id, "another ID", FAILED),
    "garbage": (garbage, "a malformed message", FAILED),
    "endless keys": (sending([SOA, *KEYS, SOA]), "more than 64 keys", LARGE),
    "endless records": (endless_records, "more than 10000 records", LARGE),
    "endless octets": (endless_octets, "more than 1048576 octets", LARGE),
}


@pytest.mark.parametrize(("sent", "problem", "outcome"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_an_incomplete_transfer_says_nothing_about_signatures(
    sent: Sent, problem: str, outcome: TransferOutcome
) -> None:
    found = transferred(sent)
    assert problem in found.problem
    assert (found.signatures, found.orphans, found.verified, found.invalid) == (0, (), 0, ())
    assert found.outcome is outcome


@pytest.mark.parametrize("sent", [dripping, silent])
def test_a_slow_transfer_ends_in_time(sent: Sent) -> None:
    found = transferred(sent, TransferLimits(seconds=0.5))
    assert (found.problem, found.outcome) == ("not complete after 0.5 seconds", TransferOutcome.TOO_SLOW)


def test_a_server_without_tcp_is_a_problem() -> None:
    assert asyncio.run(transfer(ZONE, "127.79.1.1", 1, source="127.0.0.1", limits=LIMITS)).problem
