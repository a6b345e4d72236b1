"""Mutations for connectivity05: DNSKEY responses of an exact size, and faults on their path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rrset
from dns.rdataclass import IN
from dns.rdatatype import DNSKEY

from tests.reference.mutations.mutation import Mutation, names, numbered
from tests.support.case_runs import A1, A2, example_world
from tests.support.dnssec_worlds import edit
from tests.support.dnsworld import Exchange, Fault, World, faults

CASE = "connectivity05"
OWNER = dns.name.from_text("example.xa")


def padded(size: int) -> Fault:
    """Answer DNSKEY queries with arbitrary keys, so that the response has exactly this number of octets."""

    def fill(message: dns.message.Message, lengths: list[int]) -> int:
        keys = [bytes((1, 1, 3, 253)) + bytes((number,)) * length for number, length in enumerate(lengths)]
        rdatas = [dns.rdata.from_wire(IN, DNSKEY, key, 0, len(key)) for key in keys]
        message.answer = [dns.rrset.from_rdata_list(OWNER, 60, rdatas)]
        return len(message.to_wire(max_size=65535))

    def change(message: dns.message.Message) -> None:
        lengths = [1]
        missing = size - fill(message, lengths)
        while missing > 3000:
            lengths.append(2000)
            missing = size - fill(message, lengths)
        lengths[0] += missing
        message.flags |= dns.flags.AA
        if (made := fill(message, lengths)) != size:
            raise ValueError(f"{made} octets instead of {size}")

    return edit(change)


def of_size(size: int, *more: tuple[Fault, str | None, range | None]) -> World:
    """Serve a DNSKEY response of a size; further faults for a transport and for announced sizes."""
    world = example_world()
    for address in (A1, A2):
        server = world.server(address)
        server.fault(padded(size), qtype="DNSKEY")
        for fault, transport, payloads in more:
            server.fault(fault, qtype="DNSKEY", transport=transport, when=_announces(payloads))
    return world


def _announces(payloads: range | None) -> Callable[[Exchange], bool]:
    def fits(exchange: Exchange) -> bool:
        return payloads is None or (exchange.query is not None and exchange.query.payload in payloads)

    return fits


TC = (faults.truncated(), "udp", None)
PROBES = range(1233, 5000)
DEFAULT = range(1232, 5000)
TCP_TC = (faults.flags(add=dns.flags.TC), "tcp", None)


def _sizes() -> Iterator[tuple[str, Mutation]]:
    delivered, needs = names("CN05_", "LARGE_ANSWER_DELIVERED_UDP"), names("CN05_", "ANSWER_NEEDS_TCP")
    for size in (300, 1231, 1232):
        yield f"size-{size}", Mutation(CASE, partial(of_size, size), names("CN05_", "ANSWER_FITS_UDP"), needs)
    for size in (1233, 1279, 1280, 1281, 1535, 1536, 3839, 3840, 3841, 4095, 4096):
        yield f"size-{size}", Mutation(CASE, partial(of_size, size), needs + delivered)
    for size in (4097, 9000):
        yield f"size-{size}", Mutation(CASE, partial(of_size, size), needs, delivered)


def _ways() -> Iterator[tuple[str, Mutation]]:
    needs = names("CN05_", "ANSWER_NEEDS_TCP")
    yield "always-tc-small", Mutation(CASE, lambda: of_size(1232, TC), needs, names("CN05_", "SERVER_CAPS_UDP_ANSWER"))
    yield "always-tc", Mutation(CASE, lambda: of_size(1300, TC), names("CN05_", "SERVER_CAPS_UDP_ANSWER"))
    yield "always-tc-4096", Mutation(CASE, lambda: of_size(4096, TC), names("CN05_", "SERVER_CAPS_UDP_ANSWER"))
    yield "always-tc-4097", Mutation(CASE, lambda: of_size(4097, TC), needs, names("CN05_", "SERVER_CAPS_UDP_ANSWER"))
    silent, refused = (faults.silence(), "udp", PROBES), (faults.rcode("REFUSED"), "udp", PROBES)
    yield "probe-lost", Mutation(CASE, lambda: of_size(2000, silent), names("CN05_", "LARGE_ANSWER_NO_UDP_ANSWER"))
    yield "probe-refused", Mutation(CASE, lambda: of_size(2000, refused), needs)
    lost = (faults.silence(), "udp", DEFAULT)
    yield "lost", Mutation(CASE, lambda: of_size(1232, lost), names("CN05_", "UDP_LOSS_SIZE_DEPENDENT"))
    yield "lost-though-small", Mutation(CASE, lambda: of_size(500, lost), ())
    yield "lost-513", Mutation(CASE, lambda: of_size(513, lost), names("CN05_", "UDP_LOSS_SIZE_DEPENDENT"))
    yield "lost-512", Mutation(CASE, lambda: of_size(512, lost), (), names("CN05_", "UDP_LOSS_SIZE_DEPENDENT"))
    yield "lost-tcp-tc", Mutation(CASE, lambda: of_size(1232, lost, TCP_TC), names("CN05_", "TCP_ANSWER_TRUNCATED"))
    no_tcp = (faults.rcode("SERVFAIL"), "tcp", None)
    yield "lost-tcp-servfail", Mutation(CASE, lambda: of_size(1232, lost, no_tcp), ())
    yield "tcp-tc", Mutation(CASE, lambda: of_size(1500, TCP_TC), names("CN05_", "TCP_ANSWER_TRUNCATED"), needs)
    yield "tcp-servfail", Mutation(CASE, lambda: of_size(1500, no_tcp), (), needs)
    hang_up = (faults.hang_up(), "tcp", None)
    yield "tcp-closed", Mutation(CASE, lambda: of_size(1500, hang_up), (), needs)
    wrong = (faults.rcode("SERVFAIL"), None, None)
    yield "servfail", Mutation(CASE, lambda: of_size(1500, wrong), ())
    yield "udp-silent", Mutation(CASE, lambda: of_size(1500, (faults.silence(), "udp", None)), ())
    yield "both-sizes", Mutation(CASE, both_sizes, names("CN05_", "ANSWER_FITS_UDP ANSWER_NEEDS_TCP"))
    yield "two-that-fit", Mutation(CASE, two_that_fit, names("CN05_", "ANSWER_FITS_UDP"))


def both_sizes() -> World:
    world = example_world()
    world.server(A1).fault(padded(1000), qtype="DNSKEY")
    world.server(A2).fault(padded(1400), qtype="DNSKEY")
    return world


def two_that_fit() -> World:
    world = example_world()
    world.server(A1).fault(padded(1000), qtype="DNSKEY")
    world.server(A2).fault(padded(1232), qtype="DNSKEY")
    return world


MUTATIONS = numbered((*_sizes(), *_ways()))
