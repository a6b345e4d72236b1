"""Mutations for nameserver16, 17 and 18: EDNS options of any content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import dns.edns
import dns.flags
import dns.message
import dns.rcode

from tests.reference.mutations.mutation import Mutation, names, numbered
from tests.support.case_runs import A1, A2, example_world
from tests.support.dnssec_worlds import with_fault
from tests.support.dnsworld import Fault, World, faults
from tests.support.dnsworld.faults import Reply

NSID, COOKIE, ERROR = 3, 10, 15
SILENT: tuple[tuple[str, Fault], ...] = (("silent", faults.silence()),)
TRUNCATED = ("truncated", faults.truncated())


def options(*pairs: tuple[int, bytes], rcode: str = "NOERROR") -> Fault:
    """Answer with these options and a response code."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        if rcode != "NOERROR":
            message.answer = []
        message.use_edns(
            0, 0, 1232, options=[dns.edns.GenericOption(dns.edns.OptionType.make(code), data) for code, data in pairs]
        )
        message.set_rcode(dns.rcode.from_text(rcode))
        return message

    return faults.on_message(edit)


def both(fault: Fault, **conditions: object) -> Callable[[], World]:
    return lambda: with_fault(example_world(), fault, qtype="SOA", **conditions)


def first(fault: Fault) -> Callable[[], World]:
    return lambda: with_fault(example_world(), fault, A1, qtype="SOA")


def _nsid() -> Iterator[tuple[str, Mutation]]:
    has, none = names("N16_", "HAS_NSID"), names("N16_", "NO_NSID_REVEALED")
    for name, data, reached in (
        ("text", b"ns1.fra", has),
        ("blanks", b"  ns1 ", has),
        ("only-blanks", b"  ", none),
        ("empty", b"", none),
        ("utf-8", "n\u00e9".encode(), has),
        ("octets", b"\x00\x01\xff", has),
        ("text-and-nul", b"ns1\0", has),
        ("newline", b"ns1\nns2", has),
        ("delete", b"a\x7f", has),
        ("tab", b"\tns1\t", has),
        ("newline-last", b"ns1\n", has),
    ):
        yield f"nsid-{name}", Mutation("nameserver16", both(options((NSID, data))), reached)
    yield "nsid-twice", Mutation("nameserver16", both(options((NSID, b"one"), (NSID, b"two"))), has)
    yield "nsid-one", Mutation("nameserver16", first(options((NSID, b"one"))), has + none)
    yield "nsid-none", Mutation("nameserver16", example_world, none)
    for code in ("REFUSED", "FORMERR", "BADVERS", "NXDOMAIN"):
        reached = names("N16_", "UNEXPECTED_RCODE")
        yield f"nsid-{code}", Mutation("nameserver16", both(options((NSID, b"one"), rcode=code)), reached)
    yield "nsid-silent", Mutation("nameserver16", first(faults.silence()), names("N16_", "NO_RESPONSE"))
    yield "nsid-not-aa", Mutation("nameserver16", both(faults.no_aa()), none)


def cookies(make: Callable[[bytes, int], bytes | None], *codes: str) -> Callable[[], World]:
    """Answer the n-th query with the cookie `make(received, n)` and the n-th response code."""

    def build() -> World:
        world = example_world()
        for address in (A1, A2):
            for number, code in enumerate(codes or ("NOERROR",)):
                nth = range(number + 1, 100) if number + 1 >= len(codes) else number + 1
                fault = with_query(partial(_with_cookie, make, number, code))
                world.server(address).fault(fault, qtype="SOA", nth=nth, when=lambda one: _has_cookie(one.query))
        return world

    return build


def _with_cookie(
    make: Callable[[bytes, int], bytes | None],
    number: int,
    code: str,
    message: dns.message.Message,
    query: dns.message.Message,
) -> dns.message.Message:
    received = next(one.to_wire() for one in query.options if one.otype == COOKIE)
    cookie = make(received, number)
    return _edited(message, options(*([] if cookie is None else [(COOKIE, cookie)]), rcode=code))


def _has_cookie(query: dns.message.Message | None) -> bool:
    return query is not None and any(one.otype == COOKIE for one in query.options)


def _edited(message: dns.message.Message, fault: Fault) -> dns.message.Message:
    reply = fault(faults.Reply(faults.Exchange(b"", None, "udp", ""), [message]))
    assert reply is not None
    return reply.messages[0]


def with_query(edit: Callable[[dns.message.Message, dns.message.Message], dns.message.Message]) -> Fault:
    def fault(reply: faults.Reply) -> faults.Reply:
        if reply.exchange.query is not None:
            reply.messages = [edit(message, reply.exchange.query) for message in reply.messages]
        return reply

    return fault


def _full(length: int) -> Callable[[bytes, int], bytes]:
    return lambda received, count: (received[:8] + bytes((count + 1,)) * 32)[:length]


def _cookies() -> Iterator[tuple[str, Mutation]]:
    case = "nameserver17"
    well = names("N17_COOKIE_", "SUPPORTED ROUNDTRIP_OK")
    malformed = names("N17_COOKIE_", "MALFORMED")
    for length in (16, 17, 24, 39, 40):
        yield f"cookie-{length}", Mutation(case, cookies(_full(length)), well)
    yield "cookie-8", Mutation(case, cookies(_full(8)), names("N17_COOKIE_", "CLIENT_ONLY"))
    for length in (0, 1, 7, 9, 15):
        yield f"cookie-{length}", Mutation(case, cookies(_full(length)), malformed)
    yield "cookie-41", Mutation(case, cookies(lambda got, _: got[:8] + bytes(33)), malformed)
    yield "cookie-none", Mutation(case, cookies(lambda *_: None), names("N17_", "NO_COOKIE"))
    yield "cookie-other-client", Mutation(case, cookies(lambda got, _: bytes(24)), malformed)
    yield "cookie-other-client-8", Mutation(case, cookies(lambda got, _: bytes(8)), malformed)
    enforced = names("N17_COOKIE_", "ENFORCED")
    yield "cookie-enforced", Mutation(case, cookies(_full(24), "BADCOOKIE", "NOERROR"), enforced + well[1:])
    twice = cookies(_full(24), "BADCOOKIE", "BADCOOKIE", "NOERROR")
    yield "cookie-enforced-fresh", Mutation(case, twice, enforced + well[1:])
    rejected = names("N17_COOKIE_", "SELF_REJECT")
    yield "cookie-rejected", Mutation(case, cookies(_full(24), "BADCOOKIE"), enforced + rejected)
    yield "cookie-later-rejected", Mutation(case, cookies(_full(24), "NOERROR", "BADCOOKIE"), well[:1] + rejected)
    yield "cookie-later-refused", Mutation(case, cookies(_full(24), "NOERROR", "REFUSED"), well[:1], well[1:])
    yield "cookie-bad-8", Mutation(case, cookies(_full(8), "BADCOOKIE"), (), enforced)
    yield "cookie-bad-none", Mutation(case, cookies(lambda *_: None, "BADCOOKIE"), (), enforced)
    gone = cookies(lambda got, count: None if count else got[:8] + bytes(16), "BADCOOKIE", "BADCOOKIE")
    yield "cookie-bad-then-none", Mutation(case, gone, enforced)
    yield "cookie-refused", Mutation(case, cookies(_full(24), "REFUSED"), (), well)
    yield "cookie-formerr", Mutation(case, cookies(lambda *_: None, "FORMERR"), ())
    for name, fault in (*SILENT, TRUNCATED):
        yield f"cookie-{name}", Mutation(case, first(fault), names("N17_", "NO_RESPONSE"))


def _drops_edns(reply: Reply) -> Reply | None:
    query = reply.exchange.query
    return None if query is None or query.edns >= 0 else reply


def _errors() -> Iterator[tuple[str, Mutation]]:
    case = "nameserver18"
    classes = {
        "SERVER_ERROR_REPORTED": (18, 20, 21),
        "FILTERED_RESPONSE": (4, 15, 16, 17),
        "RESOLVER_BEHAVIOR_REPORTED": (1, 2, 3, *range(5, 14), 19, 22, 23, 25, 27, 29, 33),
        "EXTENDED_ERROR_REPORTED": (0, 14, 24, 26, 28, 30, 31, 32, 34, 35, 49151, 49152, 65535),
    }
    for word, codes in classes.items():
        pairs = options(*((ERROR, code.to_bytes(2)) for code in codes))
        yield f"error-{word}", Mutation(case, both(pairs), names("N18_", word))
    reported = names("N18_", "EXTENDED_ERROR_REPORTED")
    for name, text in (
        ("text", b"some text"),
        ("nul", b"some text\0"),
        ("nuls", b"some text\0\0"),
        ("blanks", b"  some text \0"),
        ("bad-utf-8", b"some \xff text"),
        ("255", b"a" * 255),
        ("256", b"a" * 256),
        ("257", b"a" * 257),
        ("256-split", b"a" * 255 + "\u00e9".encode()),
        ("control", b"some\x01text\x7f"),
        ("newline", b"some\ntext"),
        ("only-nul", b"\0"),
        ("only-bad", b"\xff\xfe"),
    ):
        yield f"error-text-{name}", Mutation(case, both(options((ERROR, b"\0\0" + text))), reported)
    yield "error-octet", Mutation(case, both(options((ERROR, b"\0"))), ())
    yield "error-twice", Mutation(case, both(options((ERROR, b"\0\0a"), (ERROR, b"\0\0b"))), reported)
    yield "error-same-twice", Mutation(case, both(options((ERROR, b"\0\0a"), (ERROR, b"\0\0a"))), reported)
    yield "error-refused", Mutation(case, both(options((ERROR, b"\0\x12"), rcode="REFUSED")), ())
    yield "error-plain-refused", Mutation(case, both(options(rcode="REFUSED")), (), names("N18_", "NO_EXTENDED_ERROR"))
    yield "error-one", Mutation(case, first(options((ERROR, b"\0\0a"))), (*reported, "N18_NO_EXTENDED_ERROR"))
    yield "error-silent", Mutation(case, first(faults.silence()), names("N18_", "NO_RESPONSE"))
    yield "error-truncated", Mutation(case, both(faults.truncated()), ())
    answered = names("N18_", "NO_EXTENDED_ERROR")
    yield "error-edns-dropped", Mutation(case, both(_drops_edns), answered, names("N18_", "NO_RESPONSE"))


MUTATIONS = numbered((*_nsid(), *_cookies(), *_errors()))
