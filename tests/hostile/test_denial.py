"""Records of other names, or from the other side of a zone cut, do not prove that a delegation has no DS records."""

from __future__ import annotations

import asyncio

import dns.message
import dns.rrset
import pytest

from gonemaster_engine.dnssec.denial import nsec3_hash
from gonemaster_engine.dnssec.verify import Verifier
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.trustchain.validation import Validator

NAME, PARENT = "evil.xa", "xa"
TYPES = {
    "NS RRSIG NSEC": True,
    "A RRSIG NSEC": False,  # a name of the parent zone that is not a delegation
    "NS SOA RRSIG NSEC": False,  # the apex of the child zone
    "NS DS RRSIG NSEC": False,
    "RRSIG NSEC": False,
}


def denies(owner: str, rtype: str, rdata: str) -> bool:
    message = dns.message.make_response(dns.message.make_query(NAME, "DS"))
    message.authority.append(dns.rrset.from_text(f"{owner}.", 300, "IN", rtype, rdata))
    judge = Validator(Verifier(), 0)
    return asyncio.run(judge._denies_ds(Response(message.to_wire()), NAME, PARENT))


@pytest.mark.parametrize("types", TYPES)
def test_nsec_of_the_name_must_be_that_of_a_delegation(types: str) -> None:
    assert denies(NAME, "NSEC", f"z.{PARENT}. {types}") is TYPES[types]


@pytest.mark.parametrize("types", TYPES)
def test_nsec3_of_the_name_must_be_that_of_a_delegation(types: str) -> None:
    label = nsec3_hash(NAME, salt=b"", iterations=0)
    following = "0" * 31 + "1"
    assert denies(f"{label}.{PARENT}", "NSEC3", f"1 0 0 - {following} {types.replace('NSEC', 'TXT')}") is TYPES[types]
