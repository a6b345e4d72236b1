"""Queries to single servers over sockets, each sent once, and resolution from the root."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype
from dns.rdatatype import RdataType

from tests.reference.messages import Reply, read_reply

PAYLOAD: Final = 1232
SMALL_PAYLOAD: Final = 512


@dataclass(frozen=True)
class Question:
    """The question and how to send it: `payload` 0 means no EDNS; `transport` "auto" retries over TCP after TC."""

    name: dns.name.Name
    rdtype: RdataType
    dnssec: bool = False
    payload: int = 0
    transport: str = "auto"
    options: tuple[tuple[int, bytes], ...] = ()

    def message(self) -> dns.message.Message:
        made = dns.message.make_query(self.name, self.rdtype, flags=0)
        if self.payload:
            flags = dns.flags.DO if self.dnssec else 0
            options: list[dns.edns.Option] = [
                dns.edns.GenericOption(dns.edns.OptionType.make(code), data) for code, data in self.options
            ]
            made.use_edns(0, flags, self.payload, options=options)
        return made


def do(name: dns.name.Name, rdtype: RdataType) -> Question:
    """A DO query of the specification."""
    return Question(name, rdtype, dnssec=True, payload=PAYLOAD)


def plain(name: dns.name.Name, rdtype: RdataType) -> Question:
    """A query without EDNS."""
    return Question(name, rdtype)


@dataclass
class Network:
    """Sends queries to one port of any address; a question is sent to an address once, and its reply is cached."""

    port: int
    timeout_s: float
    ipv4: bool = True
    ipv6: bool = True
    _known: dict[tuple[str, Question], Reply | None] = field(default_factory=dict)

    def allows(self, address: str) -> bool:
        return self.ipv6 if ":" in address else self.ipv4

    def ask(self, address: str, question: Question) -> Reply | None:
        """Return the reply, or None without one; an address of a disabled family gets no query."""
        if not self.allows(address):
            return None
        key = (address, question)
        if key not in self._known:
            self._known[key] = self._ask(address, question)
        return self._known[key]

    def _ask(self, address: str, question: Question) -> Reply | None:
        if question.transport == "tcp":
            return self._over_tcp(address, question)
        reply = self._over_udp(address, question)
        if reply is not None and reply.tc and question.transport == "auto":
            return self.ask(address, replace(question, transport="tcp")) or reply
        return reply

    def _over_udp(self, address: str, question: Question) -> Reply | None:
        query = question.message()
        until = time.monotonic() + self.timeout_s
        with _socket(address, socket.SOCK_DGRAM) as opened:
            opened.connect((address, self.port))
            opened.send(query.to_wire())
            while (left := until - time.monotonic()) > 0:
                opened.settimeout(left)
                with contextlib.suppress(OSError):
                    reply = read_reply(opened.recv(65535), "udp")
                    if reply is not None and query.is_response(reply.message):
                        return reply
        return None

    def _over_tcp(self, address: str, question: Question) -> Reply | None:
        query = question.message()
        wire = query.to_wire()
        with _socket(address, socket.SOCK_STREAM) as opened, contextlib.suppress(OSError, EOFError):
            opened.settimeout(self.timeout_s)
            opened.connect((address, self.port))
            opened.sendall(len(wire).to_bytes(2) + wire)
            length = int.from_bytes(_exactly(opened, 2))
            reply = read_reply(_exactly(opened, length), "tcp")
            if reply is not None and query.is_response(reply.message):
                return reply
        return None


@contextlib.contextmanager
def _socket(address: str, kind: socket.SocketKind) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as opened:
        yield opened


def _exactly(opened: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        piece = opened.recv(count - len(got))
        if not piece:
            raise EOFError
        got += piece
    return got
