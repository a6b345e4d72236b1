"""The report of a rehearsal: the results of suites and test cases with RST's codes, from the entries of runs."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.messages import DEFAULT_LOCALE, advice, message, phrase
from gonemaster_engine.findings.messages.rst import REASONS
from gonemaster_engine.policies.policy import Policy
from gonemaster_engine.policies.verdict import CaseVerdict, judge, reason_text
from gonemaster_engine.rst.codes import (
    CASES,
    DNS_SUITE,
    DNSSEC_SUITE,
    LEVELS,
    MODULE,
    SPECIFICATION,
    UNDECIDED,
    suite_of,
)
from gonemaster_engine.rst.document import RstInput
from gonemaster_engine.version import __version__

_FAIL = Level.ERROR


class RstResult(enum.StrEnum):
    """The result of a rehearsal, a suite or a test case. Values are stored and sent: append, never change."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNDECIDED = "undecided"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class TldRun:
    """The finished run of a TLD; `families` are those that the tester used."""

    entries: Sequence[Entry]
    started_at: datetime | None = None
    finished_at: datetime | None = None
    families: frozenset[str] | None = None
    problem: str = ""  # why there is no result


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """A finding of a test case: an error code of RST, or a note without one."""

    tld: str
    code: str
    level: Level
    entry: Entry

    @property
    def fails(self) -> bool:
        """Whether it fails its test case."""
        return self.level >= _FAIL

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> dict[str, Any]:
        """Return the finding as a document."""
        entry = self.entry
        return {
            "tld": self.tld,
            "code": self.code,
            "severity": self.level.name,
            "message": message(entry.tag, entry.module, entry.args, locale=locale),
            "advice": advice(entry.tag, entry.module, locale=locale),
            "args": entry.args,
        }


@dataclass(frozen=True, slots=True)
class CaseReport:
    """The result of a test case over all TLDs."""

    name: str
    results: Mapping[str, RstResult]  # by TLD
    findings: tuple[ReportedFinding, ...] = ()
    reasons: tuple[str, ...] = ()  # sentences: why it has no result

    @property
    def result(self) -> RstResult:
        """Fail if it fails for a TLD; otherwise undecided if it is for one; skipped if it is for all."""
        return worst(self.results.values())

    @property
    def codes(self) -> list[str]:
        """The error codes, sorted."""
        return sorted({finding.code for finding in self.findings if finding.fails})

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> dict[str, Any]:
        """Return the result as a document."""
        return {
            "name": self.name,
            "result": self.result.value,
            "errorCodes": self.codes,
            "tlds": {tld: result.value for tld, result in self.results.items()},
            "reasons": [phrase(REASONS[key], {}, locale=locale) if key in REASONS else key for key in self.reasons],
            "findings": [finding.as_dict(locale=locale) for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """The result of a suite: pass if all test cases pass for all TLDs."""

    name: str
    cases: tuple[CaseReport, ...]

    @property
    def result(self) -> RstResult:
        """The worst result of the test cases."""
        return worst(case.result for case in self.cases)

    def count(self, result: RstResult) -> int:
        """Return the number of test cases with a result."""
        return sum(case.result is result for case in self.cases)


@dataclass(frozen=True, slots=True)
class RstReport:
    """The report of a rehearsal."""

    inputs: RstInput
    suites: tuple[SuiteReport, ...]
    started_at: datetime | None = None
    finished_at: datetime | None = None
    identities: tuple[ReportedFinding, ...] = field(default=())  # NSID and ZONEVERSION of name servers

    @property
    def result(self) -> RstResult:
        """The worst result of the suites."""
        return worst(suite.result for suite in self.suites)

    @property
    def codes(self) -> list[str]:
        """All error codes, sorted."""
        return sorted({code for suite in self.suites for case in suite.cases for code in case.codes})

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> dict[str, Any]:
        """Return the report as a document."""
        return {
            "specification": f"icann/rst-test-specs {SPECIFICATION}",
            "program": f"gonemaster {__version__}",
            "startedAt": _text(self.started_at),
            "finishedAt": _text(self.finished_at),
            "result": self.result.value,
            "errorCodes": self.codes,
            "suites": [
                {
                    "name": suite.name,
                    "result": suite.result.value,
                    "testCases": [case.as_dict(locale=locale) for case in suite.cases],
                }
                for suite in self.suites
            ],
            "nameserverIdentities": [{"tld": each.tld, **each.entry.args} for each in self.identities],
            "inputs": self.inputs.as_dict(),
            "ignoredInputs": list(self.inputs.ignored),
        }


def worst(results: Iterable[RstResult]) -> RstResult:
    """Return fail, undecided, pass or skipped: the first of them that is there."""
    found = set(results)
    return next(
        (each for each in (RstResult.FAIL, RstResult.UNDECIDED, RstResult.PASS) if each in found), RstResult.SKIPPED
    )


def build_report(
    inputs: RstInput, runs: Mapping[str, TldRun], policy: Policy, *, locale: str = DEFAULT_LOCALE
) -> RstReport:
    """Return the report of finished runs by TLD."""
    cases: dict[str, list[tuple[str, RstResult, list[ReportedFinding], str]]] = {}
    identities = []
    for tld in inputs.tlds:
        run = runs.get(tld.name, TldRun((), problem="no_run"))
        for name, result, findings, reason in (*_of_policy(tld.name, run, policy, locale), *_own(tld.name, run)):
            cases.setdefault(name, []).append((tld.name, result, findings, reason))
        identities += [
            ReportedFinding(tld.name, entry.tag, entry.level, entry)
            for entry in run.entries
            if entry.tag == "RST_SERVER_IDENTITY"
        ]
    reports = [_case_report(name, of_tlds) for name, of_tlds in sorted(cases.items())]
    suites = tuple(
        SuiteReport(name, tuple(case for case in reports if suite_of(case.name) == name))
        for name in (DNS_SUITE, DNSSEC_SUITE)
    )
    started = [run.started_at for run in runs.values() if run.started_at]
    finished = [run.finished_at for run in runs.values() if run.finished_at]
    return RstReport(
        inputs,
        suites,
        min(started, default=None),
        max(finished, default=None),
        tuple(identities),
    )


def _case_report(name: str, of_tlds: Sequence[tuple[str, RstResult, list[ReportedFinding], str]]) -> CaseReport:
    return CaseReport(
        name,
        {tld: result for tld, result, _, _ in of_tlds},
        tuple(finding for _, _, findings, _ in of_tlds for finding in findings),
        tuple(dict.fromkeys(reason for _, _, _, reason in of_tlds if reason)),
    )


def rst_name(case_id: str) -> str:
    """Return RST's name of a test case of Zonemaster: dns-address01, dnssec-01."""
    return case_id.replace("dnssec", "dnssec-", 1) if case_id.startswith("dnssec") else f"dns-{case_id}"


_Judged = Iterator[tuple[str, RstResult, list[ReportedFinding], str]]


def _of_policy(tld: str, run: TldRun, policy: Policy, locale: str) -> _Judged:
    """Yield the results of Zonemaster's test cases."""
    verdict = judge(policy, run.entries, domain=tld, families=run.families, causes=())
    for suite in verdict.suites:
        for case in suite.cases:
            yield rst_name(case.case), *_of_case(tld, run, case, verdict.reasons, locale)


def _of_case(
    tld: str, run: TldRun, case: CaseVerdict, reasons: Sequence[str], locale: str
) -> tuple[RstResult, list[ReportedFinding], str]:
    """Return the result of a test case; a reason of the whole run makes a pass undecided."""
    findings = [ReportedFinding(tld, each.code or each.entry.tag, each.level, each.entry) for each in case.findings]
    result = RstResult(case.result.value)
    reason = run.problem or case.reason
    if result is RstResult.PASS and reasons:
        result, reason = RstResult.UNDECIDED, reasons[0]
    if result is not RstResult.UNDECIDED:
        return result, findings, ""
    return result, findings, reason if reason in REASONS else reason_text(reason, locale=locale)


def _own(tld: str, run: TldRun) -> _Judged:
    """Yield the results of RST's own test cases."""
    by_case: dict[str, list[Entry]] = {}
    for entry in run.entries:
        if entry.module == MODULE:
            by_case.setdefault(entry.testcase, []).append(entry)
    for name in CASES:
        entries = by_case.get(name, [])
        tags = {entry.tag for entry in entries}
        findings = [
            ReportedFinding(tld, entry.tag, LEVELS.get(entry.tag, entry.level), entry)
            for entry in entries
            if LEVELS.get(entry.tag, entry.level) >= Level.WARNING
        ]
        yield name, *_own_result(run, tags, findings)


def _own_result(
    run: TldRun, tags: set[str], findings: list[ReportedFinding]
) -> tuple[RstResult, list[ReportedFinding], str]:
    if any(finding.fails for finding in findings):
        return RstResult.FAIL, findings, ""
    if "RST_CASE_FINISHED" not in tags or tags & UNDECIDED:
        return RstResult.UNDECIDED, findings, run.problem or ("not_all_tested" if tags & UNDECIDED else "no_run")
    return (RstResult.SKIPPED if "RST_CASE_SKIPPED" in tags else RstResult.PASS), findings, ""


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
