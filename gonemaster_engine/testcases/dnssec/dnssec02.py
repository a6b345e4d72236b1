"""DNSSEC02: each DS record at the parent should match a key that signs the DNSKEY set.

Specification: Zonemaster DNSSEC02. RFC 4034 section 5.2, RFC 4035 section 5.2, RFC 6781, RFC 3110.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gonemaster_engine.dnssec.algorithms import algorithm
from gonemaster_engine.dnssec.digests import digest_matches
from gonemaster_engine.dnssec.records import DNSKEY, Dnskey, Ds, Rrset, Rrsig, dnskeys, ds_records, rrset, signatures
from gonemaster_engine.dnssec.verify import SignatureVerdict
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.dnssec._shared import (
    ADDRESSES,
    ALGORITHM_ADDRESSES,
    KEYTAG_ADDRESSES,
    ServerTally,
    is_dnssec_answer,
    parent_servers,
    supplied_ds,
)
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

_MISMATCH_KEYS = ("keytag", "ds_key_algo_num", "ds_key_algo_mnemo", "algo_num", "algo_mnemo", "addresses")
NO_DNSKEY_FOR_DS = Tag("DS02_NO_DNSKEY_FOR_DS", Level.WARNING, KEYTAG_ADDRESSES)
ALGORITHM_MISMATCH = Tag("DS02_DS_ALGO_DNSKEY_MISMATCH", Level.ERROR, _MISMATCH_KEYS)
DIGEST_MISMATCH = Tag("DS02_NO_MATCH_DS_DNSKEY", Level.ERROR, KEYTAG_ADDRESSES)
NOT_FOR_SIGNING = Tag("DS02_DNSKEY_NOT_FOR_ZONE_SIGNING", Level.ERROR, KEYTAG_ADDRESSES)
NOT_SEP = Tag("DS02_DNSKEY_NOT_SEP", Level.NOTICE, KEYTAG_ADDRESSES)
NO_MATCHING_RRSIG = Tag("DS02_NO_MATCHING_DNSKEY_RRSIG", Level.ERROR, KEYTAG_ADDRESSES)
ALGORITHM_UNSUPPORTED = Tag("DS02_ALGO_NOT_SUPPORTED_BY_ZM", Level.NOTICE, ALGORITHM_ADDRESSES)
EXPONENT_UNSUPPORTED = Tag("DS02_RSA_EXPONENT_UNSUPPORTED", Level.NOTICE, KEYTAG_ADDRESSES)
RRSIG_NOT_VALID = Tag("DS02_RRSIG_NOT_VALID_BY_DNSKEY", Level.ERROR, KEYTAG_ADDRESSES)
MATCH = Tag("DS02_MATCH_DS_DNSKEY", Level.INFO, KEYTAG_ADDRESSES)
NO_KEY_FOR_ANY_DS = Tag("DS02_NO_VALID_DNSKEY_FOR_ANY_DS", Level.ERROR, ADDRESSES)
NOT_SIGNED_BY_ANY_DS = Tag("DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS", Level.ERROR, ADDRESSES)

PER_KEY = (
    NO_DNSKEY_FOR_DS,
    ALGORITHM_MISMATCH,
    DIGEST_MISMATCH,
    NOT_FOR_SIGNING,
    NOT_SEP,
    NO_MATCHING_RRSIG,
    ALGORITHM_UNSUPPORTED,
    EXPONENT_UNSUPPORTED,
    RRSIG_NOT_VALID,
    MATCH,
)

_PAIRS_PER_MICROSECOND = 2  # comparisons of a DS record with a key


@case("dnssec02", *PER_KEY, NO_KEY_FOR_ANY_DS, NOT_SIGNED_BY_ANY_DS, query_types=("DNSKEY",))
async def dnssec02(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check that the DS records in the parent zone match DNSKEY records that sign the DNSKEY RRset."""
    parents = await parent_servers(zone)
    ds_set = supplied_ds(zone) or await _ds_at(zone, parents)
    if not ds_set:
        return []
    servers = usable(await zone.all_servers())
    tally = ServerTally()
    for server, response in await query_all(servers, zone.name, "DNSKEY", dnssec=True):
        await zone.wait_for_turn()
        if is_dnssec_answer(response) and not response.tc and (keys := dnskeys(response, zone.name)):
            await zone.wait_for_turn(len(ds_set) * len(keys) // _PAIRS_PER_MICROSECOND)
            await _judge(zone, tally, server, ds_set, keys, response)
    last = () if tally.has(NO_KEY_FOR_ANY_DS) else (NOT_SIGNED_BY_ANY_DS,)
    return tally.findings(*PER_KEY, NO_KEY_FOR_ANY_DS, *last)


async def _ds_at(zone: Zone, parents: Sequence[Nameserver]) -> list[Ds]:
    found: dict[bytes, Ds] = {}
    for _, response in await query_all(parents, zone.name, "DS", dnssec=True):
        await zone.wait_for_turn()
        if is_dnssec_answer(response) and not response.tc:
            found.update((ds.rdata, ds) for ds in ds_records(response, zone.name))
    return [found[rdata] for rdata in sorted(found)]


@dataclass(slots=True)
class _Matched:
    """A key that a DS record matches."""

    key: Dnskey
    is_proven: bool  # the digest was computed and is correct


async def _judge(
    zone: Zone, tally: ServerTally, server: Nameserver, ds_set: Iterable[Ds], keys: Sequence[Dnskey], response: Response
) -> None:
    matched: dict[bytes, _Matched] = {}
    for ds in ds_set:
        found = _match(zone.name, tally, server, ds, keys)
        if found:
            known = matched.setdefault(found.key.rdata, found)
            known.is_proven = known.is_proven or found.is_proven
    if not matched:
        tally.add(NO_KEY_FOR_ANY_DS, server)
        return
    signed = rrset(response, DNSKEY, zone.name)
    rrsigs = signatures(response, DNSKEY, zone.name)
    outcomes = [await _check_signatures(zone, tally, server, found, signed, rrsigs) for found in matched.values()]
    if not any(outcomes):
        tally.add(NOT_SIGNED_BY_ANY_DS, server)


def _match(zone_name: str, tally: ServerTally, server: Nameserver, ds: Ds, keys: Iterable[Dnskey]) -> _Matched | None:
    """Return the key that a DS record refers to; a key with another digest still counts (see the specification)."""
    named = [key for key in keys if key.tag == ds.tag]
    candidates = [key for key in named if key.algorithm == ds.algorithm]
    if not named:
        tally.add(NO_DNSKEY_FOR_DS, server, keytag=ds.tag)
        return None
    if not candidates:
        _add_algorithm_mismatch(tally, server, ds, named[0])
        return None
    by_digest = [(key, digest_matches(zone_name, key, ds)) for key in candidates]
    key, matches = next((pair for pair in by_digest if pair[1] is not False), by_digest[0])
    if matches is False:
        tally.add(DIGEST_MISMATCH, server, keytag=ds.tag)
    if not key.is_zone_key:
        tally.add(NOT_FOR_SIGNING, server, keytag=ds.tag)
        return None
    if not key.is_sep:
        tally.add(NOT_SEP, server, keytag=ds.tag)
    return _Matched(key, is_proven=matches is True)


def _add_algorithm_mismatch(tally: ServerTally, server: Nameserver, ds: Ds, key: Dnskey) -> None:
    in_ds, of_key = algorithm(ds.algorithm), algorithm(key.algorithm)
    tally.add(
        ALGORITHM_MISMATCH,
        server,
        keytag=ds.tag,
        ds_key_algo_num=in_ds.number,
        ds_key_algo_mnemo=in_ds.mnemonic,
        algo_num=of_key.number,
        algo_mnemo=of_key.mnemonic,
    )


async def _check_signatures(
    zone: Zone, tally: ServerTally, server: Nameserver, found: _Matched, signed: Rrset, rrsigs: Iterable[Rrsig]
) -> bool:
    """Verify the signatures of a key over the DNSKEY set; return False if none is valid."""
    key = found.key
    verdicts: set[SignatureVerdict] = set()
    for signature in rrsigs:
        if signature.tag == key.tag:
            verdict = await zone.verifier.verify(signed, signature, [key], now=zone.now, zone=zone.name)
            verdicts.add(verdict)
            _add_verdict(tally, server, signature, verdict)
    if SignatureVerdict.VALID in verdicts:
        if found.is_proven:
            tally.add(MATCH, server, keytag=key.tag)
        return True
    if any(verdict.is_uncheckable for verdict in verdicts):
        return True  # uncheckable signatures do not count against the zone
    tally.add(NO_MATCHING_RRSIG, server, keytag=key.tag)
    return False


def _add_verdict(tally: ServerTally, server: Nameserver, signature: Rrsig, verdict: SignatureVerdict) -> None:
    if verdict is SignatureVerdict.UNSUPPORTED_ALGORITHM:
        known = algorithm(signature.algorithm)
        tally.add(ALGORITHM_UNSUPPORTED, server, keytag=signature.tag, algo_num=known.number, algo_mnemo=known.mnemonic)
    elif verdict is SignatureVerdict.UNSUPPORTED_EXPONENT:
        tally.add(EXPONENT_UNSUPPORTED, server, keytag=signature.tag)
    elif verdict is not SignatureVerdict.VALID:
        tally.add(RRSIG_NOT_VALID, server, keytag=signature.tag)
