"""Verdicts: pass, fail or undecided by a policy, for a run, its suites and test cases.

A verdict is computed from entries, so it exists for stored runs, too. A finding that fails is a failure even if the run
did not finish; a pass needs a finished run in which every test case that counts was selected and reached its end.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.causes.evidence import ReadTiming
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.findings.causes.registry import causes_of
from gonemaster_engine.findings.messages import DEFAULT_LOCALE, advice, message, phrase
from gonemaster_engine.findings.messages.policies import LABELS, REASONS, SUMMARIES
from gonemaster_engine.findings.references import reference
from gonemaster_engine.findings.tags import SYSTEM
from gonemaster_engine.findings.verdict import verdict_of
from gonemaster_engine.policies.policy import Policy, Suite
from gonemaster_engine.profile.schema import Document
from gonemaster_engine.replaced_tags import same_tags
from gonemaster_engine.testcases.catalogue import cases

if TYPE_CHECKING:
    from gonemaster_engine.run.run import RunResult

_CUT_OFF = {"RUN_DEADLINE_REACHED": "cut_off", "RUN_LIMIT_REACHED": "limit"}
_LOST = "NO_ANSWER_UNDECIDED"
_BASIC = "BASIC"
_NO_IPV6 = "IPV6_AUTO_DISABLED"
_DECIDING = frozenset({*_CUT_OFF, _LOST, _NO_IPV6, "CANNOT_CONTINUE", "MODULE_ERROR", "NO_NETWORK"})


class PolicyResult(enum.StrEnum):
    """The result of a run, a suite or a test case. Values are stored and sent by the API: never change one."""

    PASS = "pass"  # noqa: S105 - a result, not a password
    FAIL = "fail"
    UNDECIDED = "undecided"

    def label(self, *, locale: str = DEFAULT_LOCALE) -> str:
        """Return the result in words."""
        return phrase(LABELS[self.value], {}, locale=locale)


@dataclass(frozen=True, slots=True)
class FailingFinding:
    """A finding that fails, with its level for the policy and its error code, if the policy has codes."""

    position: int  # in the entries of the run
    entry: Entry
    level: Level
    code: str | None

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> Document:
        """Return the finding as a document, with its message and what to do."""
        entry = self.entry
        found = reference(entry.tag, entry.testcase)
        return {
            "position": self.position,
            "module": entry.module,
            "testcase": entry.testcase,
            "tag": entry.tag,
            "code": self.code,
            "level": self.level.name,
            "args": entry.args,
            "message": message(entry.tag, entry.module, entry.args, locale=locale),
            "advice": advice(entry.tag, entry.module, locale=locale),
            "reference": found and found.url,
        }


@dataclass(frozen=True, slots=True)
class CaseVerdict:
    """The result of a test case; `reason` is a key of REASONS if it is undecided, or if its suite does not apply."""

    case: str  # an ID; the name of a module in lower case for findings of a module outside of its test cases
    result: PolicyResult
    findings: tuple[FailingFinding, ...] = ()
    reason: str = ""

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> Document:
        """Return the result as a document."""
        return {
            "case": self.case,
            "result": self.result.value,
            "reason": self.reason or None,
            "explanation": reason_text(self.reason, locale=locale) if self.reason else None,
            "findings": [finding.as_dict(locale=locale) for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class SuiteVerdict:
    """The result of a suite: fail if a test case fails, else undecided if one is, else pass."""

    name: str
    description: str
    cases: tuple[CaseVerdict, ...]

    @property
    def result(self) -> PolicyResult:
        """The worst result of the test cases."""
        return _worst(case.result for case in self.cases)

    def of(self, result: PolicyResult) -> list[CaseVerdict]:
        """Return the test cases with a result."""
        return [case for case in self.cases if case.result is result]

    def counts(self, *, locale: str = DEFAULT_LOCALE) -> str:
        """Return the number of test cases with each result, in words."""
        names = {"passed": PolicyResult.PASS, "failed": PolicyResult.FAIL, "undecided": PolicyResult.UNDECIDED}
        args = {key: len(self.of(result)) for key, result in names.items()}
        return phrase(SUMMARIES["counts"], args, locale=locale)

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> Document:
        """Return the result as a document."""
        return {
            "name": self.name,
            "description": self.description,
            "result": self.result.value,
            "cases": [case.as_dict(locale=locale) for case in self.cases],
        }


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """The verdict of a policy on a run. `reasons` are keys of REASONS that make a pass impossible."""

    policy: str
    version: str
    suites: tuple[SuiteVerdict, ...]
    reasons: tuple[str, ...]
    causes: tuple[Cause, ...]  # of the run; those of failing findings first

    @property
    def result(self) -> PolicyResult:
        """The worst result of the suites; undecided instead of pass if there is a reason."""
        worst = _worst(suite.result for suite in self.suites)
        return PolicyResult.UNDECIDED if worst is PolicyResult.PASS and self.reasons else worst

    @property
    def findings(self) -> list[FailingFinding]:
        """The failing findings, each once, in the order of the run."""
        found = {each.position: each for suite in self.suites for case in suite.cases for each in case.findings}
        return [found[position] for position in sorted(found)]

    @property
    def decisive_causes(self) -> list[Cause]:
        """The causes of failing findings: what to fix for a pass."""
        failing = {finding.position for finding in self.findings}
        return [cause for cause in self.causes if not failing.isdisjoint(cause.found.explains)]

    def sentence(self, *, locale: str = DEFAULT_LOCALE) -> str:
        """Return the result in one sentence."""
        return phrase(SUMMARIES[self.result.value], {"policy": self.policy, "version": self.version}, locale=locale)

    def explanations(self, *, locale: str = DEFAULT_LOCALE) -> list[str]:
        """Return the reasons as sentences."""
        return [reason_text(reason, locale=locale) for reason in self.reasons]

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> Document:
        """Return the verdict as a document, without the root causes."""
        return {
            "policy": self.policy,
            "version": self.version,
            "result": self.result.value,
            "summary": self.sentence(locale=locale),
            "reasons": list(self.reasons),
            "explanations": self.explanations(locale=locale),
            "suites": [suite.as_dict(locale=locale) for suite in self.suites],
        }

    def as_document(self, *, locale: str = DEFAULT_LOCALE) -> Document:
        """Return the verdict with the root causes of the run; `decisive` causes explain failing findings."""
        decisive = self.decisive_causes
        causes = [cause.as_dict(locale=locale) | {"decisive": cause in decisive} for cause in self.causes]
        return {**self.as_dict(locale=locale), "root_causes": causes}


def reason_text(reason: str, *, locale: str = DEFAULT_LOCALE) -> str:
    """Return a reason as a sentence."""
    return phrase(REASONS[reason], {}, locale=locale)


def judge(
    policy: Policy,
    entries: Sequence[Entry],
    *,
    domain: str = "",
    planned: Collection[str] | None = None,
    families: Collection[str] | None = None,
    timings: Iterable[ReadTiming] = (),
    causes: Sequence[Cause] | None = None,
) -> PolicyVerdict:
    """Return the verdict of a policy on the entries of a run.

    `planned` are the IDs of the test cases that the run selected (None: all that count), `families` the address
    families of its profile, "ipv4" and "ipv6" (None: both). `causes` are the root causes of the run, if known.
    """
    run = _JudgedRun(entries, set(policy.cases if planned is None else planned))
    suites = tuple(
        SuiteVerdict(suite.name, suite.description, tuple(run.case_verdicts(policy, suite))) for suite in policy.suites
    )
    found = causes_of(domain, entries, timings) if causes is None else causes
    verdict = PolicyVerdict(policy.name, policy.version, suites, run.reasons(policy, families), tuple(found))
    decisive = verdict.decisive_causes
    ordered = (*decisive, *(cause for cause in found if cause not in decisive))
    return PolicyVerdict(policy.name, policy.version, suites, verdict.reasons, ordered)


def judge_result(policy: Policy, result: RunResult, *, causes: Sequence[Cause] | None = None) -> PolicyVerdict:
    """Return the verdict of a policy on the result of a run."""
    families = [name for name, is_used in (("ipv4", result.profile.ipv4), ("ipv6", result.profile.ipv6)) if is_used]
    return judge(
        policy,
        result.entries,
        domain=result.domain,
        planned=result.planned,
        families=families,
        timings=result.timings,
        causes=causes,
    )


def deciding_positions(verdict: PolicyVerdict, policy: Policy, entries: Sequence[Entry]) -> frozenset[int]:
    """Return the positions of the entries on which the verdict depends, so that it can be repeated with these alone."""
    tags = {tag for suite in policy.suites for tag in suite.unless_tags} | _DECIDING
    named = (position for position, entry in enumerate(entries) if entry.tag in tags)
    return frozenset((*named, *(finding.position for finding in verdict.findings)))


class _JudgedRun:
    """The entries of a run, and why its test cases may have no result."""

    def __init__(self, entries: Sequence[Entry], planned: set[str]) -> None:
        self._planned = planned
        self._tags = {entry.tag for entry in entries}
        self._by_case: dict[str, list[tuple[int, Entry]]] = {}
        self._of_system: dict[str, list[Entry]] = {}
        for position, entry in enumerate(entries):
            if entry.module == SYSTEM:
                self._of_system.setdefault(entry.tag, []).append(entry)
            else:
                key = entry.testcase or entry.module.lower()
                self._by_case.setdefault(key, []).append((position, entry))
        self._blocked = self._why_no_case(entries)
        self._unfinished = {case_id for tag in _CUT_OFF for case_id in self._named(tag)}

    def _why_no_case(self, entries: Sequence[Entry]) -> str:
        """Return the reason why no test case has a result, if there is one."""
        if not entries:
            return "no_result"
        verdict = verdict_of(entries)
        if verdict and verdict.is_of_the_tester:
            return "no_network"
        return "not_testable" if verdict and verdict.is_unknown else ""

    def _named(self, tag: str) -> Iterator[str]:
        for entry in self._of_system.get(tag, ()):
            yield from entry.args.get("testcases") or ()

    def reasons(self, policy: Policy, families: Collection[str] | None) -> tuple[str, ...]:
        """Return the reasons that make a pass impossible."""
        found = [self._blocked] if self._blocked else []
        found += [reason for tag, reason in _CUT_OFF.items() if tag in self._of_system]
        found += ["lost_packets"] if _LOST in self._of_system else []
        used = {"ipv4", "ipv6"} if families is None else set(families)
        if _NO_IPV6 in self._of_system:
            used.discard("ipv6")
        return (*found, *(f"no_{family}" for family in policy.needs if family not in used))

    def case_verdicts(self, policy: Policy, suite: Suite) -> Iterator[CaseVerdict]:
        """Yield the results of the test cases of a suite, and of its modules that failed outside of a test case."""
        if not self._blocked and any(not suite.unless_tags.isdisjoint(same_tags(tag)) for tag in self._tags):
            yield from (CaseVerdict(case_id, PolicyResult.PASS, reason="not_applicable") for case_id in suite.cases)
            return
        of_modules = {cases()[case_id].module.lower(): None for case_id in suite.cases}
        for name in of_modules:
            if failing := self._failing(policy, suite, name):
                yield self._verdict(name, failing, self._blocked)
        for case_id in suite.cases:
            yield self._verdict(case_id, self._failing(policy, suite, case_id), self._why_undecided(case_id))

    def _verdict(self, name: str, failing: tuple[FailingFinding, ...], reason: str) -> CaseVerdict:
        if self._blocked:  # nothing that such a run found is about the domain
            return CaseVerdict(name, PolicyResult.UNDECIDED, reason=reason)
        if failing:
            return CaseVerdict(name, PolicyResult.FAIL, failing)
        return (
            CaseVerdict(name, PolicyResult.UNDECIDED, reason=reason) if reason else CaseVerdict(name, PolicyResult.PASS)
        )

    def _failing(self, policy: Policy, suite: Suite, name: str) -> tuple[FailingFinding, ...]:
        found = []
        for position, entry in self._by_case.get(name, ()):
            level = policy.level(entry.module, entry.tag, entry.level)
            if suite.fails(entry.tag, level):
                found.append(FailingFinding(position, entry, level, policy.code(entry.tag)))
        return tuple(found)

    def _why_undecided(self, case_id: str) -> str:
        """Return the reason why a test case has no result; empty if it has one."""
        if self._blocked:
            return self._blocked
        is_stopped = "CANNOT_CONTINUE" in self._of_system
        if case_id not in self._planned:
            return "not_continued" if is_stopped and not self._planned else "not_selected"
        if case_id in self._unfinished:
            return "cut_off"
        if any(entry.testcase == case_id for entry in self._of_system.get("MODULE_ERROR", ())):
            return "error"
        if is_stopped and cases()[case_id].module != _BASIC:
            return "not_continued"
        return ""


def _worst(results: Iterable[PolicyResult]) -> PolicyResult:
    found = set(results)
    return next(
        (result for result in (PolicyResult.FAIL, PolicyResult.UNDECIDED) if result in found), PolicyResult.PASS
    )
