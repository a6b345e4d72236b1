"""DSYNC records: where the parent of a zone wants to be notified of new CDS records.

Source: RFC 9859 sections 2 and 4.1.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from gonemaster_engine import names
from gonemaster_engine.dnssec.records import CDS, read_name
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Record
from gonemaster_engine.zone.zone import Zone

DSYNC = 66
NOTIFY_SCHEME = 1
MAX_ENDPOINTS = 4  # the parent zone chooses the records, so their number is limited
_PARENT_SERVERS = 4
_FIXED = struct.Struct("!HBH")  # record type, scheme, port


@dataclass(frozen=True, slots=True, order=True)
class Dsync:
    """A DSYNC record."""

    rtype: int
    scheme: int
    port: int
    target: str

    @property
    def is_for_cds(self) -> bool:
        """Whether it is the endpoint for a NOTIFY message about CDS records."""
        return self.rtype == CDS and self.scheme == NOTIFY_SCHEME


def read_dsync(rdata: bytes) -> Dsync | None:
    """Parse a DSYNC record; None if it is malformed."""
    if len(rdata) <= _FIXED.size:
        return None
    name = read_name(rdata, _FIXED.size)
    if name is None or name[1] != len(rdata):
        return None
    rtype, scheme, port = _FIXED.unpack_from(rdata)
    return Dsync(rtype, scheme, port, name[0])


def dsync_names(domain: str, parent: str) -> list[str]:
    """Return the names at which the endpoint of a domain is looked up: its own, and that of all children of a parent.

    They are empty for a domain that is not below the parent.
    """
    if not names.is_below(domain, parent):
        return []
    of_parent = "_dsync" if parent == names.ROOT else f"_dsync.{parent}"
    child = domain if parent == names.ROOT else domain.removesuffix(f".{parent}")
    return [f"{child}.{of_parent}", of_parent]


async def find_dsync(zone: Zone) -> list[Dsync] | None:
    """Return the DSYNC records for a zone, sorted; None if the parent zone is unknown or did not answer."""
    parent = await zone.parent_zone()
    servers = await zone.parent_servers()
    if parent is None or not servers:
        return None
    for name in dsync_names(zone.name, parent.name):
        found = await _look_up(zone, sorted(servers)[:_PARENT_SERVERS], name)
        if found is None:
            return None
        records = [record for each in found if (record := read_dsync(each.octets))]
        if records:
            return sorted(set(records))
    return []


async def _look_up(zone: Zone, servers: Sequence[Nameserver], name: str) -> Sequence[Record] | None:
    """Return the DSYNC records of a name from the first server that answers, None if none does.

    The servers are queried one after the other, so that a restored run sends the same queries. Only an alias and a zone
    cut below the parent are left to the resolver.
    """
    for server in servers:
        answer = await server.query(name, "DSYNC", shared=True)
        if answer is None or answer.rcode not in {"NOERROR", "NXDOMAIN"}:
            continue
        if answer.aa and not answer.records("CNAME"):
            return answer.records("DSYNC", name)
        found = await zone.recursor.resolve(name, "DSYNC")
        if found.response is not None and found.response.rcode in {"NOERROR", "NXDOMAIN"}:
            return found.records("DSYNC")
    return None
