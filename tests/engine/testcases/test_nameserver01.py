"""NAMESERVER01: authoritative servers that resolve names of other zones."""

from __future__ import annotations

from collections.abc import Callable

import dns.flags
import dns.message
import dns.rcode
import pytest

from gonemaster_engine.testcases.nameserver.nameserver01 import PROBES
from tests.support.case_runs import A1, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import Fault, Server, faults


def recursor(*, aa: bool = False) -> Fault:
    """Answer like a resolver that has found that the name does not exist."""

    def edit(message: dns.message.Message) -> dns.message.Message:
        message.flags |= dns.flags.RA | (dns.flags.AA if aa else 0)
        message.set_rcode(dns.rcode.NXDOMAIN)
        return message

    return faults.on_message(edit)


def answering(records: str) -> Fault:
    return faults.answers(answer=records)


ADDRESS = f"{PROBES[0]}. A 192.0.2.1\n"
IS_RECURSOR: list[Found] = [("IS_A_RECURSOR", {"servers": [S1]}), ("NO_RECURSOR", {"servers": [S2]})]
NOT_ONE: list[Found] = [("NO_RECURSOR", {"servers": BOTH})]

FAULTS: dict[str, tuple[Callable[[Server], object], list[Found]]] = {
    "refuses": (lambda server: None, NOT_ONE),
    "resolves": (lambda server: server.fault(recursor(), qtype="A"), IS_RECURSOR),
    "offers recursion and answers": (
        lambda server: server.fault(answering(ADDRESS), qname=PROBES[0]).fault(faults.recursive(), qname=PROBES[0]),
        IS_RECURSOR,
    ),
    "offers recursion and refuses": (lambda server: server.fault(faults.recursive()), NOT_ONE),
    "denies every foreign name with authority": (lambda server: server.fault(recursor(aa=True), qtype="A"), NOT_ONE),
    "denies every foreign name without recursion": (
        lambda server: server.fault(faults.rcode("NXDOMAIN"), qtype="A"),
        NOT_ONE,
    ),
    "silent to one name": (
        lambda server: server.fault(faults.silence(), qname=PROBES[1]),
        [("NO_RESPONSE", {**S1, "domain": PROBES[1]}), ("NO_RECURSOR", {"servers": [S2]})],
    ),
}


@pytest.mark.parametrize(("break_server", "expected"), FAULTS.values(), ids=FAULTS)
def test_nameserver01(break_server: Callable[[Server], object], expected: list[Found]) -> None:
    world = example_world()
    break_server(world.server(A1))
    assert findings(world, "nameserver01") == expected
