"""DNSSEC18: CDS and CDNSKEY records must be signed by a key that the parent trusts; signs of a key rollover.

Specification: Zonemaster DNSSEC18. RFC 7344 section 4.1, RFC 8078, RFC 4035.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gonemaster_engine.dnssec.digests import DsSet, Identity
from gonemaster_engine.dnssec.records import (
    CDNSKEY,
    CDS,
    DNSKEY,
    Dnskey,
    Ds,
    Rrsig,
    cdnskeys,
    cds_records,
    dnskeys,
    ds_records,
    signatures,
)
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.dnssec._shared import (
    ADDRESSES,
    ServerTally,
    is_usable,
    parent_servers,
    query_each_type,
    supplied_ds,
)
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

CDS_SIGNED = Tag("DS18_MATCH_CDS_RRSIG_DS", Level.INFO, ADDRESSES)
CDS_NOT_SIGNED = Tag("DS18_NO_MATCH_CDS_RRSIG_DS", Level.ERROR, ADDRESSES)
CDNSKEY_SIGNED = Tag("DS18_MATCH_CDNSKEY_RRSIG_DS", Level.INFO, ADDRESSES)
CDNSKEY_NOT_SIGNED = Tag("DS18_NO_MATCH_CDNSKEY_RRSIG_DS", Level.ERROR, ADDRESSES)
CDS_EQUALS_DS = Tag("DS18_CDS_MATCHES_DS", Level.INFO, ("cds_keytags", "ds_keytags"))
CDS_ROLLOVER = Tag("DS18_CDS_ROLLOVER_SIGNALED", Level.NOTICE, ("cds_keytags", "ds_keytags"))
CDNSKEY_EQUALS_DS = Tag("DS18_CDNSKEY_MATCHES_DS", Level.INFO, ("cdnskey_keytags", "ds_keytags"))
CDNSKEY_ROLLOVER = Tag("DS18_CDNSKEY_ROLLOVER_SIGNALED", Level.NOTICE, ("cdnskey_keytags", "ds_keytags"))
MULTIPLE_KSK = Tag("DS18_ROLLOVER_EVIDENCE_MULTI_KSK", Level.NOTICE, ("keytags",))
DOUBLE_SIGNATURE = Tag("DS18_ROLLOVER_EVIDENCE_DOUBLE_SIG", Level.NOTICE, ("keytags",))
KEY_WITHOUT_DS = Tag("DS18_ROLLOVER_EVIDENCE_DNSKEY_WITHOUT_DS", Level.NOTICE, ("keytags",))
DS_WITHOUT_KEY = Tag("DS18_ROLLOVER_EVIDENCE_DS_WITHOUT_DNSKEY", Level.NOTICE, ("keytags",))
UNSIGNALED_ROLLOVER = Tag("DS18_NO_CDS_CDNSKEY_BUT_ROLLOVER_EVIDENCE", Level.INFO)

_CHILD_TYPES = ("CDS", "CDNSKEY", "DNSKEY")
_RECORD_US = 10  # microseconds to parse a record and compute its digests


@dataclass(slots=True)
class _ChildRecords:
    """The records that the servers of the zone publish, merged."""

    cds: set[frozenset[Ds]]  # the distinct non-empty sets
    cdnskey: set[frozenset[Dnskey]]
    keys: dict[bytes, Dnskey]
    keys_without_ds: set[int]  # tags of secure entry points without a DS record
    matches: set[Identity]  # identities in DS records that may match a key
    key_signatures: dict[bytes, Rrsig]


@case(
    "dnssec18",
    CDS_SIGNED,
    CDS_NOT_SIGNED,
    CDNSKEY_SIGNED,
    CDNSKEY_NOT_SIGNED,
    CDS_EQUALS_DS,
    CDS_ROLLOVER,
    CDNSKEY_EQUALS_DS,
    CDNSKEY_ROLLOVER,
    MULTIPLE_KSK,
    DOUBLE_SIGNATURE,
    KEY_WITHOUT_DS,
    DS_WITHOUT_KEY,
    UNSIGNALED_ROLLOVER,
    query_types=_CHILD_TYPES,
)
async def dnssec18(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check that a key with a DS record signs the CDS and CDNSKEY RRsets, and look for a key rollover."""
    parents = await parent_servers(zone)
    trusted = supplied_ds(zone) or await _ds_at(zone, parents)
    if not trusted:
        return []
    servers = usable(await zone.all_servers())
    tally, child, ds_set = ServerTally(), _ChildRecords(set(), set(), {}, set(), set(), {}), DsSet(zone.name, trusted)
    for server, responses in await query_each_type(servers, zone.name, *_CHILD_TYPES):
        await zone.wait_for_turn(sum(response.record_count for response in responses if response) * _RECORD_US)
        _read(zone, tally, child, server, responses, ds_set)
    if not child.keys:
        return []
    return [
        *tally.findings(CDS_SIGNED, CDS_NOT_SIGNED, CDNSKEY_SIGNED, CDNSKEY_NOT_SIGNED),
        *_content(zone, child, trusted),
        *_evidence(child, ds_set),
    ]


async def _ds_at(zone: Zone, parents: Sequence[Nameserver]) -> list[Ds]:
    found: dict[bytes, Ds] = {}
    for _, response in await query_all(parents, zone.name, "DS", dnssec=True):
        await zone.wait_for_turn()
        if is_usable(response):
            found.update((ds.rdata, ds) for ds in ds_records(response, zone.name))
    return [found[rdata] for rdata in sorted(found)]


def _read(
    zone: Zone,
    tally: ServerTally,
    child: _ChildRecords,
    server: Nameserver,
    responses: Sequence[Response | None],
    trusted: DsSet,
) -> None:
    cds_response, cdnskey_response, response = responses
    keys = dnskeys(response, zone.name) if is_usable(response) else []
    child.keys.update((key.rdata, key) for key in keys)
    child.matches |= trusted.keys_by_digest(keys).keys()
    child.keys_without_ds |= {key.tag for key in keys if _is_entry_point(key) and trusted.matches(key) is False}
    if is_usable(response):
        child.key_signatures.update((rrsigs.rdata, rrsigs) for rrsigs in signatures(response, DNSKEY, zone.name))
    trusted_tags = {key.tag for key in keys if trusted.matches(key)}
    if is_usable(cds_response) and (cds := cds_records(cds_response, zone.name)):
        child.cds.add(frozenset(cds))
        is_signed = _has_signature_by(trusted_tags, signatures(cds_response, CDS, zone.name))
        tally.add(CDS_SIGNED if is_signed else CDS_NOT_SIGNED, server)
    if is_usable(cdnskey_response) and (cdnskey := cdnskeys(cdnskey_response, zone.name)):
        child.cdnskey.add(frozenset(cdnskey))
        is_signed = _has_signature_by(trusted_tags, signatures(cdnskey_response, CDNSKEY, zone.name))
        tally.add(CDNSKEY_SIGNED if is_signed else CDNSKEY_NOT_SIGNED, server)


def _has_signature_by(tags: set[int], rrsigs: Iterable[Rrsig]) -> bool:
    return any(signature.tag in tags for signature in rrsigs)


def _content(zone: Zone, child: _ChildRecords, trusted: Sequence[Ds]) -> Iterator[Finding]:
    """Compare the requests in the CDS and CDNSKEY sets with the DS set; deletion requests are not a rollover."""
    ds_keytags = _tags(trusted)
    by_keys = sorted((_tags(cds), _same_keys(cds, trusted)) for cds in child.cds if not _is_delete(cds))
    for keytags, is_same in dict.fromkeys((tuple(tags), same) for tags, same in by_keys):
        yield (CDS_EQUALS_DS if is_same else CDS_ROLLOVER)(cds_keytags=list(keytags), ds_keytags=ds_keytags)
    of_keys = sorted((_tags(keys), _all_match(zone, keys, trusted)) for keys in child.cdnskey if not _is_delete(keys))
    for keytags, is_same in dict.fromkeys((tuple(tags), same) for tags, same in of_keys):
        tag = CDNSKEY_EQUALS_DS if is_same else CDNSKEY_ROLLOVER
        yield tag(cdnskey_keytags=list(keytags), ds_keytags=ds_keytags)


def _is_delete(records: Iterable[Ds | Dnskey]) -> bool:
    return any(record.is_delete for record in records)


def _tags(records: Iterable[Ds | Dnskey]) -> list[int]:
    return sorted({record.tag for record in records})


def _same_keys(cds: Iterable[Ds], trusted: Iterable[Ds]) -> bool:
    """Return whether both sets refer to the same keys; digests are compared if both sets have the same type."""
    cds, trusted = list(cds), list(trusted)
    if {(ds.tag, ds.algorithm) for ds in cds} != {(ds.tag, ds.algorithm) for ds in trusted}:
        return False
    shared = {_kind(ds) for ds in cds} & {_kind(ds) for ds in trusted}
    return {ds.rdata for ds in cds if _kind(ds) in shared} == {ds.rdata for ds in trusted if _kind(ds) in shared}


def _kind(ds: Ds) -> tuple[int, int, int]:
    return ds.tag, ds.algorithm, ds.digest_type


def _all_match(zone: Zone, keys: Iterable[Dnskey], trusted: Iterable[Ds]) -> bool:
    """Return whether each key has a DS record and each DS record a key; an unsupported digest proves nothing."""
    keys, ds_set = list(keys), DsSet(zone.name, trusted)
    return all(ds_set.matches(key) is not False for key in keys) and not ds_set.unmatched(ds_set.keys_by_digest(keys))


def _is_entry_point(key: Dnskey) -> bool:
    return key.is_sep and key.validates


def _evidence(child: _ChildRecords, trusted: DsSet) -> Iterator[Finding]:
    """Look for signs of a rollover in the keys and the DS set."""
    entry_points = [key for key in child.keys.values() if _is_entry_point(key)]
    signing = {rrsigs.tag for rrsigs in child.key_signatures.values()}
    found = {
        MULTIPLE_KSK: _tags(entry_points),
        DOUBLE_SIGNATURE: _tags(key for key in entry_points if key.tag in signing),
        KEY_WITHOUT_DS: sorted(child.keys_without_ds),
        DS_WITHOUT_KEY: _tags(trusted.unmatched(child.matches)),
    }
    shown = {
        tag: tags for tag, tags in found.items() if len(tags) > (1 if tag in {MULTIPLE_KSK, DOUBLE_SIGNATURE} else 0)
    }
    for tag, keytags in shown.items():
        yield tag(keytags=keytags)
    if shown and not child.cds and not child.cdnskey:
        yield UNSIGNALED_ROLLOVER()
