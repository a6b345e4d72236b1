"""The tested zone in the chain: the answers of each server of the zone and of its parent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gonemaster_engine.dnssec.records import Ds, make_ds, rrset, signatures
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.rrtypes import SOA
from gonemaster_engine.trustchain.above import ChainZone, ds_security, keys_security, trust_anchors
from gonemaster_engine.trustchain.queries import ChainQueries
from gonemaster_engine.trustchain.validation import (
    SECURE,
    CheckedSignature,
    LinkStatus,
    ObservedRecord,
    R,
    SecurityStatus,
    Validator,
    gather,
    status_of_set,
)
from gonemaster_engine.zone.zone import Zone

_UNSIGNED = SecurityStatus(LinkStatus.INSECURE, ("dnskey_missing",))
_ISLAND = SecurityStatus(LinkStatus.INSECURE, ("island",))  # signed, but without DS records
_WORST_FIRST = (LinkStatus.BOGUS, LinkStatus.INDETERMINATE, LinkStatus.INSECURE, LinkStatus.SECURE)


@dataclass(slots=True)
class TestedServerView:
    """The answers of one server, and their status."""

    server: Nameserver
    zone: ChainZone

    @property
    def status(self) -> LinkStatus:
        """The status of the answers."""
        return self.zone.security.status


@dataclass(slots=True)
class TestedZone:
    """Both sides of the delegation, by server and as a whole."""

    __test__ = False  # tells pytest that this is not a test class

    whole: ChainZone
    delegation: SecurityStatus
    at_parent: list[TestedServerView] = field(default_factory=list)
    at_child: list[TestedServerView] = field(default_factory=list)

    @property
    def has_keys(self) -> bool:
        """Whether a server returned keys."""
        return bool(self.whole.keys)

    @property
    def differs(self) -> bool:
        """Whether the answering servers of one side have different statuses."""
        return any(len(_answering(side)) > 1 for side in (self.at_parent, self.at_child))


async def query_tested_zone(
    zone: Zone, parent: ChainZone | None, queries: ChainQueries, validator: Validator
) -> TestedZone:
    """Query both sides; for the root, the delegation consists of its trust anchors or of the supplied data."""
    tested = TestedZone(ChainZone(zone.name, SECURE), SECURE)
    ds = _supplied_ds(zone)
    if ds is not None:
        tested.whole.ds = [ObservedRecord(record) for record in ds]
        tested.delegation = SECURE if ds else SecurityStatus(LinkStatus.INSECURE, ("ds_missing",))
    elif parent is None:
        tested.delegation = SecurityStatus(LinkStatus.INDETERMINATE, ("parent_not_found",))
    else:
        tested.at_parent = await _query_parent(zone, parent, queries, validator)
        tested.delegation = _together(tested.at_parent, "ds_no_answer")
        # The keys are validated with the DS records of the servers that determined the status, without bogus records.
        trusted = [view for view in tested.at_parent if view.status is tested.delegation.status]
        ds = list(dict.fromkeys(found.record for view in trusted for found in view.zone.ds))
        tested.whole.ds = _gathered(tested.at_parent, "ds")
        tested.whole.ds_signatures = _gathered(tested.at_parent, "ds_signatures")
    tested.at_child = await _query_child(zone, ds or [], queries, validator)
    tested.whole.keys = _gathered(tested.at_child, "keys")
    tested.whole.signatures = _gathered(tested.at_child, "signatures")
    failure = _together(tested.at_child, "dnskey_no_answer")
    tested.whole.security = failure if tested.delegation.status is LinkStatus.SECURE else tested.delegation
    return tested


def _supplied_ds(zone: Zone) -> list[Ds] | None:
    """Return the DS set that does not come from servers, or None if the parent has to be queried."""
    if zone.undelegated or zone.supplied_ds:
        return [
            make_ds(tag=ds.keytag, algorithm=ds.algorithm, digest_type=ds.digtype, digest=bytes.fromhex(ds.digest))
            for ds in zone.supplied_ds
        ]
    return trust_anchors(zone) if zone.is_root else None


async def _query_parent(
    zone: Zone, parent: ChainZone, queries: ChainQueries, validator: Validator
) -> list[TestedServerView]:
    found = []
    for server in _one_per_address(await zone.parent_servers() or ()):
        view = ChainZone(zone.name, SECURE)
        answer = await queries.query(server, zone.name, "DS")
        view.security = await ds_security(view, answer, parent, validator, server=server.address)
        found.append(TestedServerView(server, view))
    return found


async def _query_child(
    zone: Zone, ds: Sequence[Ds], queries: ChainQueries, validator: Validator
) -> list[TestedServerView]:
    found = []
    for server in _one_per_address(await zone.all_servers()):
        view = ChainZone(zone.name, SECURE)
        answer = await queries.query(server, zone.name, "DNSKEY")
        view.security = await keys_security(view, answer, ds, validator, server=server.address)
        # Without DS records the zone is an island of security (RFC 4033 section 2), judged by its own signatures.
        if not ds and view.security.reasons != ("dnskey_no_answer",):
            view.security = status_of_set(all_checked(view.signatures), "dnskey") if view.keys else _UNSIGNED
        if view.keys:
            await _check_soa(view, server, queries, validator)
        if not ds and view.security is SECURE:
            view.security = _ISLAND
        found.append(TestedServerView(server, view))
    return found


async def _check_soa(view: ChainZone, server: Nameserver, queries: ChainQueries, validator: Validator) -> None:
    """Validate the SOA record as a sample of the zone's data: keys only matter if they sign the data."""
    answer = await queries.query(server, view.name, "SOA")
    if answer is None or not answer.aa or answer.rcode_number:
        return
    keys = [found.record for found in view.keys]
    rrsigs = signatures(answer, SOA, view.name)
    checked = await validator.check(rrset(answer, SOA, view.name), rrsigs, keys, signer=view.name)
    view.signatures += [ObservedRecord(each, (server.address,)) for each in checked]
    if view.security.status is LinkStatus.SECURE:
        view.security = status_of_set(checked, "soa")


def _together(views: Iterable[TestedServerView], otherwise: str) -> SecurityStatus:
    """Return the combined status of the servers: secure if one is secure, otherwise the worst answer."""
    securities = [view.zone.security for view in views]
    if any(security.status is LinkStatus.SECURE for security in securities):
        return SECURE
    for status in _WORST_FIRST:
        reasons = {reason for security in securities if security.status is status for reason in security.reasons}
        if reasons:
            return SecurityStatus(status, tuple(sorted(reasons)))
    return SecurityStatus(LinkStatus.INDETERMINATE, (otherwise,))


def _answering(views: Iterable[TestedServerView]) -> set[LinkStatus]:
    return {view.status for view in views if view.status is not LinkStatus.INDETERMINATE}


def _gathered(views: Iterable[TestedServerView], part: str) -> list[ObservedRecord[R]]:
    return gather((view.server.address, [found.record for found in getattr(view.zone, part)]) for view in views)


def _one_per_address(servers: Iterable[Nameserver]) -> list[Nameserver]:
    found: dict[str, Nameserver] = {}
    for server in servers:
        found.setdefault(server.address, server)
    return list(found.values())


def all_checked(found: Iterable[ObservedRecord[CheckedSignature]]) -> list[CheckedSignature]:
    """Return the signatures without their servers."""
    return [each.record for each in found]
