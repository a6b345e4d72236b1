"""NAMESERVER17: DNS cookies."""

from __future__ import annotations

from collections.abc import Callable

import dns.edns
import dns.message
import dns.rcode
import pytest

from gonemaster_engine.findings.messages import advice, template
from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Exchange, Fault, Server, faults

COOKIE = dns.edns.OptionType.COOKIE
CLIENT_OCTETS = 8


def cookie_of(exchange: Exchange) -> bytes:
    options = exchange.query.options if exchange.query else ()
    return next((option.to_wire() for option in options if option.otype == COOKIE), b"")


def with_cookie(exchange: Exchange) -> bool:
    return bool(cookie_of(exchange))


def with_full_cookie(exchange: Exchange) -> bool:
    return len(cookie_of(exchange)) > CLIENT_OCTETS


def answering(make: Callable[[bytes], bytes | None], *, rcode: str = "NOERROR") -> Fault:
    """Answer with the cookie that `make` returns for the client part of the query's cookie."""

    def fault(reply: faults.Reply) -> faults.Reply:
        cookie = make(cookie_of(reply.exchange)[:CLIENT_OCTETS])

        def edit(message: dns.message.Message) -> dns.message.Message:
            options: list[dns.edns.Option] = [] if cookie is None else [dns.edns.GenericOption(COOKIE, cookie)]
            message.use_edns(0, 0, 1232, options=options)
            message.set_rcode(dns.rcode.from_text(rcode))
            return message

        changed = faults.on_message(edit)(reply)
        assert changed is not None
        return changed

    return fault


def first_then(*several: Fault) -> Callable[[Server], object]:
    """Apply the first fault to the query for a cookie, and the others in turn to the queries with a full cookie."""

    def change(server: Server) -> None:
        server.fault(several[0], when=lambda exchange: with_cookie(exchange) and not with_full_cookie(exchange))
        for number, fault in enumerate(several[1:], start=1):
            server.fault(fault, when=with_full_cookie, nth=number)

    return change


def full(client: bytes) -> bytes:
    return client + b"server!!"


def fresh(client: bytes) -> bytes:
    return client + b"fresher!"


def about_first(*tags: str) -> list[Found]:
    return sorted([*((tag, {"servers": [S1]}) for tag in tags), ("N17_NO_COOKIE", {"servers": [S2]})])


def malformed(octets: int) -> list[Found]:
    return [("N17_COOKIE_MALFORMED", {"cookie_bytes": octets, "servers": [S1]}), ("N17_NO_COOKIE", {"servers": [S2]})]


BAD, BAD_FRESH = answering(full, rcode="BADCOOKIE"), answering(fresh, rcode="BADCOOKIE")
ACCEPTED = about_first("N17_COOKIE_SUPPORTED", "N17_COOKIE_ROUNDTRIP_OK")

FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "none": (lambda server: None, [("N17_NO_COOKIE", {"servers": BOTH})]),
    "given and accepted": (lambda server: server.set(cookies=True), ACCEPTED),
    "expired at once, the next one accepted": (first_then(answering(full), BAD_FRESH, answering(fresh)), ACCEPTED),
    "refused twice": (
        first_then(answering(full), BAD_FRESH, BAD_FRESH),
        about_first("N17_COOKIE_SUPPORTED", "N17_COOKIE_SELF_REJECT"),
    ),
    "demanded and accepted": (
        first_then(BAD, answering(full)),
        about_first("N17_COOKIE_ENFORCED", "N17_COOKIE_ROUNDTRIP_OK"),
    ),
    "demanded, then another error": (
        first_then(BAD, answering(full, rcode="SERVFAIL")),
        about_first("N17_COOKIE_ENFORCED"),
    ),
    "demanded without giving one": (first_then(answering(lambda client: None, rcode="BADCOOKIE")), about_first()),
    "the client's part only": (first_then(answering(lambda client: client)), about_first("N17_COOKIE_CLIENT_ONLY")),
    "too short": (first_then(answering(lambda client: client + b"short")), malformed(13)),
    "too long": (first_then(answering(lambda client: client + b"x" * 33)), malformed(41)),
    "another client's": (first_then(answering(lambda client: b"y" * 16)), malformed(16)),
    "another error": (first_then(answering(full, rcode="REFUSED")), about_first()),
    "silence": (first_then(faults.silence()), about_first("N17_NO_RESPONSE")),
    "truncated": (first_then(faults.truncated()), about_first("N17_NO_RESPONSE")),
}


@pytest.mark.parametrize(("change_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver17(change_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    change_server(world.server(A1))
    assert findings(world, "nameserver17") == sorted(expected, key=lambda found: found[0])


def test_truncated_response_is_not_called_silence() -> None:
    text = template("N17_NO_RESPONSE", "NAMESERVER")
    assert "truncated" in text
    assert "did not respond" not in text
    assert "truncated" in advice("N17_NO_RESPONSE", "NAMESERVER")


def test_cookie_is_given_back_as_it_came() -> None:
    world = example_world()
    world.server(A1).set(cookies=True)
    findings(world, "nameserver17")
    cookies = [
        next(option.to_wire() for option in dns.message.from_wire(query.wire).options if option.otype == COOKIE)
        for query in world.server(A1).log
        if COOKIE in query.options
    ]
    assert [len(cookie) for cookie in cookies] == [8, 16]
    assert cookies[1].startswith(cookies[0])
