"""DNSSEC06: an answer with keys should contain their signatures.

Specification: Zonemaster DNSSEC06. RFC 4035 section 3.1.1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.dnssec.records import all_signatures, dnskeys
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

_KEYS = ("address", "keys", "sigs")
OK = Tag("EXTRA_PROCESSING_OK", Level.INFO, _KEYS)
BROKEN = Tag("EXTRA_PROCESSING_BROKEN", Level.ERROR, _KEYS)


@case("dnssec06", OK, BROKEN)
async def dnssec06(zone: Zone) -> AsyncIterator[Finding]:
    """Check that each name server returns the DNSKEY RRset together with its signatures."""
    responses = await zone.query_all(zone.name, "DNSKEY", dnssec=True)
    by_address = {server.address: response for server, response in responses}
    for address, response in by_address.items():
        if response is None:
            continue
        keys, sigs = len(dnskeys(response, zone.name)), len(all_signatures(response))
        if keys and sigs:
            yield OK(address=address, keys=keys, sigs=sigs)
        elif response.rcode_number == 0:
            yield BROKEN(address=address, keys=keys, sigs=sigs)
