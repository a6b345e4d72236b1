"""The document of a chain of trust."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from gonemaster_engine.dnssec.digests import DsSet, Identity, identity
from gonemaster_engine.dnssec.records import DNSKEY, Dnskey, Ds
from gonemaster_engine.trustchain.above import ChainZone, zones_above
from gonemaster_engine.trustchain.queries import ChainQueries
from gonemaster_engine.trustchain.records import (
    Document,
    ds_document,
    instant,
    key_document,
    ordered_ds,
    ordered_keys,
    ordered_signatures,
    signature_document,
)
from gonemaster_engine.trustchain.tested import TestedServerView, TestedZone, query_tested_zone
from gonemaster_engine.trustchain.validation import LinkStatus, Validator
from gonemaster_engine.zone.zone import Zone

VERSION = 3
_MAX = 32  # items of one list
_T = TypeVar("_T")


async def build_chain(zone: Zone) -> Document:
    """Return the chain of trust of the tested zone as seen by the run, which has already sent most of the queries."""
    queries, validator = ChainQueries(zone), Validator(zone.verifier, zone.now)
    supplied = zone.undelegated or bool(zone.supplied_ds)
    above = [] if supplied or zone.is_root else await zones_above(zone, queries, validator)
    tested = await query_tested_zone(zone, above[-1] if above else None, queries, validator)
    return _DocumentWriter(zone.now).chain(zone, above, tested, supplied=supplied)


class _DocumentWriter:
    """Writes one document, and records whether parts were left out."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._truncated = False

    def chain(self, zone: Zone, above: list[ChainZone], tested: TestedZone, *, supplied: bool) -> Document:
        parent = above[-1] if above else None
        whole = tested.whole
        servers = {
            name: [(each.name, each.address) for each in found] for name, found in zone.servers_on_the_way().items()
        }
        servers[zone.name] = [(name, address) for name, found in zone.found_servers().items() for address in found]
        parts: Document = {
            "parent": self._side(tested.at_parent, ds=whole.ds, keys=parent.keys if parent else [])
            | {"zone": parent.name if parent else None, "signatures": self._signatures(whole.ds_signatures)},
            "child": self._side(tested.at_child, ds=[], keys=whole.keys)
            | {"zone": zone.name, "signatures": self._signatures(whole.signatures)},
            "links": [link for each in (*above, whole) for link in self._links(each)],
            "zones": [self._zone(each, servers.get(each.name, ())) for each in (*above, whole)],
            "ns_names": self._ns_names(zone),
        }
        return {
            "version": VERSION,
            "zone": zone.name,
            "parent_zone": parent.name if parent else None,
            "delegation": "undelegated" if supplied else "normal",
            "status": "undelegated" if supplied else _overall(tested),
            "reasons": list(whole.security.reasons),
            "checked_at": instant(self._now),
            "truncated": self._truncated,
            **parts,
        }

    def _side(self, views: list[TestedServerView], *, ds: Iterable[Any], keys: Iterable[Any]) -> Document:
        return {
            "ds": self._listed(ordered_ds(ds), ds_document),
            "keys": self._listed(ordered_keys(keys), key_document),
            "servers": self._listed(views, _server),
        }

    def _zone(self, zone: ChainZone, servers: Iterable[tuple[str, str]]) -> Document:
        return {
            "zone": zone.name,
            "status": zone.security.status.value,
            "reasons": list(zone.security.reasons),
            "ds": self._listed(ordered_ds(zone.ds), ds_document),
            "ds_signatures": self._signatures(zone.ds_signatures),
            "keys": self._listed(ordered_keys(zone.keys), key_document),
            "signatures": self._signatures(zone.signatures),
            "servers": self._listed(servers, lambda each: {"nameserver": each[0], "address": each[1]}),
        }

    def _links(self, zone: ChainZone) -> list[Document]:
        keys = [found.record for found in zone.keys]
        by_digest = DsSet(zone.name, (found.record for found in zone.ds)).keys_by_digest(keys)
        named = {(key.tag, key.algorithm) for key in keys}
        return self._listed(ordered_ds(zone.ds), lambda found: _link(zone, found.record, by_digest, named))

    def _signatures(self, found: Iterable[Any]) -> list[Document]:
        return self._listed(ordered_signatures(found), lambda each: signature_document(each, now=self._now))

    def _ns_names(self, zone: Zone) -> list[Document]:
        verdicts = sorted(zone.address_verdicts.items())
        return self._listed(
            verdicts,
            lambda item: {
                "name": item[0].name,
                "status": item[0].status,
                "signer": item[0].signer or None,
                "key_tag": item[0].key_tag or None,
                "servers": sorted(server.address for server in item[1]),
            },
        )

    def _listed(self, items: Iterable[_T], write: Callable[[_T], Document]) -> list[Document]:
        listed = list(items)
        self._truncated |= len(listed) > _MAX
        return [write(item) for item in listed[:_MAX]]


def _overall(tested: TestedZone) -> str:
    """Return the overall status of the zone."""
    match tested.delegation.status:
        case LinkStatus.SECURE:
            if tested.whole.security.status is LinkStatus.SECURE and tested.differs:
                return "partial"
            return {LinkStatus.SECURE: "secure", LinkStatus.BOGUS: "broken"}.get(
                tested.whole.security.status, "indeterminate"
            )
        case LinkStatus.INSECURE:
            return "island" if tested.has_keys else "unsigned"
        case LinkStatus.BOGUS:
            return "broken"
        case _:
            return "indeterminate"


def _server(view: TestedServerView) -> Document:
    security = view.zone.security
    return {
        "nameserver": view.server.name,
        "address": view.server.address,
        "status": security.status.value,
        "reasons": list(security.reasons),
    }


def _link(
    zone: ChainZone, ds: Ds, by_digest: Mapping[Identity, Sequence[Dnskey]], named: Container[tuple[int, int]]
) -> Document:
    """Return the result for one DS record: the key that it matches, and whether that key signs the DNSKEY set."""
    key = next(iter(by_digest.get(identity(ds), ())), None)
    if key:
        verdict = "match" if key.validates else "unusable_key"
    elif (ds.tag, ds.algorithm) not in named:
        verdict = "no_key"
    else:
        verdict = "digest_unsupported" if identity(ds, is_open=True) in by_digest else "digest_mismatch"
    return {
        "zone": zone.name,
        "key_tag": ds.tag,
        "algorithm": ds.algorithm,
        "digest_type": ds.digest_type,
        "verdict": verdict,
        "signs": key is not None and _signs(zone, key),
    }


def _signs(zone: ChainZone, key: Dnskey) -> bool:
    return any(
        found.record.verdict == "valid"
        and found.record.signature.covered == DNSKEY
        and (found.record.signature.tag, found.record.signature.algorithm) == (key.tag, key.algorithm)
        for found in zone.signatures
    )
