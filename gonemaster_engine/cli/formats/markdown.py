"""Markdown: a table of findings for each domain, for job summaries, issues and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gonemaster_engine.cli.formats.model import EndedRun, Format
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.messages import phrase
from gonemaster_engine.findings.messages.policies import LABELS as POLICY_LABELS
from gonemaster_engine.findings.messages.reports import LABELS, SUMMARIES

if TYPE_CHECKING:
    from gonemaster_engine.policies.verdict import PolicyVerdict

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&@$])")


class MarkdownFormat(Format):
    """Writes a section for each domain."""

    writes = frozenset({"causes", "policy", "score"})

    def run(self, ended: EndedRun) -> Iterator[str]:
        """Yield the section of a domain."""
        locale = self.view.locale
        yield f"## {escape_markdown(ended.result.domain)}"
        yield ""
        if ended.score:
            yield self._text("score", score=ended.score.score, grade=ended.score.grade)
            yield ""
        if ended.verdict:
            yield escape_markdown(ended.verdict.sentence(locale=locale))
            yield ""
        elif ended.causes:
            yield from self._causes(ended)
        if ended.by_policy:
            yield from self._by_policy(ended.by_policy)
        rows = [
            (f"**{entry.level.name}**" if entry.level >= Level.WARNING else entry.level.name, entry, text)
            for entry, text in self.shown(ended)
        ]
        if rows:
            yield from table_head("level", "testcase", "message", locale=locale)
        else:
            yield self._text("no_findings", level=self.view.min_level.name)
        for level, entry, text in rows:
            yield f"| {level} | {entry.testcase or entry.module.capitalize()} | {escape_markdown(text)} |"
        yield ""

    def _by_policy(self, verdict: PolicyVerdict) -> Iterator[str]:
        locale = self.view.locale
        yield f"**{escape_markdown(verdict.sentence(locale=locale))}**"
        yield ""
        for explanation in verdict.explanations(locale=locale):
            yield f"- {escape_markdown(explanation)}"
        yield from table_head("suite", "case", "result", "findings", locale=locale, labels=POLICY_LABELS)
        for suite in verdict.suites:
            for case in suite.cases:
                codes = dict.fromkeys(finding.code or finding.entry.tag for finding in case.findings)
                cells = (suite.name, case.case, case.result.label(locale=locale), ", ".join(codes))
                yield f"| {' | '.join(map(escape_markdown, cells))} |"
        yield ""

    def _causes(self, ended: EndedRun) -> Iterator[str]:
        locale = self.view.locale
        for cause in ended.causes or ():
            yield f"- **{escape_markdown(cause.title(locale=locale))}** ({cause.level.name}):"
            yield f"  {escape_markdown(cause.remedy(locale=locale))}"
        yield ""

    def _text(self, key: str, **args: object) -> str:
        return escape_markdown(phrase(SUMMARIES[key], args, locale=self.view.locale))


def table_head(*keys: str, locale: str, labels: Mapping[str, str] = LABELS) -> Iterator[str]:
    """Yield the first two lines of a table, with the titles of its columns."""
    yield f"| {' | '.join(phrase(labels[key], {}, locale=locale) for key in keys)} |"
    yield f"|{' --- |' * len(keys)}"


def escape_markdown(text: str) -> str:
    """Return a text in one line with escaped markup, because zones choose parts of it."""
    return _MARKUP.sub(r"\\\1", text)
