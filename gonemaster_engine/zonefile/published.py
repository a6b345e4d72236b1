"""Compare a zone file with what is published now: what would break, and what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dns.dnssec
import dns.exception
import dns.name
import dns.rdataset
import dns.rdatatype
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.SOA import SOA

from gonemaster_engine import names
from gonemaster_engine.context import DSInfo, RunContext
from gonemaster_engine.entries import Entry
from gonemaster_engine.net.wire.messages import Response, from_dns_name
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resolver.recursor import Recursor
from gonemaster_engine.resources import Resources
from gonemaster_engine.run_log import Log
from gonemaster_engine.zone.delegation_data import LOOKUP_LIMITS, DelegationData, look_up_delegation
from gonemaster_engine.zonefile.contents import ZoneContents
from gonemaster_engine.zonefile.findings import make_entry
from gonemaster_engine.zonefile.world import ns_names

_SERIALS = 1 << 32
_DIGESTS = {1: "SHA1", 2: "SHA256", 4: "SHA384"}
_Servers = Mapping[str, Sequence[str]]
_Answers = Mapping[tuple[str, str], Response | None]


async def compare_with_delegation(
    contents: ZoneContents,
    profile: Profile,
    resources: Resources,
    *,
    nameservers: Sequence[tuple[str, str | None]] = (),
    limit_s: float,
    now: int,
) -> list[Entry]:
    """Look up the delegation, query the name servers of file and delegation, and return the differences.

    `nameservers` are addresses of name servers outside of the zone.

    Raises:
      TimeoutError: the lookup took longer than `limit_s`.
    """
    domain = from_dns_name(contents.origin)
    async with asyncio.timeout(limit_s):
        published = await look_up_delegation(domain, profile, resources, limit_s=limit_s)
        servers, answers = await _query_servers(contents, published, profile, resources, dict(nameservers))
    found = [*_ns_changes(contents, published)] if published.nameservers else []
    if not published.nameservers:
        found.append(make_entry("ZF_NOT_DELEGATED", {"domain": domain}))
    found += _ds_changes(contents, published.ds, now)
    found += _readiness(servers, answers)
    found += _serial_problem(contents, published, answers)
    return sorted(found, key=lambda entry: -entry.level)


async def _query_servers(
    contents: ZoneContents,
    published: DelegationData,
    profile: Profile,
    resources: Resources,
    supplied: Mapping[str, str | None],
) -> tuple[_Servers, _Answers]:
    """Return the name servers of the file with addresses, and the SOA responses of these and the published ones."""
    domain = from_dns_name(contents.origin)
    context = RunContext(domain, profile, resources, log=Log(profile), limits=LOOKUP_LIMITS)
    try:
        recursor = Recursor(context)
        servers: dict[str, Sequence[str]] = {}
        for name in ns_names(contents):
            text = from_dns_name(name)
            if name.is_subdomain(contents.origin):
                servers[text] = list(map(names.canonical_address, contents.addresses(name)))
            else:
                servers[text] = [given] if (given := supplied.get(text)) else await recursor.addresses(text)
        pairs = {(name, address) for name, found in servers.items() for address in found}
        pairs |= {(name, address) for name, address in published.nameservers if address}
        admitted = sorted(pairs)[: LOOKUP_LIMITS.max_addresses]
        responses = await asyncio.gather(*(context.nameserver(*pair).query(domain, "SOA") for pair in admitted))
        return servers, dict(zip(admitted, responses, strict=True))
    finally:
        await context.close()
        context.release()


def _ns_changes(contents: ZoneContents, published: DelegationData) -> Iterator[Entry]:
    old: dict[str, set[str]] = {}
    for text, address in published.nameservers:
        old.setdefault(text, set()).update([address] if address else [])
    new = {from_dns_name(name): name for name in ns_names(contents)}
    for text, name in new.items():
        addresses = set(map(names.canonical_address, contents.addresses(name)))
        if text not in old:
            yield make_entry("ZF_NS_ADDED", {"ns": text})
            if name.is_subdomain(contents.origin):
                yield make_entry("ZF_GLUE_MISSING", {"ns": text})
        elif name.is_subdomain(contents.origin) and addresses != old[text]:
            args = {"ns": text, "addresses": sorted(old[text]), "file_addresses": sorted(addresses)}
            yield make_entry("ZF_GLUE_DIFFERS", args)
    for text in sorted(old.keys() - new.keys()):
        yield make_entry("ZF_NS_REMOVED", {"ns": text})


def _ds_changes(contents: ZoneContents, ds: Sequence[DSInfo], now: int) -> Iterator[Entry]:
    keyset = contents.apex(dns.rdatatype.DNSKEY)
    keys = [key for key in keyset or () if isinstance(key, DNSKEY)]
    if keys and not ds:
        yield make_entry("ZF_NO_DS_YET", {})
    trusted = [key for key in keys if any(_matches(contents, key, each) for each in ds)]
    for each in ds:
        if not any(_matches(contents, key, each) for key in keys):
            yield make_entry("ZF_DS_WITHOUT_KEY", {"keytag": each.keytag})
    if ds and not _validates(contents, keyset, trusted, now):
        yield make_entry("ZF_DS_NO_LONGER_VALIDATES", {})


def _matches(contents: ZoneContents, key: DNSKEY, ds: DSInfo) -> bool:
    """Return whether a DS record is that of a key; with an unknown digest, key tag and algorithm decide."""
    if (dns.dnssec.key_id(key), int(key.algorithm)) != (ds.keytag, ds.algorithm):
        return False
    digest = _DIGESTS.get(ds.digtype)
    if digest is None:
        return True
    made = dns.dnssec.make_ds(contents.origin, key, digest, validating=True)
    return bool(made.digest == bytes.fromhex(ds.digest))


def _validates(
    contents: ZoneContents, keyset: dns.rdataset.Rdataset | None, trusted: Sequence[DNSKEY], now: int
) -> bool:
    signatures = contents.signatures.get(contents.origin, {}).get(dns.rdatatype.DNSKEY)
    if keyset is None or signatures is None or not trusted:
        return False
    keys: dict[dns.name.Name, Any] = {contents.origin: dns.rdataset.from_rdata_list(keyset.ttl, list(trusted))}
    try:
        dns.dnssec.validate((contents.origin, keyset), (contents.origin, signatures), keys, contents.origin, now)
    except (dns.exception.DNSException, ValueError):
        return False
    return True


def _readiness(servers: _Servers, answers: _Answers) -> Iterator[Entry]:
    """Yield the name servers of the file that do not serve the zone yet."""
    for name, addresses in servers.items():
        if not addresses:
            yield make_entry("ZF_NS_NO_ADDRESS", {"ns": name})
        for address in addresses:
            if (name, address) not in answers:
                continue
            response = answers[name, address]
            if response is None:
                yield make_entry("ZF_NS_NO_RESPONSE", {"ns": name, "address": address})
            elif _serial(response) is None:
                yield make_entry("ZF_NS_NOT_SERVING", {"ns": name, "address": address})


def _serial(response: Response | None) -> int | None:
    """Return the serial in an authoritative response; None for other responses."""
    if response is None or response.rcode != "NOERROR" or not response.aa:
        return None
    soa = next((record.rdata for record in response.records("SOA")), None)
    return soa.serial if isinstance(soa, SOA) else None


def _serial_problem(contents: ZoneContents, published: DelegationData, answers: _Answers) -> Iterator[Entry]:
    soa = (contents.apex(dns.rdatatype.SOA) or [None])[0]
    serials = [_serial(answers.get((name, address or ""))) for name, address in published.nameservers]
    known = [serial for serial in serials if serial is not None]
    if not isinstance(soa, SOA) or not known:
        return
    newest = known[0]
    for serial in known:
        newest = serial if _is_higher(serial, newest) else newest
    if not _is_higher(soa.serial, newest):
        yield make_entry("ZF_SERIAL_NOT_HIGHER", {"serial": soa.serial, "published_serial": newest})


def _is_higher(serial: int, other: int) -> bool:
    """Compare serials (RFC 1982 section 3.2)."""
    return 0 < (serial - other) % _SERIALS < _SERIALS // 2
