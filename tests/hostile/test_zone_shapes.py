"""Malformed zones: a run stays within its budget and its deadline for any response, and no test case fails."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from dns.rdatatype import RdataType

from gonemaster_engine.run.run import RunResult
from gonemaster_engine.run_log import Log
from tests.hostile._counting import ROOT, CountingDns, Records, Reply, numbered
from tests.hostile.test_run_budget import OWN, ZONE, check_budget, evil_zone, run_inside
from tests.support.engine import loopback_profile

SERVERS = numbered(12)
OUTER = dns.name.from_text(ZONE)
Answer = Callable[[str, dns.message.Message], Reply]


class Evil:
    """A world whose zone has a dozen servers, and the malformed responses that they send."""

    def __init__(self, world: CountingDns | None = None) -> None:
        self.world = world or served_zone()
        self.world.answer = self.answer
        self.number = 0

    def answer(self, address: str, query: dns.message.Message) -> Reply:
        """Answer correctly, unless the query is for the evil zone."""
        self.number += 1
        is_mine = address in {OWN, *SERVERS} and query.question[0].name.is_subdomain(OUTER)
        return self.evil(query) if is_mine else self.world.authoritative(address, query)

    def evil(self, query: dns.message.Message) -> Reply:
        return self.world.authoritative(OWN, query)

    def working(self, query: dns.message.Message) -> dns.message.Message | None:
        """Return the correct response to a query without which a run would stop."""
        question = query.question[0]
        is_basic = question.name == OUTER and question.rdtype in {RdataType.SOA, RdataType.NS}
        is_address = question.name != OUTER and question.rdtype in {RdataType.A, RdataType.AAAA}
        return self.world.authoritative(OWN, query) if is_basic or is_address else None


def served_zone(kind: type[CountingDns] = CountingDns) -> CountingDns:
    world = evil_zone(names=len(SERVERS), addresses=len(SERVERS), mail=3)
    made = kind(world.zones, world.served)
    for address in SERVERS:
        made.served[address] = {ZONE}
    return made


class Truncated(Evil):
    """Every response is truncated, also over TCP."""

    def evil(self, query: dns.message.Message) -> Reply:
        response = self.working(query) or dns.message.make_response(query)
        response.flags |= dns.flags.TC | dns.flags.AA
        return response


class TruncatedAndWorking(Evil):
    """Responses are truncated over UDP; TCP responses are truncated in the middle of a record."""

    def evil(self, query: dns.message.Message) -> Reply:
        wire = (self.world.authoritative(OWN, query) or dns.message.make_response(query)).to_wire()
        return wire[: len(wire) - self.number % 9] if self.number % 3 else wire


class SelfReferral(Evil):
    """Each server refers to the zone itself, the root or the parent in turn, without authority."""

    def evil(self, query: dns.message.Message) -> Reply:
        response = dns.message.make_response(query)
        owner = (f"{ZONE}.", ".", "xa.", f"x{self.number}.{ZONE}.")[self.number % 4]
        for index, address in enumerate(SERVERS):
            name = f"r{index}.{ZONE}."
            response.authority.append(dns.rrset.from_text(owner, 300, "IN", "NS", name))
            response.additional.append(dns.rrset.from_text(name, 300, "IN", "A", address))
        return self.working(query) if self.number % 2 else response


class AliasesOverTlds(Evil):
    """Names of servers and mail servers are aliases into a separate TLD each, whose servers lead on to the next.

    No TLD was queried before, so each step queries the root.
    """

    def answer(self, address: str, query: dns.message.Message) -> Reply:
        self.number += 1
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        if address == ROOT and name.rpartition(".")[2].startswith("t"):
            return self._refer(query, name.rpartition(".")[2])
        if address in SERVERS and not question.name.is_subdomain(OUTER):
            return self._lead_on(query)
        if address == OWN and question.rdtype == RdataType.MX:
            return self._mail(query)
        return self.world.authoritative(address, query)

    def _refer(self, query: dns.message.Message, tld: str) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.authority.append(dns.rrset.from_text(f"{tld}.", 300, "IN", "NS", f"ns.{tld}."))
        glue = SERVERS[self.number % len(SERVERS)]
        response.additional.append(dns.rrset.from_text(f"ns.{tld}.", 300, "IN", "A", glue))
        return response

    def _lead_on(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        target = f"a.t{self.number}." if self.number % 5 else f"b.{query.question[0].name.to_text()}"
        rtype = "DNAME" if self.number % 7 == 0 else "CNAME"
        response.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", rtype, target))
        return response

    def _mail(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        targets = [f"{number} m.t{1000 + number}." for number in range(50)]
        response.answer.append(dns.rrset.from_text_list(f"{ZONE}.", 300, "IN", "MX", targets))
        return response


def _parameters(source: random.Random) -> bytes:
    """Return parameters of an SVCB record (RFC 9460 section 2.2): in order or not, with correct lengths or not."""
    keys = sorted(source.sample(range(12), 6)) if source.random() < 0.6 else [source.randrange(65536) for _ in range(6)]
    made = b""
    for key in keys:
        value = source.randbytes(source.randrange(20))
        length = len(value) if source.random() < 0.8 else source.randrange(65536)
        made += struct.pack("!HH", key, length) + value
    return made


class ServiceBindings(Evil):
    """Every response is full of SVCB and HTTPS records, valid and invalid, in the answer and the additional section."""

    def evil(self, query: dns.message.Message) -> Reply:
        source = random.Random(self.number)
        response = self.working(query) or dns.message.make_response(query)
        response.flags |= dns.flags.AA
        wire = bytearray(response.to_wire())
        records = b""
        count = 0
        while len(records) < (400 if self.number % 5 else 50_000):
            owner = b"\xc0\x0c" if source.random() < 0.8 else b"\x04_853\xc0\x0c"
            target = source.choice([b"\0", b"\xc0\x0c", b"\x03svc\xc0\x0c", b"\x3f" + b"x" * 63 + b"\xc0\x0c"])
            rdata = struct.pack("!H", source.choice([0, 1, 65535])) + target + _parameters(source)
            records += owner + struct.pack("!HHIH", source.choice([64, 65]), 1, 300, len(rdata)) + rdata
            count += 1
        place = 6 if not (response.authority or response.additional) and source.random() < 0.5 else 10
        struct.pack_into("!H", wire, place, struct.unpack_from("!H", wire, place)[0] + count)
        return bytes(wire) + records


_SIGNATURES = 1_900


@cache
def _empty_signatures(covered: int) -> bytes:
    records = b""
    for number in range(_SIGNATURES):
        rdata = struct.pack("!HBBIIIH", covered, number % 17, 2, 300, 2**31 - 1, 1, number) + b"\xc0\x0c"
        records += b"\xc0\x0c" + struct.pack("!HHIH", 46, 1, 300, len(rdata)) + rdata
    return records


class EmptySignatures(Evil):
    """Every response has the maximum number of signatures, of every algorithm, with empty signature fields."""

    def evil(self, query: dns.message.Message) -> Reply:
        response = self.working(query) or dns.message.make_response(query)
        response.flags |= dns.flags.AA
        wire = bytearray(response.to_wire())
        if response.authority or response.additional:
            return response
        struct.pack_into("!H", wire, 6, struct.unpack_from("!H", wire, 6)[0] + _SIGNATURES)
        return bytes(wire) + _empty_signatures(int(query.question[0].rdtype))


class OddTexts(Evil):
    """Every name and text that can reach an entry contains formulas, control characters, markup and invalid UTF-8."""

    TEXTS = (b"=cmd|'/c calc'!A1", b"@SUM(1)", b"\x1b[2J\x07", b"<script>alert(1)</script>", b"\xff\xfe\x00", b"a.b\\")

    def evil(self, query: dns.message.Message) -> Reply:
        rtype = query.question[0].rdtype
        if rtype not in {RdataType.TXT, RdataType.MX, RdataType.CAA, RdataType.SOA}:
            return self.world.authoritative(OWN, query)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        wire = bytearray(response.to_wire())
        labels = b"".join(bytes([len(text)]) + text for text in self.TEXTS) + b"\0"
        rdata = {
            RdataType.TXT: b"".join(bytes([len(text) + 7]) + b"v=spf1 " + text for text in self.TEXTS),
            RdataType.MX: b"\0\x0a" + labels,
            RdataType.CAA: b"\0\x05issue" + b"".join(self.TEXTS),
            RdataType.SOA: labels + labels + struct.pack("!5I", 1, 1, 1, 1, 1),
        }[rtype]
        records = b"\xc0\x0c" + struct.pack("!HHIH", rtype, 1, 300, len(rdata)) + rdata
        struct.pack_into("!H", wire, 6, 1)
        end = 12 + len(query.question[0].name.to_wire() or b"") + 4
        return bytes(wire[:end]) + records + bytes(wire[end:])


class AliasedServers(Evil):
    """The names of the servers are aliases of one another, in loops of every length, and of the zone itself."""

    def evil(self, query: dns.message.Message) -> Reply:
        question = query.question[0]
        if question.name == OUTER or question.rdtype not in {RdataType.A, RdataType.AAAA, RdataType.CNAME}:
            return self.world.authoritative(OWN, query)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        label = question.name.labels[0].decode()
        number = int(label[1:]) if label[1:].isdigit() else 0
        target = f"n{(number * 7 + self.number) % 12}.{ZONE}." if self.number % 4 else f"{ZONE}."
        response.answer.append(dns.rrset.from_text(question.name, 300, "IN", "CNAME", target))
        return response


SHAPES = (
    Truncated,
    TruncatedAndWorking,
    SelfReferral,
    AliasesOverTlds,
    ServiceBindings,
    EmptySignatures,
    OddTexts,
    AliasedServers,
)


def checked_run(world: CountingDns, *, deadline_s: float = 10.0, **fields: Any) -> RunResult:
    """Test the zone; check the invariants of every zone."""
    with world:
        result = run_inside(world, deadline_s=deadline_s, **fields)
    assert [entry.args for entry in result.entries if entry.tag == "MODULE_ERROR"] == []
    check_budget(world, {OWN, *SERVERS})
    return result


@pytest.mark.parametrize(
    "shape", [*SHAPES[:3], *(pytest.param(shape, marks=pytest.mark.thorough) for shape in SHAPES[3:])]
)
def test_odd_answers_keep_the_budget_and_break_no_test_case(shape: type[Evil]) -> None:
    evil = shape()
    checked_run(evil.world, fast_fail_timeout_count=1, error_cache_ttl_s=30, timeout_s=2.0, retrans_s=1.0)
    assert evil.number > 20, "the run did not come to what is evil"


class DrippingDns(CountingDns):
    """UDP responses are truncated; TCP responses arrive one octet every quarter of a second."""

    def _reply(self, address: str, wire: bytes, *, limit: int) -> bytes | None:
        reply = super()._reply(address, wire, limit=limit)
        if reply and limit < 1000 and address in {OWN, *SERVERS}:
            cut = bytearray(reply)
            cut[2] |= 0x02
            return bytes(cut)
        return reply

    async def _converse(self, connected: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with connected, contextlib.suppress(OSError):
            wire = await loop.sock_recv(connected, 4096)
            reply = self._reply(connected.getsockname()[0], wire[2:], limit=65535) if wire else b""
            for octet in struct.pack("!H", len(reply or b"")) + (reply or b""):
                await loop.sock_sendall(connected, bytes([octet]))
                await asyncio.sleep(0.25)


def test_answers_that_come_an_octet_at_a_time_end_with_their_time_limit() -> None:
    """Each server keeps each connection open for as long as possible; the run ends at its deadline."""
    world = served_zone(DrippingDns)
    assert checked_run(world, deadline_s=4.0, timeout_s=1.0, retrans_s=0.5).unfinished


def test_glue_of_one_name_at_a_thousand_addresses_is_cut() -> None:
    silent = numbered(1000, net=110)
    own: Records = {
        (ZONE, "NS"): [f"a.{ZONE}.", f"many.{ZONE}."],
        (f"a.{ZONE}", "A"): [OWN],
        (f"many.{ZONE}", "A"): silent,
    }
    world = CountingDns({ZONE: own}, {OWN: [ZONE]})
    with world:
        run_inside(world, deadline_s=6.0, fast_fail_timeout_count=1, error_cache_ttl_s=30)
    check_budget(world, {OWN, *silent})
    assert len([address for address in silent if world.packets[address]]) <= 100


def test_addresses_that_are_not_asked_fill_no_log() -> None:
    """Servers without addresses cost an attacker nothing: a referral can name thousands of them."""
    log = Log(loopback_profile())
    for number in range(20_000):
        log.defer("NON_GLOBAL_QUERY_BLOCKED", ns=f"n{number}.{ZONE}", address="224.0.0.1")
    log.add_deferred()
    assert len(log.entries) == 1_000
