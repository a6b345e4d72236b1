"""The report of a rehearsal as text."""

from __future__ import annotations

from collections.abc import Iterator

from gonemaster_engine.findings.messages import DEFAULT_LOCALE, phrase
from gonemaster_engine.findings.messages.rst import LABELS, SUMMARIES
from gonemaster_engine.rst.report import CaseReport, RstReport, RstResult, SuiteReport


def text_lines(report: RstReport, *, locale: str = DEFAULT_LOCALE) -> Iterator[str]:
    """Yield the lines of the report; test cases that passed have one line."""
    yield label("title", locale)
    for tld in report.inputs.tlds:
        yield f"  {tld.name}: {', '.join(server.name for server in tld.servers)}"
    for suite in report.suites:
        yield ""
        yield f"{suite.name}: {label(suite.result.value, locale)} ({counts(suite, locale)})"
        for case in suite.cases:
            yield from _case(case, locale)
    yield ""
    yield phrase(SUMMARIES[report.result.value], {}, locale=locale)
    if report.codes:
        yield f"{label('error_codes', locale)}: {', '.join(report.codes)}"
    yield from notes(report, locale)


def _case(case: CaseReport, locale: str) -> Iterator[str]:
    yield f"  {label(case.result.value, locale):<10} {case.name}"
    document = case.as_dict(locale=locale)
    for reason in document["reasons"]:
        yield f"    {reason}"
    for finding in document["findings"]:
        yield f"    {finding['tld']}: {finding['code']} ({finding['severity']}): {finding['message']}"


def notes(report: RstReport, locale: str) -> Iterator[str]:
    """Yield what a reader of the report must know."""
    yield phrase(SUMMARIES["not_official"], {}, locale=locale)
    yield phrase(SUMMARIES["one_place"], {}, locale=locale)
    if report.inputs.ignored:
        yield phrase(SUMMARIES["ignored"], {"parameters": list(report.inputs.ignored)}, locale=locale)


def counts(suite: SuiteReport, locale: str) -> str:
    """Return the number of test cases with each result."""
    names = {
        "passed": RstResult.PASS,
        "failed": RstResult.FAIL,
        "undecided": RstResult.UNDECIDED,
        "skipped": RstResult.SKIPPED,
    }
    return phrase(SUMMARIES["counts"], {key: suite.count(value) for key, value in names.items()}, locale=locale)


def label(key: str, locale: str) -> str:
    """Return a label."""
    return phrase(LABELS[key], {}, locale=locale)
