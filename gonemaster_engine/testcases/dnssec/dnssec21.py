"""DNSSEC21: the parent's signature over the DS set must verify.

RFC 4035 sections 2.4, 3.1.1, 5.3.1 and 5.3.3. The operator of the zone cannot repair it, so no finding is an error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from gonemaster_engine.dnssec.algorithms import algorithm
from gonemaster_engine.dnssec.records import DS, Dnskey, Rrset, Rrsig, dnskeys, ds_records, rrset, signatures
from gonemaster_engine.dnssec.verify import SignatureVerdict
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.dnssec._shared import (
    ADDRESSES,
    ALGORITHM_ADDRESSES,
    KEYTAG_ADDRESSES,
    ServerTally,
    is_dnssec_answer,
    is_usable,
    parent_servers,
)
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

NO_PARENT = Tag("DS21_NO_PARENT_ZONE", Level.DEBUG, ("zone",))
NO_PARENT_KEYS = Tag("DS21_PARENT_DNSKEY_MISSING", Level.WARNING, ("parent_zone", "addresses"))
NO_SIGNATURE = Tag("DS21_NO_DS_RRSIG", Level.WARNING, ADDRESSES)
NOT_YET_VALID = Tag("DS21_DS_RRSIG_NOT_YET_VALID", Level.WARNING, KEYTAG_ADDRESSES)
EXPIRED = Tag("DS21_DS_RRSIG_EXPIRED", Level.WARNING, KEYTAG_ADDRESSES)
NO_KEY = Tag("DS21_NO_DNSKEY_FOR_DS_RRSIG", Level.WARNING, KEYTAG_ADDRESSES)
ALGORITHM_UNSUPPORTED = Tag("DS21_ALGO_NOT_SUPPORTED", Level.NOTICE, ALGORITHM_ADDRESSES)
INVALID = Tag("DS21_DS_RRSIG_NOT_VALID_BY_DNSKEY", Level.WARNING, KEYTAG_ADDRESSES)
VERIFIED = Tag("DS21_DS_RRSIG_VERIFIED", Level.INFO, KEYTAG_ADDRESSES)
NOT_VERIFIABLE = Tag("DS21_DS_RRSIG_NOT_VERIFIABLE", Level.WARNING, ADDRESSES)

_BY_VERDICT = {
    SignatureVerdict.NOT_YET_VALID: NOT_YET_VALID,
    SignatureVerdict.EXPIRED: EXPIRED,
    SignatureVerdict.NO_KEY: NO_KEY,
    SignatureVerdict.INVALID: INVALID,
    SignatureVerdict.VALID: VERIFIED,
}


@case(
    "dnssec21",
    NO_PARENT,
    NO_PARENT_KEYS,
    NO_SIGNATURE,
    *_BY_VERDICT.values(),
    ALGORITHM_UNSUPPORTED,
    NOT_VERIFIABLE,
    query_types=("DS", "DNSKEY"),
)
async def dnssec21(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Verify the signatures of the parent zone over the DS RRset."""
    if zone.undelegated or zone.supplied_ds:
        return
    parent = await zone.parent_zone()
    if parent is None:
        yield NO_PARENT(zone=zone.name)
        return
    servers = usable(await parent_servers(zone))
    pending = [
        (
            server,
            server.query(zone.name, "DS", dnssec=True),
            server.query(parent.name, "DNSKEY", dnssec=True, shared=True),
        )
        for server in servers
    ]
    tally = ServerTally()
    for server, ds, keys in pending:
        await _judge(zone, parent.name, tally, server, await ds, await keys)
    tags = (NO_PARENT_KEYS, NO_SIGNATURE, *_BY_VERDICT.values(), ALGORITHM_UNSUPPORTED)
    for finding in tally.findings(*tags):
        yield finding
    if not tally.has(VERIFIED):
        for finding in tally.findings(NOT_VERIFIABLE):
            yield finding


async def _judge(
    zone: Zone, parent: str, tally: ServerTally, server: Nameserver, response: Response | None, keys: Response | None
) -> None:
    if not is_dnssec_answer(response) or not ds_records(response, zone.name):
        return
    parent_keys = dnskeys(keys, parent) if is_usable(keys) else []
    if not parent_keys:
        tally.add(NO_PARENT_KEYS, server, parent_zone=parent)
        return
    rrsigs = signatures(response, DS, zone.name)
    if not rrsigs:
        tally.add(NO_SIGNATURE, server)
        return
    signed = rrset(response, DS, zone.name)
    by_parent = [signature for signature in rrsigs if signature.signer == parent]
    verdicts = [await _verify(zone, signed, signature, parent_keys, parent) for signature in by_parent]
    _add(tally, server, by_parent, verdicts, parent_keys)
    if SignatureVerdict.VALID not in verdicts and SignatureVerdict.UNSUPPORTED_EXPONENT not in verdicts:
        tally.add(NOT_VERIFIABLE, server)


async def _verify(zone: Zone, signed: Rrset, signature: Rrsig, keys: Sequence[Dnskey], parent: str) -> SignatureVerdict:
    validating = [key for key in keys if key.validates]
    verdict = await zone.verifier.verify(signed, signature, validating, now=zone.now, zone=parent)
    is_there = any(key.tag == signature.tag for key in keys)
    # A revoked key, or one without the zone flag, exists but does not verify signatures (RFC 4035 section 5.3.1).
    return SignatureVerdict.INVALID if verdict is SignatureVerdict.NO_KEY and is_there else verdict


def _add(
    tally: ServerTally,
    server: Nameserver,
    rrsigs: Sequence[Rrsig],
    verdicts: Sequence[SignatureVerdict],
    keys: Sequence[Dnskey],
) -> None:
    for signature, verdict in zip(rrsigs, verdicts, strict=True):
        if verdict in _BY_VERDICT:
            tally.add(_BY_VERDICT[verdict], server, keytag=signature.tag)
        elif verdict is SignatureVerdict.UNSUPPORTED_ALGORITHM and any(key.tag == signature.tag for key in keys):
            known = algorithm(signature.algorithm)
            tally.add(
                ALGORITHM_UNSUPPORTED, server, keytag=signature.tag, algo_num=known.number, algo_mnemo=known.mnemonic
            )
        elif verdict is SignatureVerdict.UNSUPPORTED_ALGORITHM:
            tally.add(NO_KEY, server, keytag=signature.tag)
