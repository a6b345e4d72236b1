"""NAMESERVER15: software versions."""

from __future__ import annotations

from collections.abc import Callable

import dns.message
import dns.rcode
import dns.rrset
import pytest

from gonemaster_engine.findings.messages import message
from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Fault, Server, faults

BIND, SERVER = "version.bind", "version.server"


def answering(text: str, *, rdclass: str = "CH", owner: str = "") -> Fault:
    """Answer with a TXT record; `text` is in presentation format, and the default owner is the query name."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        message.set_rcode(dns.rcode.NOERROR)
        message.answer = [dns.rrset.from_text(owner or message.question[0].name, 0, rdclass, "TXT", text)]
        return message

    return faults.on_message(edit)


def version(string: str, query_name: str) -> Found:
    return "N15_SOFTWARE_VERSION", {"string": string, "query_name": query_name, "servers": [S1]}


def on_bind(fault: Fault) -> Callable[[Server], object]:
    return lambda server: server.fault(fault, qname=BIND)


QUIET2: Found = ("N15_NO_VERSION_REVEALED", {"servers": [S2]})
QUIET: Found = ("N15_NO_VERSION_REVEALED", {"servers": BOTH})

FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "refused": (lambda server: None, [QUIET]),
    "told twice": (
        lambda server: server.set(version="Nameserver 1.2"),
        [version("Nameserver 1.2", BIND), version("Nameserver 1.2", SERVER), QUIET2],
    ),
    "several strings, blanks around": (
        on_bind(answering(r'" \009Name" "server "')),
        [version("Nameserver", BIND), QUIET2],
    ),
    "blanks only": (on_bind(answering('"  "')), [QUIET]),
    "octets that cannot be printed": (
        on_bind(answering(r'"v\0071\195\188"')),
        [version(r"v\0071\195\188", BIND), QUIET2],
    ),
    "placeholders, markup and controls": (
        on_bind(answering(r'"{servers}%s\027[2J<b>"')),
        [version(r"{servers}%s\027[2J<b>", BIND), QUIET2],
    ),
    "silence": (
        on_bind(faults.silence()),
        [("N15_ERROR_ON_VERSION_QUERY", {"query_name": BIND, "servers": [S1]}), QUIET],
    ),
    "failure": (
        lambda server: server.fault(faults.rcode("SERVFAIL"), qname=SERVER),
        [("N15_ERROR_ON_VERSION_QUERY", {"query_name": SERVER, "servers": [S1]}), QUIET],
    ),
    "record of another class": (
        on_bind(answering('"Nameserver"', rdclass="IN")),
        [version("Nameserver", BIND), QUIET2, ("N15_WRONG_CLASS", {"servers": [S1]})],
    ),
    "record of another name": (
        on_bind(answering('"Nameserver"', owner="other.xa.")),
        [QUIET],
    ),
    "servers that are silent to SOA are not asked": (
        lambda server: server.fault(faults.silence(), qtype="SOA").set(version="Nameserver 1.2"),
        [QUIET2],
    ),
}


@pytest.mark.parametrize(("change_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver15(change_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    change_server(world.server(A1))
    assert findings(world, "nameserver15") == expected


def test_a_version_is_text_in_the_message() -> None:
    args = {"string": "{servers}%s<b>", "query_name": BIND, "servers": [S1]}
    shown = message("N15_SOFTWARE_VERSION", "NAMESERVER", args)
    assert "{servers}%s<b>" in shown
    assert shown.count(S1["ns"]) == 1
