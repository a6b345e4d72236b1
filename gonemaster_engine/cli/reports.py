"""The output about each run: as its entries arrive, after the run, and as parts of documents about all runs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from gonemaster_engine.cli.output import Ending, View, Write, count_table, make_writer, score_lines, verdict_lines
from gonemaster_engine.cli.parsing import UsageError, with_file_name
from gonemaster_engine.cli.terminal import Output, ProgressBar
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.messages import message
from gonemaster_engine.findings.verdict import Verdict, verdict_of
from gonemaster_engine.run.run import RunResult

if TYPE_CHECKING:
    from gonemaster_engine.cli.formats.model import EndedRun, Format
    from gonemaster_engine.findings.causes.model import Cause
    from gonemaster_engine.policies.policy import Policy
    from gonemaster_engine.policies.verdict import PolicyVerdict
    from gonemaster_engine.scoring.config import ScoringConfig
    from gonemaster_engine.scoring.score import Score

QUERY_TAGS = frozenset({"EXTERNAL_QUERY", "EXTERNAL_RESPONSE", "EMPTY_RETURN"})

_STREAMED = frozenset({"text", "raw", "json", "json-stream"})
_JSON = frozenset({"json", "json-stream", "json-lines"})
_METRICS = "prometheus"
_EXTRAS = ("score", "causes", "nstimes")


class RunReports:
    """The reports of all runs of a command, and what its exit code depends on."""

    def __init__(self, options: argparse.Namespace, output: Output, bar: ProgressBar, *, is_single: bool) -> None:
        self.policy: Policy | None = None
        self.undecided = False
        self.options = options
        self.output = output
        self.bar = bar
        self.is_single = is_single
        self.is_streamed = options.shape in _STREAMED
        self.view = View(options.min_level, options.locale, options.zonemaster_tags, options.docs_url)
        self.config = _scoring(options)
        self.documents: list[tuple[Format, Write]] = []
        self.no_network = False
        self.failed = False
        self.result: RunResult | None = None  # of a single domain
        self._ended = 0

    def end_run(self, report: Report, result: RunResult) -> None:
        """Write the report of an ended run, or the rest of it."""
        verdict = verdict_of(result.entries)
        by_policy = report.end(result, verdict)
        self._ended += 1
        if self.is_single:
            self.result = result
        else:
            self.bar.update(self._ended)
        self.no_network |= verdict is not None and verdict.is_of_the_tester
        level: Level | None = self.options.fail_level
        self.failed |= level is not None and any(entry.level >= level for entry in result.entries)
        if by_policy:
            self.failed |= by_policy.result.value == "fail"
            self.undecided |= by_policy.result.value == "undecided"


@contextmanager
def open_reports(options: argparse.Namespace, *, is_single: bool, policy: Policy | None = None) -> Iterator[RunReports]:
    """Open the outputs, and write the start and the end of the documents.

    Raises:
      UsageError: a format does not contain what other options request.
      OutputError: a file cannot be written.
    """
    with ExitStack() as opened:
        output = opened.enter_context(Output(options.output, replaces=options.shape == _METRICS))
        bar = opened.enter_context(ProgressBar(enabled=not options.no_progress, output=output))
        reports = RunReports(options, output, bar, is_single=is_single)
        reports.policy = policy
        if not reports.is_streamed:
            _check_extras(options)
            reports.documents.append((_document(options.shape, reports), bar.write))
        for shape, path in options.report:
            file = opened.enter_context(Output(path, replaces=True))
            reports.documents.append((_document(shape, reports), file.write))
        _write_all(reports, "start")
        yield reports
        _write_all(reports, "end")


def _write_all(reports: RunReports, part: str) -> None:
    for document, write in reports.documents:
        for line in document.start() if part == "start" else document.end():
            write(line)


class Report:
    """The output about one run."""

    def __init__(self, reports: RunReports, *, domain: str, line: int) -> None:
        self.all = reports
        self._line = line
        self._options = reports.options
        self._kept = None if reports.is_single else [f"# {domain}"]  # until the reports of earlier runs are written
        self._with_causes = _shows_causes(self._options, reports.output)
        self._writer = (
            make_writer(self._options.shape, self._write, reports.view, with_causes=self._with_causes)
            if reports.is_streamed
            else None
        )

    def _write(self, line: str) -> None:
        (self.all.bar.write if self._kept is None else self._kept.append)(line)

    def entry(self, entry: Entry) -> None:
        """Write an entry, if it is shown and the format has no place for it in a document."""
        if self._options.debug_queries and entry.tag in QUERY_TAGS:
            to_stderr(f"{entry.timestamp:8.3f} {message(entry.tag, entry.module, entry.args)}")
        if self._writer:
            self._writer.entry(entry)

    def end(self, result: RunResult, verdict: Verdict | None) -> PolicyVerdict | None:
        """Write the output of an ended run; return the verdict of the policy, if there is one."""
        options, config, policy = self._options, self.all.config, self.all.policy
        causes = _causes(result) if self._with_causes or config or policy else []
        by_policy = _judged(policy, result, causes) if policy else None
        shown_causes = causes if self._with_causes else None
        timings = result.timings if options.nstimes else None
        score = _score(result, config, causes) if config else None
        if self._writer:
            self._writer.end(Ending(timings, verdict, shown_causes, by_policy))
        if self.all.documents:
            from gonemaster_engine.cli.formats.model import EndedRun

            self._write_documents(EndedRun(result, verdict, score, shown_causes, timings, self._line, by_policy))
        if self.all.is_single:
            self.all.bar.stop()
        self._write_tables(result, verdict, score)
        if self._writer:
            for line in self._kept or ():
                self.all.bar.write(line)
        return by_policy

    def _write_documents(self, ended: EndedRun) -> None:
        if ended.by_policy and not self._writer and "policy" not in self.all.documents[0][0].writes:
            from gonemaster_engine.cli.policies import text_lines

            for line in text_lines(ended.by_policy, locale=self._options.locale):
                to_stderr(line)
        for document, write in self.all.documents:
            for line in document.run(ended):
                write(line)

    def _write_tables(self, result: RunResult, verdict: Verdict | None, score: Score | None) -> None:
        """Write what text contains, and what the other formats leave to standard error."""
        options = self._options
        write = self._write if options.shape in {"text", "raw"} else to_stderr
        if options.count:
            for line in count_table(result.entries, self.all.view):
                write(line)
        if verdict and options.shape != "text":
            for line in verdict_lines(verdict, locale=options.locale):
                to_stderr(line)
        if options.score and score and self.all.is_streamed:
            for line in score_lines(score) if write == self._write else [json.dumps(score.as_dict())]:
                write(line)


def to_stderr(line: str) -> None:
    """Print a line to standard error."""
    print(line, file=sys.stderr)


def _check_extras(options: argparse.Namespace) -> None:
    from gonemaster_engine.cli.formats.choice import FORMATS

    for name in _EXTRAS:
        if getattr(options, name) and name not in FORMATS[options.shape].writes:
            having = [shape for shape, other in FORMATS.items() if name in other.writes]
            raise UsageError(f"--format {options.shape} has no place for --{name}, unlike {', '.join(having)}")


def _document(shape: str, reports: RunReports) -> Format:
    from gonemaster_engine.cli.formats.choice import FORMATS

    options = reports.options
    source = str(options.zone_file or options.file or "")
    return FORMATS[shape](reports.view, fail_level=options.fail_level or Level.ERROR, source=source)


def _shows_causes(options: argparse.Namespace, output: Output) -> bool:
    """Return whether to show root causes: by default in text on a terminal, and with a policy in JSON."""
    wanted: bool | None = options.causes
    if wanted is None and options.policy is not None:
        wanted = options.shape in _JSON
    return options.shape == "text" and output.is_terminal if wanted is None else wanted


def _scoring(options: argparse.Namespace) -> ScoringConfig | None:
    """Return the scoring configuration, if requested; a file is read in any case, so that its errors are reported."""
    wanted = options.score or _METRICS in {options.shape, *(shape for shape, _ in options.report)}
    if not wanted and not options.scoring_config:
        return None
    from gonemaster_engine.scoring.config import DEFAULT_CONFIG, load_config

    with with_file_name(options.scoring_config):
        config = load_config(options.scoring_config) if options.scoring_config else DEFAULT_CONFIG
    return config if wanted else None


def _causes(result: RunResult) -> list[Cause]:
    from gonemaster_engine.findings.causes.registry import causes_of

    return causes_of(result.domain, result.entries, result.timings)


def _score(result: RunResult, config: ScoringConfig, causes: list[Cause]) -> Score | None:
    from gonemaster_engine.scoring.score import compute_score

    return compute_score(result.domain, result.entries, config, causes=causes)


def _judged(policy: Policy, result: RunResult, causes: list[Cause]) -> PolicyVerdict:
    from gonemaster_engine.policies.verdict import judge_result

    return judge_result(policy, result, causes=causes)
