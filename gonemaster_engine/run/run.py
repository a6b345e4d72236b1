"""A run: the test cases in their order, the deadline and the result.

BASIC comes first and decides whether the zone can be tested. If so, all other selected test cases start, each as soon
as the cases that it depends on have ended. They share the answers of the run, so most queries are sent once. Entries
are reported in the order of the plan, independent of the order in which the cases end.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gonemaster_engine import names
from gonemaster_engine.asn.cache import Origin
from gonemaster_engine.asn.lookup import AsnLookup
from gonemaster_engine.context import DSInfo, RunContext, Undelegated
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.errors import InvalidDelegation, InvalidDomain
from gonemaster_engine.findings.tags import END, START, Finding
from gonemaster_engine.limits import DEFAULT_LIMITS, RunLimits
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.server.pending import QUERIED, Answer, Undecided
from gonemaster_engine.net.timings import NameserverTiming
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resolver.recursor import Recursor
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.announcement import announce
from gonemaster_engine.run.existence import report_no_zone
from gonemaster_engine.run.found import Found, found_so_far, report_found
from gonemaster_engine.run.probing import Probing
from gonemaster_engine.run.slots import CaseSlots
from gonemaster_engine.run.undecided import report_undecided, without_undecided
from gonemaster_engine.run_log import Log
from gonemaster_engine.testcases.basic import name_findings
from gonemaster_engine.testcases.catalogue import modules, select
from gonemaster_engine.testcases.registry import Case, Condition
from gonemaster_engine.version import __version__
from gonemaster_engine.waiting import first_done
from gonemaster_engine.zone.zone import Zone

__all__ = ["DSInfo", "RunResult", "Undelegated", "run_test"]

log = logging.getLogger(__name__)

DEFAULT_DEADLINE_S = 300.0
_CHAIN_LIMIT_S = 10.0
_LONG_WAIT_S = 1.0  # total wait of a run's queries for the limits of addresses
_MAX_ERROR = 1000  # characters of a test case's error text, which may contain data from the zone
_SLOW_SERVERS = 10  # named in the log at the deadline

Answers = Iterable[tuple[str, QueryKey, Response | None]]


@dataclass(slots=True)
class RunResult:
    """The result of a run. `entries` are in the order of the plan."""

    domain: str
    entries: list[Entry]
    started_at: datetime
    duration_s: float
    queries: int  # sent to servers; cached answers are not counted
    timings: list[NameserverTiming]
    profile: Profile
    judged_at: int  # the time at which signatures etc. were validated, POSIX seconds
    chain: dict[str, Any] | None = None  # the chain of trust, if requested and available
    planned: list[str] = field(default_factory=list)  # IDs of the selected cases, in their order
    unfinished: list[str] = field(default_factory=list)  # IDs of cases that the deadline interrupted
    answers: list[tuple[str, QueryKey, Response | None]] = field(default_factory=list)  # all queries and responses
    origins: dict[str, Origin] = field(default_factory=dict)  # all AS lookups, by address
    undecided: list[Undecided] = field(default_factory=list)  # queries of `answers` without a verdict

    @property
    def effective_profile(self) -> dict[str, Any]:
        """A copy of the profile as a document, created on demand; callers may modify it."""
        return self.profile.as_dict()


async def run_test(
    domain: str,
    profile: Profile,
    *,
    resources: Resources,
    tests: Sequence[str] = (),
    exclude: Sequence[str] = (),
    nameservers: Iterable[tuple[str, str | None]] = (),
    ds: Iterable[DSInfo] = (),
    deadline_s: float = DEFAULT_DEADLINE_S,
    stop_level: Level | None = None,
    on_progress: Callable[[int], None] | None = None,
    on_entry: Callable[[Entry], None] | None = None,
    on_found: Callable[[Found], None] | None = None,
    restored: Answers = (),
    restored_origins: Mapping[str, Origin] | None = None,
    restored_undecided: Iterable[Undecided] = (),
    keep_answers: bool = False,
    with_chain: bool = False,
    traces_queries: bool = False,
    clock: Callable[[], float] = time.time,
    limits: RunLimits = DEFAULT_LIMITS,
    is_urgent: bool = False,
) -> RunResult:
    """Test a domain.

    `domain` may be user input. `tests` and `exclude` name test cases and modules; without `tests` the profile decides.
    `nameservers` and `ds` replace the delegation in the parent zone. The run ends early at the deadline, at the first
    entry of `stop_level` or above, or at one of the `limits`, and keeps its results. `restored` answers and AS lookups
    replace the network; `clock` returns the time at which they are validated. `with_chain` adds the chain of trust.

    `on_found` is called twice a second with what the run has found so far.

    A name that is too long, or has an empty or too long label, only yields findings of BASIC.

    Raises:
      InvalidDomain: the name is invalid for another reason.
      UnknownTestCase: `tests` or `exclude` contain an unknown name.
      InvalidDelegation: `nameservers` or `ds` are invalid.
    """
    plan, run_log = _plan(profile, tests, exclude), Log(profile, traces_queries=traces_queries)
    undelegated = _undelegated(nameservers, ds)
    try:
        name = names.normalize_domain(domain)
    except InvalidDomain:
        if not (findings := name_findings(domain)):
            raise
        run_log.on_entry = on_entry
        announce(run_log, domain.strip(), plan, clock())
        return _refused(domain.strip(), findings, profile, run_log, judged_at=int(clock()), on_progress=on_progress)
    context = RunContext(
        name, profile, resources, log=run_log, undelegated=undelegated, restored=restored, clock=clock, limits=limits
    )
    context.restore_undecided(restored_undecided)
    context.set_priority(is_urgent=is_urgent)
    run = _Execution(
        context, plan, on_progress=on_progress, on_entry=on_entry, stop_level=stop_level, origins=restored_origins
    )
    if on_found:
        context.start(report_found(run.found, on_found))
    started_at = datetime.now(UTC)
    try:
        await run.run_within(deadline_s)
        if with_chain:
            await run.describe_chain(limit_s=min(_CHAIN_LIMIT_S, deadline_s - run_log.elapsed()))
    except TimeoutError:
        await run.report_cut_off(deadline_s)
    except _StopLevelReached:
        pass
    finally:
        await run.close()
    result = _result_of(run, context, started_at, keep_answers=keep_answers)
    result.planned = [case.id for case in plan]
    context.release()
    return result


def _result_of(run: _Execution, context: RunContext, started_at: datetime, *, keep_answers: bool) -> RunResult:
    return RunResult(
        domain=context.zone_name,
        entries=context.log.entries,
        started_at=started_at,
        duration_s=context.log.elapsed(),
        queries=context.queries,
        timings=run.timings(),
        profile=context.profile,
        judged_at=run.judged_at,
        chain=run.chain,
        unfinished=run.unfinished,
        answers=list(context.answers()) if keep_answers else [],
        origins=run.origins,
        undecided=list(context.undecided.values()) if keep_answers else [],
    )


def _refused(
    domain: str,
    findings: list[Finding],
    profile: Profile,
    run_log: Log,
    *,
    judged_at: int,
    on_progress: Callable[[int], None] | None,
) -> RunResult:
    """Return the result for a name that cannot be queried."""
    started_at = datetime.now(UTC)
    for finding in findings:
        run_log.add(run_log.make(finding, module="BASIC", testcase=""))
    run_log.system("CANNOT_CONTINUE", domain=domain)
    if on_progress:
        on_progress(100)
    return RunResult(
        domain=domain,
        entries=run_log.entries,
        started_at=started_at,
        duration_s=run_log.elapsed(),
        queries=0,
        timings=[],
        profile=profile,
        judged_at=judged_at,
    )


def _plan(profile: Profile, tests: Sequence[str], exclude: Sequence[str]) -> list[Case]:
    if tests:
        return select(tests, exclude)
    selected = set(profile.test_cases)
    return [case for case in select((), exclude) if case.id in selected]


def _undelegated(nameservers: Iterable[tuple[str, str | None]], ds: Iterable[DSInfo]) -> Undelegated:
    servers: dict[str, tuple[str, ...]] = {}
    for text, address in nameservers:
        try:
            name = names.normalize_domain(text)
            found = (names.canonical_address(address),) if address else ()
        except ValueError as error:
            raise InvalidDelegation(f"{address!r} is not an IP address") from error
        servers[name] = tuple(dict.fromkeys((*servers.get(name, ()), *found)))
    return Undelegated(servers, tuple(_checked(record) for record in ds))


def _checked(ds: DSInfo) -> DSInfo:
    if not (0 <= ds.keytag <= 0xFFFF and 0 <= ds.algorithm <= 0xFF and 0 <= ds.digtype <= 0xFF):
        raise InvalidDelegation(
            "the key tag of a DS record must be at most 65535, its algorithm and digest type at most 255"
        )
    with suppress(ValueError):
        if bytes.fromhex(ds.digest):
            return ds
    raise InvalidDelegation(
        f"the digest of a DS record must be an even number of hexadecimal digits, not {ds.digest!r}"
    )


class _StopLevelReached(Exception):
    """The stop level was reached."""


class _LimitReached(Exception):
    """The run has no room for more entries."""


class _CaseRun:
    """One test case of a run: its entries, and the event that it has ended."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.entries: list[Entry] = []
        self.tags: set[str] = set()
        self.queried: list[Answer] = []
        self.skipped = False  # whether it was skipped because its preconditions were not met
        self.ended = asyncio.Event()


class _Execution:
    """Executes a plan."""

    def __init__(
        self,
        context: RunContext,
        plan: list[Case],
        *,
        on_progress: Callable[[int], None] | None,
        on_entry: Callable[[Entry], None] | None,
        stop_level: Level | None,
        origins: Mapping[str, Origin] | None,
    ) -> None:
        self._context = context
        self._log = context.log
        self._log.on_entry = on_entry
        self._on_progress = on_progress
        self._stop_level = stop_level
        recursor = Recursor(context)
        self._asn = AsnLookup(
            recursor, context.profile, context.caches.origins, budget=context.budget, restored=origins
        )
        self._zone = Zone(context, recursor, self._asn)
        self._runs = {case.id: _CaseRun(case) for case in plan}
        self._runs_of: dict[str, list[_CaseRun]] = {}  # by module
        for each in self._runs.values():
            self._runs_of.setdefault(each.case.module, []).append(each)
        # The profile decides: in any order, `parallel` cases at a time, or one after the other.
        self._at_once = context.profile.parallel if context.profile.unordered else 1
        self._case_slots = CaseSlots(self._at_once)
        self._probing = Probing(context, self._zone, self._runs)
        self._to_report = list(self._runs.values())
        self._module = ""  # the module whose entries are being reported
        self._ended = 0
        self.chain: dict[str, Any] | None = None

    @property
    def origins(self) -> dict[str, Origin]:
        """Results of AS lookups, by address."""
        return self._asn.found

    @property
    def judged_at(self) -> int:
        """The time at which the cases validate, POSIX seconds."""
        return self._zone.now

    @property
    def unfinished(self) -> list[str]:
        """IDs of the cases that have not ended."""
        return [run.case.id for run in self._runs.values() if not run.ended.is_set()]

    def timings(self) -> list[NameserverTiming]:
        """Return the response times of name servers, including the zone's name servers without an address."""
        unresolved = map(NameserverTiming.unresolved, self._zone.unresolved_names())
        return sorted((*self._context.timings(), *unresolved), key=lambda timing: timing.order)

    def found(self) -> Found:
        """Return what the run has found so far."""
        cases = {name: [each.ended.is_set() for each in runs] for name, runs in self._runs_of.items()}
        return found_so_far(self._context, self._zone, cases)

    async def describe_chain(self, *, limit_s: float) -> None:
        """Describe the chain of trust if a DNSSEC case has run; a failure here does not affect the result."""
        if not any(run.case.module == "DNSSEC" and run.tags for run in self._runs.values()):
            return
        from gonemaster_engine.trustchain import build_chain  # imported here, since few runs need it

        try:
            async with asyncio.timeout(limit_s):
                self.chain = await build_chain(self._zone)
        except TimeoutError:
            log.info("no time was left to describe the chain of trust", extra={"domain": self._zone.name})
        except Exception:
            log.exception("describing the chain of trust failed", extra={"domain": self._zone.name})

    async def run_within(self, limit_s: float) -> None:
        """Run all test cases of the plan whose conditions are met.

        Raises:
          TimeoutError: the time or the budget was exhausted before they ended.
        """
        budget, loop = self._context.budget, self._context.loop
        async with asyncio.timeout(limit_s) as deadline:
            budget.stop = lambda: None if deadline.expired() else deadline.reschedule(loop.time())
            try:
                await self._run_plan()
            finally:
                budget.stop = None

    async def _run_plan(self) -> None:
        """Run all test cases of the plan whose conditions are met."""
        self._announce()
        if not self._has_family():
            self._log.system("NO_NETWORK")
            self._skip(self._runs.values())
            return
        await self._check_supplied()
        basic = [run for run in self._runs.values() if run.case.module == "BASIC"]
        others = [run for run in self._runs.values() if run.case.module != "BASIC"]
        if others:  # the data that all of them need is requested while BASIC runs
            self._context.start(self._zone.all_servers())
            self._context.start(self._probing.probe_delegation())
        ended = self._context.start(self._run_together(basic))
        if others and not await self._can_continue(ended):
            self._enter("")
            self._add_run_entries()
            self._log.system("CANNOT_CONTINUE", domain=self._context.zone_name)
            self._skip(others)
        else:
            if "connectivity02" in self._runs:
                self._context.start(self._probing.query_over_tcp())
            await asyncio.gather(ended, self._run_together(others))
            self._add_run_entries()

    def _add_run_entries(self) -> None:
        """Add entries that belong to the run, not to a test case."""
        for source in self._asn.sources():
            self._log.system("ASN_LOOKUP_SOURCE", source=source)
        report_undecided(self._context.undecided.values(), self._log)
        self._log.add_deferred()
        report_no_zone(self._zone, self._log)
        if self._no_server_answers():
            self._log.system("NO_NETWORK")
        self._report_limits()

    def _report_limits(self) -> None:
        """Report which limits were reached, and which test cases did not finish because of them."""
        budget = self._context.budget
        if not budget.left_out:
            return
        limits = [
            {"limit": name, "value": left_out.value, "count": left_out.count, "examples": left_out.examples}
            for name, left_out in budget.left_out.items()
        ]
        unfinished = self.unfinished if budget.is_stopped else []
        self._log.system("RUN_LIMIT_REACHED", limits=limits, testcases=unfinished)

    def _announce(self) -> None:
        context = self._context
        announce(self._log, context.zone_name, [run.case for run in self._runs.values()], context.clock())
        if context.profile.ipv6 and not context.resources.has_ipv6:
            self._log.system("IPV6_AUTO_DISABLED")

    def _has_family(self) -> bool:
        context = self._context
        return context.uses_family(ipv6=False) or context.uses_family(ipv6=True)

    def _no_server_answers(self) -> bool:
        """Return whether root servers were queried without any answer, or only errors came back below the root."""
        context = self._context
        basic01 = self._runs.get("basic01")
        if basic01 and "B01_PARENT_NOT_FOUND" in basic01.tags:
            return not any(response and response.rcode == "NOERROR" for _, _, response in context.answers())
        if any(response for _, _, response in context.answers()):
            return False
        roots = {address for found in context.root_hints.values() for address in found}
        return any(address in roots for address, _, _ in context.answers())

    async def _check_supplied(self) -> None:
        """Report the supplied data, and supplied name servers without an address that do not resolve."""
        servers = self._context.undelegated.servers
        zone_name = self._context.zone_name
        self._report_supplied()
        if "basic02" in self._runs:  # its queries wait while the names are looked up
            await self._probing.probe(self._context.nameservers(servers))
        without = [name for name, addresses in servers.items() if not addresses]
        outside = [name for name in without if not names.is_in_domain(name, zone_name)]
        found = dict(zip(outside, await self._zone.addresses(outside), strict=True))
        for name in without:
            if name not in found:
                self._log.system("FAKE_DELEGATION_IN_ZONE_NO_IP", domain=zone_name, ns=name)
            elif not found[name]:
                self._log.system("FAKE_DELEGATION_NO_IP", domain=zone_name, ns=name)

    def _report_supplied(self) -> None:
        context = self._context
        supplied = {name: list(addresses) for name, addresses in context.undelegated.servers.items()}
        ds = [f"{ds.keytag} {ds.algorithm} {ds.digtype} {ds.digest}" for ds in context.undelegated.ds]
        for tag, data in (
            ("FAKE_DELEGATION_ADDED", supplied),
            ("FAKE_DS_ADDED", {context.zone_name: ds} if ds else {}),
        ):
            for name, addresses in supplied.items() if data else ():
                for address in addresses:
                    self._log.system(tag, ns=name, address=address, domain=context.zone_name, data=data)

    async def _can_continue(self, ended: asyncio.Task[None]) -> bool:
        """Return whether the zone exists and has a working server, as far as BASIC was selected.

        The answer is often known while BASIC still waits for silent servers, so the other cases need not wait for them.
        """
        if self._at_once > 1 and "basic02" in self._runs:
            found = self._context.start(self._has_working_server())
            await first_done([ended, found])
            if found.done() and not found.exception() and found.result():
                return True
        await ended
        basic01, basic02 = self._runs.get("basic01"), self._runs.get("basic02")
        if basic01 and "B01_CHILD_FOUND" not in basic01.tags:
            return False
        if basic02 is None:
            return True
        return "B02_AUTH_RESPONSE_SOA" in basic02.tags and "B02_NO_DELEGATION" not in basic02.tags

    async def _has_working_server(self) -> bool:
        if basic01 := self._runs.get("basic01"):
            await basic01.ended.wait()
            if "B01_CHILD_FOUND" not in basic01.tags:
                return False
        return await self._probing.find_working_server()

    async def _run_together(self, runs: Iterable[_CaseRun]) -> None:
        tasks = [self._context.start(self._run_case(run)) for run in runs]
        await asyncio.gather(*tasks)

    async def _run_case(self, run: _CaseRun) -> None:
        condition = modules()[run.case.module].conditions.get(run.case.id)
        if condition:
            for case_id in condition.after:
                if case_id in self._runs:
                    await self._runs[case_id].ended.wait()
            emitted = self._emitted(run.case.module)
            if not condition.is_met(emitted):
                self._report_unmet(run, condition, emitted)
                self._end(run)
                return
        async with self._case_slots.one():
            await self._collect(run)
        self._end(run)

    def _report_unmet(self, run: _CaseRun, condition: Condition, emitted: Mapping[str, frozenset[str]]) -> None:
        finding = condition.otherwise(self._zone, emitted) if condition.otherwise else None
        if finding:
            run.entries.append(self._log.make(finding, module=run.case.module, testcase=""))

    def _emitted(self, module: str) -> Mapping[str, frozenset[str]]:
        return {
            case_run.case.id: frozenset(case_run.tags) for case_run in self._runs_of[module] if case_run.ended.is_set()
        }

    async def _collect(self, run: _CaseRun) -> None:
        case = run.case
        QUERIED.set(run.queried)
        try:
            self._add(run, START(testcase=case.id))
            await self._find(run)
            self._add(run, END(testcase=case.id))
            run.entries = without_undecided(run.entries, self._context.undecided, run.queried)
        except _LimitReached:  # the run is about to end, but the case has not ended
            await self._context.loop.create_future()

    async def _find(self, run: _CaseRun) -> None:
        case = run.case
        try:
            await case.run(self._zone, lambda finding: self._add(run, finding))
        except _LimitReached:
            raise
        except Exception as error:  # an error in one case must not end the others
            log.exception("a test case raised an error", extra={"testcase": case.id, "domain": self._zone.name})
            text = f"{type(error).__name__}: {error}"[:_MAX_ERROR]
            level = self._log.level("SYSTEM", "MODULE_ERROR")
            args = {"module": case.id, "msg": text}
            run.entries.append(Entry(self._log.elapsed(), "SYSTEM", case.id, "MODULE_ERROR", level, args))

    def _add(self, run: _CaseRun, finding: Finding) -> None:
        if finding.tag.claims_all and self._zone.lacks_servers:
            return  # RUN_LIMIT_REACHED reports that servers were left out; their properties are unknown
        if not self._context.budget.keep_entry(run.case.id, finding.args):
            raise _LimitReached
        run.entries.append(self._log.make(finding, module=run.case.module, testcase=run.case.id))
        run.tags.add(finding.tag.name)

    def _end(self, run: _CaseRun) -> None:
        run.ended.set()
        self._ended += 1
        self._report()
        if self._on_progress:
            self._on_progress(100 * self._ended // len(self._runs))

    def _skip(self, runs: Iterable[_CaseRun]) -> None:
        for run in runs:
            run.skipped = True
            self._end(run)

    def _report(self) -> None:
        """Report the entries of ended cases, in the order of the plan."""
        while self._to_report and self._to_report[0].ended.is_set():
            run = self._to_report.pop(0)
            if not run.skipped:
                self._enter(run.case.module)
            for entry in run.entries:
                self._log.add(entry)
                if self._stop_level is not None and entry.level >= self._stop_level:
                    self._to_report.clear()
                    self._module = ""
                    raise _StopLevelReached
        if not self._to_report:
            self._enter("")

    def _enter(self, module: str) -> None:
        """Report the end of one module's entries and the start of the next module's; either may be missing."""
        if module == self._module:
            return
        if self._module:
            self._log.system("MODULE_END", module=self._module)
        if module:
            self._log.system("MODULE_VERSION", module=module, version=__version__)
        self._module = module

    async def report_cut_off(self, deadline_s: float) -> None:
        """Report the entries of interrupted cases, and what is missing and why."""
        await self._context.turns.wait(is_first=True)  # runs that began together end together
        unfinished = self.unfinished
        for run in self._to_report:
            if run.entries:
                self._enter(run.case.module)
            for entry in run.entries:
                self._log.add(entry)
        self._to_report.clear()
        self._enter("")
        self._add_run_entries()
        if self._context.budget.is_stopped:
            return
        slow = sorted(
            (timing for timing in self._context.timings() if timing.timeouts),
            key=lambda timing: (-timing.timeouts, timing.nameserver, timing.address),
        )
        servers = [{"ns": timing.nameserver, "address": timing.address} for timing in slow[:_SLOW_SERVERS]]
        self._log.system("RUN_DEADLINE_REACHED", seconds=round(deadline_s), testcases=unfinished, servers=servers)

    async def close(self) -> None:
        """Stop all tasks that are still running."""
        await self._context.close()
        for (
            case_run
        ) in self._runs.values():  # sockets that outlive the run keep the context of the case that opened them
            case_run.queried.clear()
        waited_s = self._context.pace.waited_s
        if waited_s > _LONG_WAIT_S:
            log.debug("queries waited", extra={"domain": self._zone.name, "seconds": round(waited_s, 1)})
