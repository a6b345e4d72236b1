"""The queries of the consistency check."""

from __future__ import annotations

from typing import NamedTuple

from gonemaster_engine.rst.tld import Tld

_APEX_TYPES = ("SOA", "NS", "DNSKEY", "NSEC3PARAM", "TXT")


class RstQuery(NamedTuple):
    """A name and a type."""

    name: str
    type: str


def questions_of(tld: Tld) -> list[RstQuery]:
    """Return the queries that each path of a TLD gets."""
    found = [RstQuery(tld.name, rtype) for rtype in _APEX_TYPES]
    in_zone = [server.name for server in tld.servers if tld.has_in_zone(server.name)]
    found += [RstQuery(name, rtype) for name in in_zone for rtype in ("A", "AAAA")]
    return [*found, *nic_questions(tld)]


def nic_questions(tld: Tld) -> list[RstQuery]:
    """Return the queries about nic.TLD."""
    return [RstQuery(f"nic.{tld.name}", rtype) for rtype in ("NS", "DS")]


def count_queries(tld: Tld) -> int:
    """Return the number of queries of the consistency check."""
    return len(tld.paths()) * len(questions_of(tld))
