"""The zones above the tested zone, each judged by the answer of one of its servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gonemaster_engine import names
from gonemaster_engine.dnssec.records import DNSKEY, DS, Dnskey, Ds, dnskeys, ds_records, rrset, signatures
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.trustchain.queries import ChainQueries
from gonemaster_engine.trustchain.validation import (
    SECURE,
    CheckedSignature,
    LinkStatus,
    ObservedRecord,
    SecurityStatus,
    Validator,
    status_of_set,
)
from gonemaster_engine.zone.zone import Zone

_ANSWERED = frozenset({0, 3})  # RCODEs


@dataclass(slots=True)
class ChainZone:
    """A zone of the chain: its DS records, its keys and signatures, and their status."""

    name: str
    security: SecurityStatus
    ds: list[ObservedRecord[Ds]] = field(default_factory=list)  # for the root: the trust anchors
    ds_signatures: list[ObservedRecord[CheckedSignature]] = field(default_factory=list)
    keys: list[ObservedRecord[Dnskey]] = field(default_factory=list)
    signatures: list[ObservedRecord[CheckedSignature]] = field(default_factory=list)

    @property
    def trusted_keys(self) -> list[Dnskey]:
        """The keys of the zone if the chain down to it is secure, otherwise none."""
        return [found.record for found in self.keys] if self.security.status is LinkStatus.SECURE else []

    def inherited(self) -> SecurityStatus | None:
        """Return the status that a zone below inherits from this zone, or None if it has to be validated."""
        status = self.security.status
        return None if status is LinkStatus.SECURE else SecurityStatus(status, (f"parent_{status.value}",))


async def zones_above(zone: Zone, queries: ChainQueries, validator: Validator) -> list[ChainZone]:
    """Return the zones on the path from the root to the parent of the tested zone."""
    found: list[ChainZone] = []
    for name in await _names_above(zone):
        response = await queries.resolve(name, "DNSKEY")
        if not found:
            found.append(await _root(zone, response, validator))
            continue
        answer = await queries.resolve(name, "DS")
        found.append(await _below(found[-1], name, answer, response, validator))
    return found


async def _names_above(zone: Zone) -> list[str]:
    parent = await zone.parent_zone()
    if parent is None:
        return []
    met = {name for name in (await zone.walk()).zones if names.is_in_domain(parent.name, name)}
    return sorted({*met, names.ROOT, parent.name}, key=lambda name: len(names.labels(name)))


async def _root(zone: Zone, response: Response | None, validator: Validator) -> ChainZone:
    anchors = trust_anchors(zone)
    root = ChainZone(names.ROOT, SECURE, ds=[ObservedRecord(anchor) for anchor in anchors])
    root.security = await keys_security(root, response, anchors, validator)
    if root.keys and not anchors:  # a private root without trust anchors
        verdict = status_of_set([found.record for found in root.signatures], "dnskey")
        root.security = (
            SecurityStatus(LinkStatus.SECURE, ("anchor_assumed",)) if verdict.status is LinkStatus.SECURE else verdict
        )
    if root.security.reasons == ("dnskey_missing",):  # an unsigned private root
        root.security = SecurityStatus(LinkStatus.INSECURE, root.security.reasons)
    return root


def trust_anchors(zone: Zone) -> list[Ds]:
    """Return the trust anchors of the root; none for a private root whose hints contain no DS record."""
    resources = zone.context.resources
    return list(resources.root_anchors) if resources.has_anchors else []


async def _below(
    parent: ChainZone, name: str, answer: Response | None, response: Response | None, validator: Validator
) -> ChainZone:
    zone = ChainZone(name, SECURE)
    delegation = await ds_security(zone, answer, parent, validator)
    keys = await keys_security(zone, response, [found.record for found in zone.ds], validator)
    zone.security = keys if delegation.status is LinkStatus.SECURE else delegation
    return zone


async def ds_security(
    zone: ChainZone, answer: Response | None, parent: ChainZone, validator: Validator, *, server: str = ""
) -> SecurityStatus:
    """Store the DS set of an answer with its signatures, and validate it; it is secure if the parent has signed it."""
    servers = (server,) if server else ()
    if answer is None or not answer.aa or answer.rcode_number not in _ANSWERED:
        return parent.inherited() or SecurityStatus(LinkStatus.INDETERMINATE, ("ds_no_answer",))
    ds = ds_records(answer, zone.name)
    rrsigs = signatures(answer, DS, zone.name)
    # All keys are used, trusted or not: each signature is shown with its verdict, even below a broken link.
    checked = await validator.check(rrset(answer, DS, zone.name), rrsigs, _all_keys(parent), signer=parent.name)
    zone.ds = [ObservedRecord(record, servers) for record in dict.fromkeys(ds)]
    zone.ds_signatures = [ObservedRecord(record, servers) for record in checked]
    inherited = parent.inherited()
    if inherited:
        return inherited
    if not ds:
        return await validator.denial(answer, parent.trusted_keys, name=zone.name, parent=parent.name)
    return status_of_set(checked, "ds")


def _all_keys(zone: ChainZone) -> list[Dnskey]:
    return [found.record for found in zone.keys]


async def keys_security(
    zone: ChainZone, response: Response | None, ds: Sequence[Ds], validator: Validator, *, server: str = ""
) -> SecurityStatus:
    """Store the DNSKEY set of an answer with its signatures, and validate it with a trusted DS set."""
    if response is None or not response.aa or response.rcode_number:
        return SecurityStatus(LinkStatus.INDETERMINATE, ("dnskey_no_answer",))
    servers = (server,) if server else ()
    keys = dnskeys(response, zone.name)
    rrsigs = signatures(response, DNSKEY, zone.name)
    checked = await validator.check(rrset(response, DNSKEY, zone.name), rrsigs, keys, signer=zone.name)
    zone.keys = [ObservedRecord(record, servers) for record in dict.fromkeys(keys)]
    zone.signatures = [ObservedRecord(record, servers) for record in checked]
    return await validator.keys(response, keys, ds, zone=zone.name)
