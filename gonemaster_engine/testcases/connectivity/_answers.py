"""Answers to SOA and NS queries over one transport: the common part of CONNECTIVITY01 and 02."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.zone.zone import Zone

QUERY_TYPES = ("SOA", "NS")
_SERVER = ("ns", "address")


class QueryTags(NamedTuple):
    """The tags for one query type over one transport."""

    no_response: Tag
    unexpected_rcode: Tag
    missing: Tag
    wrong: Tag
    not_aa: Tag

    @classmethod
    def named(cls, prefix: str, query_type: str, transport: str) -> QueryTags:
        """Return the tags, for example CN01_MISSING_SOA_RECORD_UDP."""
        query, record = f"{query_type}_QUERY_{transport}", f"{query_type}_RECORD"
        found = (*_SERVER, "domain_found", "domain_expected")
        return cls(
            no_response=Tag(f"{prefix}_NO_RESPONSE_{query}", Level.WARNING, _SERVER),
            unexpected_rcode=Tag(f"{prefix}_UNEXPECTED_RCODE_{query}", Level.WARNING, (*_SERVER, "rcode")),
            missing=Tag(f"{prefix}_MISSING_{record}_{transport}", Level.WARNING, _SERVER),
            wrong=Tag(f"{prefix}_WRONG_{record}_{transport}", Level.WARNING, found),
            not_aa=Tag(f"{prefix}_{record}_NOT_AA_{transport}", Level.WARNING, _SERVER),
        )

    @property
    def all(self) -> tuple[Tag, ...]:
        """All tags."""
        return self.no_response, self.unexpected_rcode, self.missing, self.wrong, self.not_aa


class TransportTags(NamedTuple):
    """The tags for one transport."""

    no_response: Tag
    ok: Tag
    by_type: dict[str, QueryTags]

    @classmethod
    def named(cls, prefix: str, transport: str) -> TransportTags:
        """Return the tags of a case ("CN01") for a transport ("UDP")."""
        return cls(
            no_response=Tag(f"{prefix}_NO_RESPONSE_{transport}", Level.WARNING, _SERVER),
            ok=Tag(f"{prefix}_OK_{transport}", Level.INFO, ("servers",)),
            by_type={query_type: QueryTags.named(prefix, query_type, transport) for query_type in QUERY_TYPES},
        )

    @property
    def all(self) -> tuple[Tag, ...]:
        """All tags."""
        return self.no_response, self.ok, *(tag for tags in self.by_type.values() for tag in tags.all)


async def check_answers(zone: Zone, servers: Sequence[Nameserver], tags: TransportTags, *, tcp: bool) -> list[Finding]:
    """Query each server for SOA and NS and check the answers; the last finding lists the servers without faults."""
    pending = [(server, [server.query(zone.name, qtype, tcp=tcp) for qtype in QUERY_TYPES]) for server in servers]
    findings: list[Finding] = []
    working: list[Nameserver] = []
    for server, queries in pending:
        responses = [await query for query in queries]
        if not any(responses):
            findings.append(tags.no_response(ns=server.name, address=server.address))
            continue
        problems = [
            problem
            for query_type, response in zip(QUERY_TYPES, responses, strict=True)
            for problem in _judge(zone.name, query_type, server, response, tags.by_type[query_type])
        ]
        findings += problems
        if not problems:
            working.append(server)
    return [*findings, tags.ok(servers=working)] if working else findings


def _judge(
    zone_name: str, query_type: str, server: Nameserver, response: Response | None, tags: QueryTags
) -> Iterator[Finding]:
    server_args = {"ns": server.name, "address": server.address}
    if response is None:
        yield tags.no_response(**server_args)
    elif response.rcode != "NOERROR":
        yield tags.unexpected_rcode(**server_args, rcode=response.rcode)
    elif not (records := response.records(query_type)):
        yield tags.missing(**server_args)
    elif records[0].owner != zone_name:
        yield tags.wrong(**server_args, domain_found=records[0].owner, domain_expected=zone_name)
    elif not response.aa:
        yield tags.not_aa(**server_args)
