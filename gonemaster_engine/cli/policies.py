"""Policies in the `gonemaster` command: `--policy`, `--suite`, and the verdict in the output formats."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gonemaster_engine.cli.parsing import with_file_name
from gonemaster_engine.findings.messages import message
from gonemaster_engine.policies.policy import Policy, load, load_file, names
from gonemaster_engine.policies.verdict import CaseVerdict, PolicyResult, PolicyVerdict, reason_text

_WIDTH = 100


def named_policy(name: str, suites: Sequence[str]) -> Policy:
    """Return a bundled policy or that of a file, with some of its suites; print notes about a file to standard error.

    Raises:
      PolicyError: the policy or a suite is unknown, or its document is invalid.
    """
    policy = _load(name)
    for note in policy.notes if name not in names() else ():
        print(f"note: {name}: {note}", file=sys.stderr)
    return policy.only(suites) if suites else policy


def _load(name: str) -> Policy:
    """Return a bundled policy, or that of a file."""
    path = Path(name)
    if name in names() or not (path.suffix or path.exists()):
        return load(name)
    with with_file_name(path):
        return load_file(path)


def text_lines(verdict: PolicyVerdict, *, locale: str) -> Iterator[str]:
    """Yield the lines of the text format: the result, then each suite with its test cases."""
    yield ""
    yield verdict.sentence(locale=locale)
    for explanation in verdict.explanations(locale=locale):
        yield f"  {explanation}"
    for suite in verdict.suites:
        yield ""
        yield f"{suite.name}: {suite.result.label(locale=locale)} ({suite.counts(locale=locale)})"
        for case in suite.of(PolicyResult.FAIL):
            yield from _failed_lines(case, locale=locale)
        for result in (PolicyResult.UNDECIDED, PolicyResult.PASS):
            yield from _other_lines(suite.of(result), locale=locale)
    for cause in verdict.decisive_causes:
        yield ""
        yield cause.title(locale=locale)
        yield f"  {cause.remedy(locale=locale)}"


def _other_lines(cases: Sequence[CaseVerdict], *, locale: str) -> Iterator[str]:
    """Yield the lines about test cases that did not fail, those with the same reason together."""
    for reason in dict.fromkeys(case.reason for case in cases):
        named = ", ".join(case.case for case in cases if case.reason == reason)
        text = f"{cases[0].result.label(locale=locale)}: {named}"
        yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")
        if reason:
            yield f"    {reason_text(reason, locale=locale)}"


def _failed_lines(case: CaseVerdict, *, locale: str) -> Iterator[str]:
    yield f"  {case.result.label(locale=locale)}: {case.case}"
    for finding in case.findings:
        entry = finding.entry
        text = message(entry.tag, entry.module, entry.args, locale=locale)
        yield f"    {finding.level.name} {finding.code or entry.tag}: {text}"


def raw_lines(verdict: PolicyVerdict) -> Iterator[str]:
    """Yield the lines of the raw format."""
    reasons = f"; reasons={','.join(verdict.reasons)}" if verdict.reasons else ""
    yield f"POLICY   {verdict.policy} version={verdict.version}; result={verdict.result.value}{reasons}"
    for suite in verdict.suites:
        yield f"SUITE    {suite.name} result={suite.result.value}"
        for case in suite.cases:
            codes = ",".join(dict.fromkeys(finding.code or finding.entry.tag for finding in case.findings))
            values = {"result": case.result.value, "reason": case.reason, "codes": codes}
            yield f"CASE     {case.case} " + "; ".join(f"{key}={value}" for key, value in values.items() if value)


def add_verdict(document: dict[str, Any], verdict: PolicyVerdict, *, locale: str) -> None:
    """Add a verdict to the document of a JSON format, next to the harm that is there with root causes."""
    document["verdict"] = {**document.get("verdict", {}), **verdict.as_dict(locale=locale)}
