"""The test of domains by the `gonemaster` command, from the options to the output."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from gonemaster_engine.cli.chain_file import check_writable, write_chain
from gonemaster_engine.cli.domain_list import DomainList
from gonemaster_engine.cli.options import PROGRAM
from gonemaster_engine.cli.parsing import UsageError
from gonemaster_engine.cli.reports import Report, RunReports, open_reports, to_stderr
from gonemaster_engine.cli.settings import (
    check_outputs,
    check_sources,
    check_targets,
    domains_of,
    excluded,
    policy_of,
    profile_of,
    selected,
)
from gonemaster_engine.entries import Entry
from gonemaster_engine.findings.messages import message
from gonemaster_engine.findings.tags import SYSTEM
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test

if TYPE_CHECKING:
    from gonemaster_engine.net.cache import QueryKey
    from gonemaster_engine.recording.cachefile import PacketCache

_SHOWN_MISSING = 10  # queries that a recording lacks, in the report
_SIDE_BY_SIDE = 16  # concurrent runs; more would need more memory and would not end earlier
_WINDOW = 4  # begun runs, including those that wait for the report of an earlier one, per concurrent run

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """What the exit code of a command depends on."""

    no_network: bool  # for one of the runs
    failed: bool  # there is a finding of the level of --fail-level or above, or a domain fails the policy
    invalid: int  # lines of the file that are not domain names
    undecided: bool = False  # there is no verdict by the policy on a domain


def test_domains(options: argparse.Namespace) -> CommandOutcome:
    """Test the domains that the options name, and write the requested output in their order.

    Raises:
      UsageError: the options conflict.
      EngineError: the options are invalid, or a file cannot be read or written.
    """
    domains = domains_of(options)
    check_outputs(options)
    policy = policy_of(options)
    profile = profile_of(options, policy.profile if policy else {})
    check_targets(options.ns, profile)
    check_sources(profile)
    for path in (options.chain_svg, options.save):
        if path is not None:
            check_writable(path)
    cache = _restored(options)
    is_single = len(domains) == 1 and options.file is None
    with (
        closing(DomainList(domains, options.file)) as listed,
        open_reports(options, is_single=is_single, policy=policy) as reports,
    ):
        if is_single:
            reports.bar.show_percentage()
        else:
            reports.bar.show_count(listed.count)
        run_async(_run_all(options, profile, cache, listed, reports))
    if result := reports.result:
        missing = _missing(cache, profile, result)
        if missing:
            _report_missing(options, missing)
        _save(options, result, missing)
        if options.chain_svg is not None:
            write_chain(options.chain_svg, result.chain, locale=options.locale)
    return CommandOutcome(
        no_network=reports.no_network, failed=reports.failed, invalid=listed.invalid, undecided=reports.undecided
    )


def run_async(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine in a new event loop that Ctrl-C can interrupt."""
    with asyncio.Runner() as runner:
        return runner.run(work)


async def _run_all(
    options: argparse.Namespace, profile: Profile, cache: PacketCache | None, listed: DomainList, reports: RunReports
) -> None:
    """Test the domains side by side, and end their reports in order.

    The number of runs whose reports wait for an earlier one is limited, so that memory does not depend on the number
    of domains.
    """
    resources = Resources.open(root_hints=options.hints, dns_port=options.dns_port, ipv6=options.ipv6 or None)
    parallel = options.parallel or _SIDE_BY_SIDE
    slots, window = asyncio.Semaphore(parallel), asyncio.Semaphore(_WINDOW * parallel)
    begun: asyncio.Queue[tuple[Report, asyncio.Task[RunResult]] | None] = asyncio.Queue()
    runs: set[asyncio.Task[RunResult]] = set()

    async def begin() -> None:
        try:
            async for domain, line in listed:
                await window.acquire()
                report = Report(reports, domain=domain, line=line)
                run = asyncio.create_task(_run(options, domain, profile, cache, resources, slots, report))
                runs.add(run)
                begun.put_nowait((report, run))
        finally:
            begun.put_nowait(None)

    beginning = asyncio.create_task(begin())
    try:
        while each := await begun.get():
            report, run = each
            reports.end_run(report, await run)
            runs.discard(run)
            window.release()
        await beginning
    finally:
        for task in (beginning, *runs):
            task.cancel()
        await asyncio.gather(beginning, *runs, return_exceptions=True)
        await resources.close()


async def _run(
    options: argparse.Namespace,
    domain: str,
    profile: Profile,
    cache: PacketCache | None,
    resources: Resources,
    slots: asyncio.Semaphore,
    report: Report,
) -> RunResult:
    watched = _EntrySink(report.entry)
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
                on_progress=report.all.bar.update if report.all.is_single else None,
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


def _restored(options: argparse.Namespace) -> PacketCache | None:
    if options.restore is None:
        if options.restore_live:
            raise UsageError("--restore-live needs --restore FILE")
        return None
    from gonemaster_engine.recording.cachefile import read_cache

    cache = read_cache(options.restore, strict=options.cache_strict)
    _report_file(options, "RESTORED_NS_CACHE", options.restore)
    if cache.problems:
        to_stderr(
            f"{PROGRAM}: {options.restore}: {cache.problems[0]} ({len(cache.problems)} problems in total, all ignored)"
        )
    if options.cache_stats:
        lost = sum(answer.response is None for answer in cache.answers)
        to_stderr(f"restored: {len(cache.answers)} queries ({lost} without response), {len(cache.origins)} AS lookups")
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
    to_stderr(
        f"{PROGRAM}: {options.restore} lacks the responses to these queries, which were not sent and count as"
        f" unanswered; --restore-live sends them: {'; '.join(texts[:_SHOWN_MISSING])}{more}"
    )


def _save(options: argparse.Namespace, result: RunResult, missing: set[tuple[str, QueryKey]]) -> None:
    if options.cache_stats:
        to_stderr(f"sent: {result.queries} queries to name servers")
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
        to_stderr(f"saved: {count} entries")


def _report_file(options: argparse.Namespace, tag: str, path: object) -> None:
    if options.debug_queries:
        to_stderr(message(tag, SYSTEM, {"file": str(path)}))
