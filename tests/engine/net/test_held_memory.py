"""The charge for a response covers the memory that it holds, for any content and any use."""

from __future__ import annotations

import contextlib
import gc
import tracemalloc
from itertools import islice

import dns.message
import pytest

from gonemaster_engine.errors import WireError
from gonemaster_engine.limits import ANSWER_MAX_RECORDS, EDNS_MAX_OPTIONS
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.net.wire.rdata import load_all_types
from tests.hostile._floods import FLOODS, OPTIONS, flood
from tests.hostile._giants import ZONE

TYPES = ("A", "AAAA", "MX", "TXT", "CAA", "NS", "SOA", "NSEC", "CSYNC", "HTTPS", "DNSKEY")
FAST = ("aliases", "texts", "caa_blanks", "mail_servers", "empty_options", "extended_errors", "cookies")
LOOKED_FOR_OCTETS = 40_000  # the caches that a search for all types fills, and the free lists of the interpreter
load_all_types()


def messages(kind: str, types: int) -> list[bytes]:
    """Return the answers of a kind to queries of the first types that the kind covers."""
    answer = flood(kind)
    made = (answer(dns.message.make_query(ZONE, rtype, use_edns=True, id=1)) for rtype in TYPES)
    return list(islice((wire for wire in made if wire), types))


def use(response: Response) -> None:
    """Use everything in a response as test cases do."""
    for section in ("answer", "authority", "additional"):
        for rtype in {*TYPES, *(record.rtype for record in response.section(section))}:
            for owner in (None, ZONE):
                for record in response.records(rtype, owner, section):
                    with contextlib.suppress(WireError):
                        record.rdata  # noqa: B018
    response.large_sets()


@pytest.mark.parametrize("types", [1, pytest.param(len(TYPES), marks=pytest.mark.nightly)], ids=["one", "all"])
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in FAST else pytest.mark.thorough) for kind in (*FLOODS, *OPTIONS)]
)
def test_a_response_is_charged_with_what_it_keeps(kind: str, types: int) -> None:
    qclass = 3 if kind == "chaos" else 1
    for wire in messages(kind, types):
        use(Response(bytes(wire), qclass=qclass))  # fill the caches of the process
        gc.collect()
        tracemalloc.start()
        try:
            response = Response(bytes(bytearray(wire)), qclass=qclass)
            charged = response.held_octets
            use(response)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept <= charged + LOOKED_FOR_OCTETS
        assert response.record_count <= ANSWER_MAX_RECORDS
        assert response.edns is None or len(response.edns.options) <= EDNS_MAX_OPTIONS
