"""The test of domains by the `gonemaster` command, from the options to the output."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from gonemaster_engine.cli.chain_file import check_writable, write_chain
from gonemaster_engine.cli.options import PROGRAM
from gonemaster_engine.cli.output import Ending, View, count_table, make_writer, score_lines, verdict_lines
from gonemaster_engine.cli.parsing import UsageError
from gonemaster_engine.cli.settings import (
    check_outputs,
    check_sources,
    check_targets,
    domains_of,
    excluded,
    profile_of,
    selected,
    with_file_name,
)
from gonemaster_engine.cli.terminal import Output, ProgressBar
from gonemaster_engine.entries import Entry
from gonemaster_engine.findings.messages import message
from gonemaster_engine.findings.tags import SYSTEM
from gonemaster_engine.findings.verdict import Verdict, verdict_of
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test

if TYPE_CHECKING:
    from gonemaster_engine.findings.causes.model import Cause
    from gonemaster_engine.net.cache import QueryKey
    from gonemaster_engine.recording.cachefile import PacketCache
    from gonemaster_engine.scoring.config import ScoringConfig

QUERY_TAGS = frozenset({"EXTERNAL_QUERY", "EXTERNAL_RESPONSE", "EMPTY_RETURN"})

_SHOWN_MISSING = 10  # queries that a recording lacks, in the report
_SIDE_BY_SIDE = 16  # concurrent runs; more would need more memory and would not end earlier

_T = TypeVar("_T")


def test_domains(options: argparse.Namespace) -> list[Verdict | None]:
    """Test the domains that the options name, and write the requested output in their order.

    It returns the verdicts on runs that cannot judge a zone; None for the others.

    Raises:
      UsageError: the options conflict.
      EngineError: the options are invalid.
    """
    domains = domains_of(options)
    check_outputs(options)
    profile = profile_of(options)
    check_targets(options.ns, profile)
    check_sources(profile)
    for path in (options.chain_svg, options.save):
        if path is not None:
            check_writable(path)
    config = _scoring(options)
    cache = _restored(options)
    is_single = len(domains) == 1
    show_progress = is_single and not options.no_progress
    with Output(options.output) as output, ProgressBar(enabled=show_progress, output=output) as bar:
        reports = [_Report(options, output, bar, config, title="" if is_single else domain) for domain in domains]
        run_async(_run_all(options, profile, cache, dict(zip(domains, reports, strict=True))))
    if is_single and (result := reports[0].result):
        missing = _missing(cache, profile, result)
        if missing:
            _report_missing(options, missing)
        _save(options, result, missing)
        if options.chain_svg is not None:
            write_chain(options.chain_svg, result.chain, locale=options.locale)
    return [report.verdict for report in reports]


class _Report:
    """The output for one domain: as it arrives, or with a title after the run."""

    def __init__(
        self, options: argparse.Namespace, output: Output, bar: ProgressBar, config: ScoringConfig | None, *, title: str
    ) -> None:
        self._options = options
        self._output = output
        self._config = config
        self.bar = bar
        self.result: RunResult | None = None
        self.verdict: Verdict | None = None
        self._lines = [f"# {title}"] if title else None
        self._view = View(options.min_level, options.locale, options.zonemaster_tags)
        self._with_causes = _shows_causes(options, output)
        self._writer = make_writer(options.shape, self._write, self._view, with_causes=self._with_causes)
        self.on_entry = _with_queries(self._writer.entry) if options.debug_queries else self._writer.entry

    def _write(self, line: str) -> None:
        (self.bar.write if self._lines is None else self._lines.append)(line)

    def end(self, result: RunResult) -> None:
        """Write the rest of the output."""
        options = self._options
        self.result = result
        verdict = self.verdict = verdict_of(result.entries)
        causes = _causes(result) if self._with_causes or self._config else []
        timings = result.timings if options.nstimes else None
        self._writer.end(Ending(timings, verdict, causes if self._with_causes else None))
        self.bar.stop()
        tables = self._write if options.shape in {"text", "raw"} else _to_stderr
        if options.count:
            for line in count_table(result.entries, self._view):
                tables(line)
        if verdict and options.shape != "text":
            for line in verdict_lines(verdict, locale=options.locale):
                _to_stderr(line)
        if self._config:
            _show_score(result, self._config, causes, as_json=options.shape not in {"text", "raw"}, write=tables)
        for line in self._lines or ():
            self._output.write(line)


def _shows_causes(options: argparse.Namespace, output: Output) -> bool:
    """Return whether to show root causes: by default in text on a terminal."""
    wanted: bool | None = options.causes
    return options.shape == "text" and output.is_terminal if wanted is None else wanted


def _causes(result: RunResult) -> list[Cause]:
    from gonemaster_engine.findings.causes.registry import causes_of

    return causes_of(result.domain, result.entries, result.timings)


def run_async(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine in a new event loop that Ctrl-C can interrupt."""
    with asyncio.Runner() as runner:
        return runner.run(work)


async def _run_all(
    options: argparse.Namespace, profile: Profile, cache: PacketCache | None, reports: dict[str, _Report]
) -> None:
    """Test the domains side by side, and end their reports in order."""
    resources = Resources.open(root_hints=options.hints, dns_port=options.dns_port, ipv6=options.ipv6 or None)
    slots = asyncio.Semaphore(_SIDE_BY_SIDE)
    runs = [
        asyncio.create_task(_run(options, domain, profile, cache, resources, slots, report))
        for domain, report in reports.items()
    ]
    try:
        for run, report in zip(runs, reports.values(), strict=True):
            report.end(await run)
    finally:
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
        await resources.close()


async def _run(
    options: argparse.Namespace,
    domain: str,
    profile: Profile,
    cache: PacketCache | None,
    resources: Resources,
    slots: asyncio.Semaphore,
    report: _Report,
) -> RunResult:
    watched = _EntrySink(report.on_entry)
    try:
        async with slots:
            return await run_test(
                domain,
                profile,
                resources=resources,
                tests=selected(options),
                exclude=excluded(options),
                nameservers=options.ns,
                ds=options.ds,
                deadline_s=options.deadline,
                stop_level=options.stop_level,
                on_progress=report.bar.update,
                on_entry=watched.entry,
                restored=cache.answers if cache else (),
                restored_origins=cache.origins if cache else None,
                restored_undecided=cache.undecided if cache else (),
                keep_answers=options.save is not None or profile.no_network,
                with_chain=options.chain_svg is not None,
                traces_queries=options.debug_queries,
                clock=_clock(options, cache),
            )
    except asyncio.CancelledError:
        if watched.failure:
            raise watched.failure from None
        raise


def _clock(options: argparse.Namespace, cache: PacketCache | None) -> Callable[[], float]:
    """Return the time at which the run validates: the given time, that of the restored responses, or now."""
    at = options.now if options.now is not None else cache.recorded_at if cache else None
    return time.time if at is None else lambda: float(at)


class _EntrySink:
    """Passes entries on until writing fails, for example because the reader has closed the output.

    Then ends the run.
    """

    def __init__(self, show: Callable[[Entry], None]) -> None:
        self._show = show
        self._task = asyncio.current_task()
        self.failure: OSError | None = None

    def entry(self, entry: Entry) -> None:
        """Show an entry; called from tasks and from event loop callbacks, where an exception would be lost."""
        if self.failure or self._task is None:
            return
        try:
            self._show(entry)
        except OSError as error:
            self.failure = error
            self._task.cancel()


def _with_queries(show: Callable[[Entry], None]) -> Callable[[Entry], None]:
    def shown(entry: Entry) -> None:
        if entry.tag in QUERY_TAGS:
            _to_stderr(f"{entry.timestamp:8.3f} {message(entry.tag, entry.module, entry.args)}")
        show(entry)

    return shown


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


def _scoring(options: argparse.Namespace) -> ScoringConfig | None:
    """Return the scoring configuration, if requested; a file is read in any case, so that its errors are reported."""
    if not options.score and not options.scoring_config:
        return None
    from gonemaster_engine.scoring.config import DEFAULT_CONFIG, load_config

    with with_file_name(options.scoring_config):
        config = load_config(options.scoring_config) if options.scoring_config else DEFAULT_CONFIG
    return config if options.score else None


def _show_score(
    result: RunResult, config: ScoringConfig, causes: list[Cause], *, as_json: bool, write: Callable[[str], None]
) -> None:
    from gonemaster_engine.scoring.score import compute_score

    score = compute_score(result.domain, result.entries, config, causes=causes)
    if score is None:
        return
    for line in [json.dumps(score.as_dict())] if as_json else score_lines(score):
        write(line)


def _restored(options: argparse.Namespace) -> PacketCache | None:
    if options.restore is None:
        if options.restore_live:
            raise UsageError("--restore-live needs --restore FILE")
        return None
    from gonemaster_engine.recording.cachefile import read_cache

    cache = read_cache(options.restore, strict=options.cache_strict)
    _report_file(options, "RESTORED_NS_CACHE", options.restore)
    if cache.problems:
        _to_stderr(
            f"{PROGRAM}: {options.restore}: {cache.problems[0]} ({len(cache.problems)} problems in total, all ignored)"
        )
    if options.cache_stats:
        lost = sum(answer.response is None for answer in cache.answers)
        _to_stderr(f"restored: {len(cache.answers)} queries ({lost} without response), {len(cache.origins)} AS lookups")
    return cache


def _missing(cache: PacketCache | None, profile: Profile, result: RunResult) -> set[tuple[str, QueryKey]]:
    """Return the queries of a run without network whose responses are not in the file: address and query."""
    if cache is None or not profile.no_network:
        return set()
    recorded = {(address, key) for address, key, _ in cache.answers}
    return {(address, key) for address, key, _ in result.answers if (address, key) not in recorded}


def _report_missing(options: argparse.Namespace, missing: set[tuple[str, QueryKey]]) -> None:
    texts = sorted({f"{key.qname} {key.qtype} to {address}" for address, key in missing})
    more = f" and {len(texts) - _SHOWN_MISSING} more" if len(texts) > _SHOWN_MISSING else ""
    _to_stderr(
        f"{PROGRAM}: {options.restore} lacks the responses to these queries, which were not sent and count as"
        f" unanswered; --restore-live sends them: {'; '.join(texts[:_SHOWN_MISSING])}{more}"
    )


def _save(options: argparse.Namespace, result: RunResult, missing: set[tuple[str, QueryKey]]) -> None:
    if options.cache_stats:
        _to_stderr(f"sent: {result.queries} queries to name servers")
    if options.save is None:
        return
    from gonemaster_engine.recording.cachefile import CachedAnswer, write_cache

    count = write_cache(
        options.save,
        [CachedAnswer(*answer) for answer in result.answers if answer[:2] not in missing],
        origins=result.origins,
        undecided=[query for query in result.undecided if (query.address, query.key) not in missing],
        recorded_at=result.judged_at,
        compress=options.save_compress,
        max_entries=options.save_max_entries,
    )
    _report_file(options, "SAVED_NS_CACHE", options.save)
    if options.cache_stats:
        _to_stderr(f"saved: {count} entries")


def _report_file(options: argparse.Namespace, tag: str, path: object) -> None:
    if options.debug_queries:
        _to_stderr(message(tag, SYSTEM, {"file": str(path)}))
