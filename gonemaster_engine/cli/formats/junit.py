"""JUnit XML: a test suite for each domain, and in it each test case; CI services display it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gonemaster_engine.cli.formats.model import EndedRun, Format
from gonemaster_engine.entries import Entry
from gonemaster_engine.findings.tags import SYSTEM
from gonemaster_engine.policies.verdict import CaseVerdict, PolicyResult, reason_text

if TYPE_CHECKING:
    from gonemaster_engine.policies.verdict import PolicyVerdict
    from gonemaster_engine.scoring.score import Score


class JunitFormat(Format):
    """Writes one document. A test case fails if it has a finding of the level of `--fail-level` or above."""

    writes = frozenset({"policy", "score"})

    def start(self) -> Iterator[str]:
        """Yield the start of the document."""
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield '<testsuites name="gonemaster">'

    def run(self, ended: EndedRun) -> Iterator[str]:
        """Yield the test suite of a domain."""
        if ended.by_policy:
            yield from self._by_policy(ended, ended.by_policy)
            return
        result = ended.result
        entries_by_case: dict[str, list[Entry]] = {}
        for entry in result.entries:
            entries_by_case.setdefault(_case_of(entry), []).append(entry)
        cases = [self._case(result.domain, name, entries) for name, entries in entries_by_case.items()]
        cases += [_unfinished(result.domain, name) for name in result.unfinished if name not in entries_by_case]
        suite = ET.Element("testsuite", name=result.domain, hostname="localhost", tests=str(len(cases)), errors="0")
        suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
        suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
        suite.set("time", f"{result.duration_s:.3f}")
        suite.set("timestamp", result.started_at.strftime("%Y-%m-%dT%H:%M:%S"))
        if ended.score:
            suite.append(_properties(ended.score))
        suite.extend(cases)
        yield ET.tostring(suite, encoding="unicode")

    def _by_policy(self, ended: EndedRun, verdict: PolicyVerdict) -> Iterator[str]:
        """Yield a test suite for each suite of the policy; a test case without a result is an error."""
        if verdict.reasons:
            yield self._reasons(ended.result.domain, verdict)
        for judged in verdict.suites:
            suite = ET.Element("testsuite", name=f"{ended.result.domain} {judged.name}", hostname="localhost")
            counts = {"tests": len(judged.cases), "failures": len(judged.of(PolicyResult.FAIL))}
            counts |= {"errors": len(judged.of(PolicyResult.UNDECIDED)), "skipped": 0}
            for name, count in counts.items():
                suite.set(name, str(count))
            suite.set("time", f"{ended.result.duration_s:.3f}")
            suite.set("timestamp", ended.result.started_at.strftime("%Y-%m-%dT%H:%M:%S"))
            if ended.score:
                suite.append(_properties(ended.score))
            suite.extend(self._judged(ended.result.domain, case) for case in judged.cases)
            yield ET.tostring(suite, encoding="unicode")

    def _reasons(self, domain: str, verdict: PolicyVerdict) -> str:
        """Return a test suite with the reasons that make a pass impossible."""
        suite = ET.Element("testsuite", name=f"{domain} {verdict.policy}", tests="1", errors="1", failures="0")
        text = " ".join(verdict.explanations(locale=self.view.locale))
        case = _element(domain, "run")
        ET.SubElement(case, "error", type=verdict.reasons[0], message=text)
        suite.append(case)
        return ET.tostring(suite, encoding="unicode")

    def _judged(self, domain: str, judged: CaseVerdict) -> ET.Element:
        case = _element(domain, judged.case)
        if judged.findings:
            worst = max(judged.findings, key=lambda finding: finding.level)
            ((_, text), *_) = self.view.lines(worst.entry)
            failure = ET.SubElement(case, "failure", type=worst.code or worst.entry.tag, message=text)
            failure.text = self._listed([finding.entry for finding in judged.findings])
        elif judged.result is PolicyResult.UNDECIDED:
            ET.SubElement(
                case, "error", type=judged.reason, message=reason_text(judged.reason, locale=self.view.locale)
            )
        return case

    def end(self) -> Iterator[str]:
        """Yield the end of the document."""
        yield "</testsuites>"

    def _case(self, domain: str, name: str, entries: list[Entry]) -> ET.Element:
        case = _element(domain, name)
        case.set("time", f"{entries[-1].timestamp - entries[0].timestamp:.3f}")
        failing = [entry for entry in entries if entry.level >= self.fail_level]
        others = [entry for entry in entries if entry.level < self.fail_level and self.view.shows(entry)]
        if failing:
            worst = max(failing, key=lambda entry: entry.level)
            (kind, text), *_ = [(worded.tag, text) for worded, text in self.view.lines(worst)]
            failure = ET.SubElement(case, "failure", type=kind, message=text)
            failure.text = self._listed(failing)
        if others:
            ET.SubElement(case, "system-out").text = self._listed(others)
        return case

    def _listed(self, entries: list[Entry]) -> str:
        lines = [(worded, text) for entry in entries for worded, text in self.view.lines(entry)]
        return "\n".join(f"{worded.level.name} {worded.tag}: {text}" for worded, text in lines)


def _case_of(entry: Entry) -> str:
    return entry.testcase or ("run" if entry.module == SYSTEM else entry.module.lower())


def _element(domain: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=domain, name=name)


def _unfinished(domain: str, name: str) -> ET.Element:
    case = _element(domain, name)
    ET.SubElement(case, "skipped", message="The run ended before this test case.")
    return case


def _properties(score: Score) -> ET.Element:
    properties = ET.Element("properties")
    for name in ("score", "grade"):
        ET.SubElement(properties, "property", name=name, value=str(getattr(score, name)))
    return properties
