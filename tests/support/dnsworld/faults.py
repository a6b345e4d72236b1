"""Faults of a server, as functions that change one reply; see `Server.fault` for when they apply."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.rdataclass import IN

from .zonetext import read_records

HEADER: Final = 12
LOOPED_RECORD: Final = bytes((0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1))


@dataclass
class Exchange:
    """One query as received."""

    wire: bytes
    query: dns.message.Message | None
    transport: str
    server: str
    peer: tuple[str, int] = ("", 0)

    @property
    def question(self) -> tuple[dns.name.Name, dns.rdatatype.RdataType] | None:
        if self.query is None or not self.query.question:
            return None
        return self.query.question[0].name, self.query.question[0].rdtype

    def udp_limit(self) -> int | None:
        """Return the maximum size of the response in octets; None over TCP."""
        if self.transport == "tcp":
            return None
        return 512 if self.query is None or self.query.edns < 0 else max(512, self.query.payload)

    def render(self, message: dns.message.Message) -> bytes:
        limit = self.udp_limit()
        return message.to_wire(max_size=limit or 65535, prefer_truncation=True)


@dataclass
class Reply:
    """The reply to send. The message is authoritative until the octets are requested."""

    exchange: Exchange
    messages: list[dns.message.Message] = field(default_factory=list)
    wires: list[bytes] | None = None
    delay_s: float = 0.0
    may_go: Callable[[], bool] | None = None
    source: str | None = None
    octet_interval_s: float = 0.0
    stated_length: int | None = None
    close: bool = False
    earlier: list[Reply] = field(default_factory=list)

    def octets(self) -> list[bytes]:
        if self.wires is None:
            self.wires = [self.exchange.render(message) for message in self.messages]
        return self.wires


Fault = Callable[[Reply], Reply | None]
"""Changes a reply, or returns None to send nothing."""


def on_message(edit: Callable[[dns.message.Message], dns.message.Message | None]) -> Fault:
    """Change the correct response; None from `edit` drops it."""

    def fault(reply: Reply) -> Reply | None:
        edited = [edit(message) for message in reply.messages]
        reply.messages = [message for message in edited if message is not None]
        return reply if reply.messages or reply.wires else None

    return fault


def on_wire(edit: Callable[[bytes], bytes]) -> Fault:
    """Change the octets of the response."""

    def fault(reply: Reply) -> Reply:
        reply.wires = [edit(wire) for wire in reply.octets()]
        return reply

    return fault


def scripted(script: Callable[[dns.message.Message, bytes, str], bytes | dns.message.Message | None]) -> Fault:
    """Answer with the result of `script(query, wire, transport)`."""

    def fault(reply: Reply) -> Reply | None:
        exchange = reply.exchange
        if exchange.query is None:
            return reply
        made = script(exchange.query, exchange.wire, exchange.transport)
        if made is None:
            return None
        if isinstance(made, bytes):
            reply.wires = [made]
        else:
            reply.messages = [made]
        return reply

    return fault


def silence() -> Fault:
    """Send nothing; a TCP connection stays open."""
    return lambda _reply: None


def first_packet_lost() -> Fault:
    """Drop the first transmission of each query over UDP; a retransmission, which has the same octets, is answered."""
    seen: set[bytes] = set()

    def fault(reply: Reply) -> Reply | None:
        exchange = reply.exchange
        if exchange.transport == "tcp" or exchange.wire in seen:
            return reply
        seen.add(exchange.wire)
        return None

    return fault


def delay(seconds: float) -> Fault:
    def fault(reply: Reply) -> Reply:
        reply.delay_s += seconds
        return reply

    return fault


def hold(until: Callable[[], bool]) -> Fault:
    """Delay the response until a condition is true."""

    def fault(reply: Reply) -> Reply:
        reply.may_go = until
        return reply

    return fault


def hang_up() -> Fault:
    """Close the TCP connection without a response."""

    def fault(reply: Reply) -> Reply:
        reply.wires = []
        reply.close = True
        return reply

    return fault


def rcode(text: str) -> Fault:
    """Answer with only a response code: REFUSED, SERVFAIL, FORMERR, NOTIMP, NXDOMAIN."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        message = _bare(message)
        message.set_rcode(dns.rcode.from_text(text))
        return message

    return on_message(edit)


def empty_answer() -> Fault:
    """Answer NOERROR with AA and without records."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        message = _bare(message)
        message.flags |= dns.flags.AA
        return message

    return on_message(edit)


def flags(*, add: int = 0, remove: int = 0) -> Fault:
    def edit(message: dns.message.Message) -> dns.message.Message:
        message.flags = dns.flags.Flag((message.flags | add) & ~remove)
        return message

    return on_message(edit)


def no_aa() -> Fault:
    return flags(remove=dns.flags.AA)


def recursive() -> Fault:
    """Claim to offer recursion."""
    return flags(add=dns.flags.RA)


def without_edns() -> Fault:
    """Remove the OPT record from the response."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        message.use_edns(False)
        return message

    return on_message(edit)


def edns(
    *, version: int = 0, ednsflags: int = 0, payload: int = 1232, options: Sequence[dns.edns.Option] = ()
) -> Fault:
    """Answer with this OPT record regardless of the query's; the response code BADVERS becomes NOERROR."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        if message.rcode() == dns.rcode.BADVERS:
            message.set_rcode(dns.rcode.NOERROR)
        message.use_edns(version, ednsflags, payload, options=list(options))
        return message

    return on_message(edit)


def truncated() -> Fault:
    """Answer with TC and without records."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        message = _bare(message)
        message.flags |= dns.flags.TC
        return message

    return on_message(edit)


def answers(*, answer: str | None = None, authority: str | None = None, additional: str | None = None) -> Fault:
    """Replace sections with records in zone file format with absolute names; None leaves a section unchanged."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        for number, text in enumerate((answer, authority, additional), start=1):
            if text is not None:
                message.sections[number][:] = _records(text)
        return message

    return on_message(edit)


def alias(target: str) -> Fault:
    """Answer each question with a CNAME record to `target`."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        message = _bare(message)
        message.flags |= dns.flags.AA
        owner = message.question[0].name
        message.answer = [dns.rrset.from_text(owner, 60, "IN", "CNAME", target)]
        return message

    return on_message(edit)


def endless_alias(below: str) -> Fault:
    """Answer each question with a CNAME record to a new name below `below`."""
    count = 0

    def fault(reply: Reply) -> Reply | None:
        nonlocal count
        count += 1
        return alias(f"alias{count}.{below.rstrip('.')}.")(reply)

    return fault


def refer(zone: str, servers: Mapping[str, str | Sequence[str]]) -> Fault:
    """Answer with a referral: servers with their glue addresses."""
    ns = "".join(f"{zone} 3600 IN NS {name}\n" for name in servers)
    glue = ""
    for name, addresses in servers.items():
        for address in (addresses,) if isinstance(addresses, str) else addresses:
            glue += f"{name} 3600 IN {'AAAA' if ':' in address else 'A'} {address}\n"

    def edit(message: dns.message.Message) -> dns.message.Message:
        message = _bare(message)
        message.authority = _records(ns)
        message.additional = _records(glue)
        return message

    return on_message(edit)


def refer_upward() -> Fault:
    """Answer with a referral to the root, as old servers do for zones that they do not serve."""
    return refer(".", {"a.root-servers.net.": ()})


def other_question(name: str, rdtype: str = "A") -> Fault:
    def edit(message: dns.message.Message) -> dns.message.Message:
        message.question = [dns.rrset.RRset(dns.name.from_text(name), IN, dns.rdatatype.from_text(rdtype))]
        return message

    return on_message(edit)


def no_question() -> Fault:
    def edit(message: dns.message.Message) -> dns.message.Message:
        message.question = []
        return message

    return on_message(edit)


def upper_case() -> Fault:
    """Answer with the question and the owner names in upper case."""

    def upper(name: dns.name.Name) -> dns.name.Name:
        return dns.name.Name(tuple(label.upper() for label in name.labels))

    def edit(message: dns.message.Message) -> dns.message.Message:
        for section in message.sections[:2]:
            for rrset in section:
                rrset.name = upper(rrset.name)
        return message

    return on_message(edit)


def wrong_id() -> Fault:
    return on_wire(lambda wire: bytes((wire[0] ^ 0xA5, wire[1] ^ 0x5A)) + wire[2:])


def cut(length: int | None = None) -> Fault:
    """Send only the first octets, by default half of the packet."""
    return on_wire(lambda wire: wire[: len(wire) // 2 if length is None else length])


def pointer_loop() -> Fault:
    """End the packet in a record whose owner is a compression pointer to itself."""

    def edit(wire: bytes) -> bytes:
        position = _question_end(wire)
        pointer = (0xC000 | position).to_bytes(2)
        counts = (1).to_bytes(2) + (1).to_bytes(2) + bytes(4)
        return wire[:4] + counts + wire[HEADER:position] + pointer + LOOPED_RECORD

    return on_wire(edit)


def random_octets(length: int = 100, *, seed: int = 1, keep_id: bool = True) -> Fault:
    """Answer with random octets, by default under the query's id."""
    source = random.Random(seed)

    def fault(reply: Reply) -> Reply:
        noise = source.randbytes(length)
        reply.wires = [reply.exchange.wire[:2] + noise[2:] if keep_id else noise]
        return reply

    return fault


def flipped_octets(count: int = 3, *, seed: int = 1) -> Fault:
    """Change some octets after the id."""
    source = random.Random(seed)

    def edit(wire: bytes) -> bytes:
        changed = bytearray(wire)
        for _ in range(count if len(wire) > 2 else 0):
            changed[source.randrange(2, len(changed))] ^= source.randrange(1, 256)
        return bytes(changed)

    return on_wire(edit)


def echo() -> Fault:
    """Send the query back."""

    def fault(reply: Reply) -> Reply:
        reply.wires = [reply.exchange.wire]
        return reply

    return fault


def from_address(address: str) -> Fault:
    """Send the UDP response from another loopback address and the same port."""

    def fault(reply: Reply) -> Reply:
        reply.source = address
        return reply

    return fault


def after(*forged: Fault) -> Fault:
    """Send forged responses before the correct one; each is the result of a fault applied to the correct response."""

    def fault(reply: Reply) -> Reply:
        for forge in forged:
            copies = [dns.message.from_wire(wire) for wire in reply.octets()]
            made = forge(Reply(reply.exchange, copies))
            if made is not None:
                reply.earlier.append(made)
        return reply

    return fault


def tcp_length(length: int) -> Fault:
    """Send a wrong length before the TCP message."""

    def fault(reply: Reply) -> Reply:
        reply.stated_length = length
        return reply

    return fault


def drip(interval_s: float = 1.0) -> Fault:
    """Send a TCP response octet by octet."""

    def fault(reply: Reply) -> Reply:
        reply.octet_interval_s = interval_s
        return reply

    return fault


def _bare(message: dns.message.Message) -> dns.message.Message:
    """Remove all records, their flags and the response code."""
    for section in message.sections[1:]:
        section.clear()
    message.set_rcode(dns.rcode.NOERROR)
    message.flags &= ~(dns.flags.AA | dns.flags.TC)
    return message


def _records(text: str) -> list[dns.rrset.RRset]:
    return [dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset)) for name, rdataset in read_records(text)]


def _question_end(wire: bytes) -> int:
    position = HEADER
    while wire[position]:
        position += wire[position] + 1
    return position + 5
