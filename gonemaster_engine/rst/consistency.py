"""dns-zz-consistency: all name servers give the same responses over all their transports.

Source: icann/rst-test-specs v2026.05, inc/dns/cases.yaml. ICANN sends the queries from several places, gonemaster from
one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gonemaster_engine.context import RunContext
from gonemaster_engine.entries import Entry
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.rst.codes import CONSISTENCY, make_entry
from gonemaster_engine.rst.comparing import QueryComparison, compare
from gonemaster_engine.rst.encrypted import missing_packages
from gonemaster_engine.rst.questions import RstQuery, nic_questions, questions_of
from gonemaster_engine.rst.sending import NSID, PAYLOAD, ZONEVERSION, Ports, Sender
from gonemaster_engine.rst.tld import ENCRYPTED, ServerPath, Tld

PATHS_AT_ONCE = 32
_MAX_VALUES = 4  # NSID and ZONEVERSION values of a path
_MAX_OCTETS = 64  # of a value
_MAX_PATHS = 100  # in one finding
_SOA_SERIAL = 0  # RFC 9660 section 6.2

Answers = dict[ServerPath, dict[RstQuery, Response | str]]


@dataclass(slots=True)
class ConsistencyCheck:
    """The check of one TLD; `answers` has what arrived so far."""

    tld: Tld
    context: RunContext
    ports: Ports
    answers: Answers = field(default_factory=dict)
    queries: int = 0

    async def findings(self) -> AsyncIterator[Entry]:
        """Send all queries, then yield what was found."""
        paths, left_out = self._usable()
        for entry in left_out:
            yield entry
        sender, slots = Sender(self.context, self.ports), asyncio.Semaphore(PATHS_AT_ONCE)
        questions = questions_of(self.tld)

        async def ask(path: ServerPath) -> None:
            async with slots:
                self.answers[path] = await sender.ask(path, questions)

        try:
            async with asyncio.TaskGroup() as group:
                for path in paths:
                    group.create_task(ask(path))
        finally:
            self.queries = sender.queries
        ordered = {path: self.answers[path] for path in paths}
        for entry in self._judged(ordered, questions):
            yield entry

    def _usable(self) -> tuple[list[ServerPath], list[Entry]]:
        """Return the paths that can be tested, and findings about the others."""
        left_out = []
        usable = self.tld.paths()
        for ipv6 in (False, True):
            without = [path for path in usable if path.is_ipv6 == ipv6]
            if without and not self.context.uses_family(ipv6=ipv6):
                addresses = sorted({path.address for path in without})
                family = "IPv6" if ipv6 else "IPv4"
                left_out.append(make_entry(CONSISTENCY, "RST_FAMILY_NOT_TESTED", family=family, addresses=addresses))
                usable = [path for path in usable if path.is_ipv6 != ipv6]
        for protocol in ENCRYPTED:
            without = [path for path in usable if path.protocol == protocol]
            if without and (packages := missing_packages(protocol)):
                args: dict[str, Any] = {"protocol": protocol, "packages": list(packages)}
                left_out.append(make_entry(CONSISTENCY, "RST_TRANSPORT_NOT_TESTED", **args, servers=_servers(without)))
                usable = [path for path in usable if path.protocol != protocol]
        return usable, left_out

    def _judged(self, answers: Answers, questions: list[RstQuery]) -> Iterator[Entry]:
        yield from self._failures(answers)
        comparisons = compare(questions, answers, payload=PAYLOAD)
        for comparison in comparisons:
            yield from self._differences(comparison)
        yield from self._missing_nic(answers)
        yield from self._identities(answers)

    def _failures(self, answers: Answers) -> Iterator[Entry]:
        for path, by_question in answers.items():
            failed = {question: error for question, error in by_question.items() if isinstance(error, str)}
            if failed:
                shown = [f"{question.name} {question.type}" for question in failed]
                reason = next(iter(failed.values()))
                yield self._entry("DNS_CONSISTENCY_QUERY_FAILED", **path.as_dict(), reason=reason, failed_queries=shown)

    def _differences(self, comparison: QueryComparison) -> Iterator[Entry]:
        question = comparison.question
        for number, paths in comparison.differing().items():
            parts, records = comparison.describe(number)
            yield self._entry(
                "DNS_INCONSISTENT_RESPONSES",
                query_name=question.name,
                query_type=question.type,
                sections=parts,
                differences=records,
                servers=_servers(paths),
            )

    def _missing_nic(self, answers: Answers) -> Iterator[Entry]:
        """Yield a finding if no server has the records that RST expects at nic.TLD."""
        for question in nic_questions(self.tld):
            responses = [each for found in answers.values() if isinstance(each := found.get(question), Response)]
            if responses and not any(_has(each, question) for each in responses):
                yield self._entry("RST_NIC_RECORDS_MISSING", query_name=question.name, query_type=question.type)

    def _identities(self, answers: Answers) -> Iterator[Entry]:
        for path, by_question in answers.items():
            responses = [each for each in by_question.values() if isinstance(each, Response)]
            nsid = _values(responses, NSID, _nsid_text)
            versions = _values(responses, ZONEVERSION, _version_text)
            if nsid or versions:
                yield self._entry("RST_SERVER_IDENTITY", **path.as_dict(), nsid=nsid, zoneversion=versions)

    def _entry(self, tag: str, **args: Any) -> Entry:
        return make_entry(CONSISTENCY, tag, self.context.log.elapsed(), **args)


def _has(response: Response, question: RstQuery) -> bool:
    """Return whether a response has the records, as an answer or as a referral."""
    return response.has(question.type, question.name) or response.has(question.type, question.name, "authority")


def _servers(paths: Iterable[ServerPath]) -> list[dict[str, Any]]:
    return [path.as_dict() for path in list(paths)[:_MAX_PATHS]]


def _values(responses: Iterable[Response], code: int, text_of: Any) -> list[str]:
    found = (each.edns.option(code) for each in responses if each.edns)
    return list(dict.fromkeys(text_of(value[:_MAX_OCTETS]) for value in found if value))[:_MAX_VALUES]


def _nsid_text(value: bytes) -> str:
    if all(0x20 <= octet < 0x7F for octet in value):
        return value.decode("ascii")
    return value.hex()


def _version_text(value: bytes) -> str:
    """Return a ZONEVERSION value: the number of labels of the zone, the type and the version."""
    if len(value) < 2:
        return value.hex()
    if value[1] == _SOA_SERIAL and len(value) == 6:
        return f"SOA-SERIAL {int.from_bytes(value[2:])}"
    return f"{value[0]} {value[1]} {value[2:].hex()}"


def answered_paths(answers: Mapping[ServerPath, Mapping[RstQuery, Response | str]]) -> int:
    """Return the number of paths with at least one response."""
    return sum(any(isinstance(each, Response) for each in found.values()) for found in answers.values())
