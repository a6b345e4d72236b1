"""DNSSEC19: keys that are weak or known to be compromised.

RFC 3110 section 2, RFC 2536 section 2, RFC 6605 section 4, RFC 8080 section 3, RFC 8017 section 3.1; CVE-2017-15361,
CVE-2008-0166. The list of compromised keys comes from the badkeys project; without it that check is skipped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from gonemaster_engine.dnssec.algorithms import algorithm
from gonemaster_engine.dnssec.blocklist import Blocklist
from gonemaster_engine.dnssec.records import Dnskey, dnskeys
from gonemaster_engine.dnssec.weakness import Weakness, key_number
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.testcases.dnssec._shared import SERVERS, ServerTally, child_servers, is_usable
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_KEYS = ("servers", "keytag", "algo_num", "algo_descr")
FERMAT = Tag("DS19_BADKEY_FERMAT", Level.ERROR, _KEYS)
PATTERN = Tag("DS19_BADKEY_PATTERN", Level.ERROR, _KEYS)
ROCA = Tag("DS19_BADKEY_ROCA", Level.ERROR, _KEYS)
INVALID = Tag("DS19_BADKEY_RSA_INVALID", Level.ERROR, (*_KEYS, "subtest"))
SMALL_FACTORS = Tag("DS19_BADKEY_SMALL_FACTORS", Level.ERROR, _KEYS)
SMALL_D = Tag("DS19_BADKEY_SMALL_D", Level.ERROR, _KEYS)
BLOCKLISTED = Tag("DS19_BADKEY_BLOCKLIST", Level.ERROR, (*_KEYS, "blocklist_name"))
KEY_OK = Tag("DS19_KEY_OK", Level.INFO, _KEYS)
NO_BLOCKLIST = Tag("DS19_BLOCKLIST_NOT_FOUND", Level.INFO)
NO_RESPONSE = Tag("DS19_NO_RESPONSE", Level.WARNING, SERVERS)
NO_DNSKEY = Tag("DS19_NO_DNSKEY", Level.INFO, SERVERS)

_BY_WEAKNESS: dict[Weakness, tuple[Tag, dict[str, Any]]] = {
    Weakness.FERMAT: (FERMAT, {}),
    Weakness.PATTERN: (PATTERN, {}),
    Weakness.ROCA: (ROCA, {}),
    Weakness.INVALID_EXPONENT: (INVALID, {"subtest": "invalid_e"}),
    Weakness.EXPONENT_TOO_LARGE: (INVALID, {"subtest": "e_too_large"}),
    Weakness.SMALL_FACTORS: (SMALL_FACTORS, {}),
    Weakness.SMALL_PRIVATE_EXPONENT: (SMALL_D, {}),
}
_PER_KEY = (FERMAT, PATTERN, ROCA, INVALID, SMALL_FACTORS, SMALL_D, BLOCKLISTED, KEY_OK)


@case("dnssec19", *_PER_KEY, NO_BLOCKLIST, NO_RESPONSE, NO_DNSKEY, query_types=("DNSKEY",))
async def dnssec19(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Look for keys that are weak or known to be compromised."""
    servers = usable(await child_servers(zone))
    blocklist = Blocklist.find(zone.context.profile.badkeys_path)
    tally = ServerTally()
    verdicts: dict[bytes, list[tuple[Tag, dict[str, Any]]]] = {}
    for server, response in await query_all(servers, zone.name, "DNSKEY", dnssec=True):
        await zone.wait_for_turn()
        if not is_usable(response):
            tally.add(NO_RESPONSE, server)
            continue
        keys = dnskeys(response, zone.name)
        if not keys:
            tally.add(NO_DNSKEY, server)
        for key in keys:
            if key.rdata not in verdicts:
                verdicts[key.rdata] = await _examine(zone, key, blocklist)
            _add(tally, server, key, verdicts[key.rdata])
    for finding in tally.findings(*_PER_KEY):
        yield finding
    if blocklist is None and zone.context.profile.badkeys_path:  # otherwise no list was requested
        yield NO_BLOCKLIST()
    if not verdicts:
        for finding in tally.findings(NO_DNSKEY if tally.has(NO_DNSKEY) else NO_RESPONSE):
            yield finding


async def _examine(zone: Zone, key: Dnskey, blocklist: Blocklist | None) -> list[tuple[Tag, dict[str, Any]]]:
    """Return the tags for a key with their specific arguments; none for a malformed key."""
    if key_number(key) is None:
        return []
    found = [_BY_WEAKNESS[weakness] for weakness in await zone.verifier.weaknesses(key)]
    name = blocklist.lookup(key) if blocklist else None
    if name is not None:
        found.append((BLOCKLISTED, {"blocklist_name": name}))
    return found or [(KEY_OK, {})]


def _add(tally: ServerTally, server: Nameserver, key: Dnskey, found: list[tuple[Tag, dict[str, Any]]]) -> None:
    known = algorithm(key.algorithm)
    for tag, special in found:
        tally.add(tag, server, keytag=key.tag, algo_num=known.number, algo_descr=known.description, **special)
