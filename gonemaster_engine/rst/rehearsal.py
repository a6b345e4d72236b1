"""The rehearsal of one TLD: Zonemaster's test cases under the policy `rst-v2`, then RST's own test cases."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TypeAlias

from gonemaster_engine.asn.lookup import AsnLookup
from gonemaster_engine.context import RunContext, Undelegated
from gonemaster_engine.entries import Entry
from gonemaster_engine.limits import DEFAULT_LIMITS, RunLimits
from gonemaster_engine.policies.policy import Policy, load
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resolver.recursor import Recursor
from gonemaster_engine.resources import Resources
from gonemaster_engine.rst import codes
from gonemaster_engine.rst.apex import ds_digests, idna2008, nsec3_parameters, signing_algorithms
from gonemaster_engine.rst.consistency import ConsistencyCheck
from gonemaster_engine.rst.sending import Ports
from gonemaster_engine.rst.tld import Tld
from gonemaster_engine.run.found import Found
from gonemaster_engine.run.run import RunResult, run_test
from gonemaster_engine.run_log import Log
from gonemaster_engine.zone.zone import Zone

POLICY = "rst-v2"
DEADLINE_S = 600.0
_OWN_SHARE = 0.5  # of the time for RST's own test cases, if Zonemaster's use up theirs
_PROGRESS_OF_RUN = 80
_MAX_ERROR = 300  # characters of an error

log = logging.getLogger(__name__)

_Case: TypeAlias = Callable[[Zone, Tld], AsyncIterator[Entry]]
_APEX_CASES: Mapping[str, _Case] = {
    codes.IDNA: idna2008,
    codes.SIGNING_ALGORITHMS: signing_algorithms,
    codes.DS_DIGESTS: ds_digests,
    codes.NSEC3_PARAMETERS: nsec3_parameters,
}


def rst_policy() -> Policy:
    """Return the policy with Zonemaster's test cases and the levels of RST."""
    return load(POLICY)


async def rehearse_tld(
    tld: Tld,
    profile: Profile,
    *,
    resources: Resources,
    is_wide: bool,
    ports: Ports = Ports(),  # noqa: B008 - frozen
    deadline_s: float = DEADLINE_S,
    on_progress: Callable[[int], None] | None = None,
    on_entry: Callable[[Entry], None] | None = None,
    on_found: Callable[[Found], None] | None = None,
    limits: RunLimits = DEFAULT_LIMITS,
    is_urgent: bool = False,
    with_chain: bool = False,
    clock: Callable[[], float] = time.time,
) -> RunResult:
    """Test a TLD as RST does; the result has the entries of Zonemaster's test cases and of RST's own.

    `profile` has the network settings; the policy `rst-v2` chooses test cases and levels. With `is_wide`, the parent
    zone publishes glue for all name servers, otherwise for those in the zone of the TLD.
    """
    started = time.monotonic()
    result = await run_test(
        tld.name,
        rst_policy().applied_to(profile),
        resources=resources,
        nameservers=tld.glue(wide=is_wide),
        ds=tld.ds,
        deadline_s=deadline_s * (1 - _OWN_SHARE),
        on_progress=(lambda percent: on_progress(percent * _PROGRESS_OF_RUN // 100)) if on_progress else None,
        on_entry=on_entry,
        on_found=on_found,
        limits=limits,
        is_urgent=is_urgent,
        with_chain=with_chain,
        clock=clock,
    )
    log_ = Log(profile)
    undelegated = Undelegated({server.name: server.addresses for server in tld.servers}, tld.ds)
    context = RunContext(tld.name, profile, resources, log=log_, undelegated=undelegated, clock=clock, limits=limits)
    context.set_priority(is_urgent=is_urgent)
    own = _OwnCases(context, tld, ports, on_entry=on_entry, started=started)
    try:
        await own.run(deadline_s - (time.monotonic() - started), on_progress)
        result.queries += context.queries + own.queries
    finally:
        await context.close()
        context.release()
    result.entries += own.entries
    result.duration_s = time.monotonic() - started
    return result


class _OwnCases:
    """RST's own test cases of one TLD."""

    def __init__(
        self,
        context: RunContext,
        tld: Tld,
        ports: Ports,
        *,
        on_entry: Callable[[Entry], None] | None,
        started: float,
    ) -> None:
        recursor = Recursor(context)
        self._zone = Zone(
            context, recursor, AsnLookup(recursor, context.profile, context.caches.origins, budget=context.budget)
        )
        self._context = context
        self._tld = tld
        self._ports = ports
        self._on_entry = on_entry
        self._started = started
        self.queries = 0
        self.entries: list[Entry] = []

    async def run(self, limit_s: float, on_progress: Callable[[int], None] | None) -> None:
        """Run the test cases in the order of their names, each with a finding that says that it has finished."""
        ends_at = time.monotonic() + limit_s
        self._tld = await self._with_addresses()
        for number, case_id in enumerate(sorted(codes.CASES), 1):
            await self._run_case(case_id, ends_at - time.monotonic())
            if on_progress:
                on_progress(_PROGRESS_OF_RUN + (100 - _PROGRESS_OF_RUN) * number // len(codes.CASES))

    async def _with_addresses(self) -> Tld:
        """Return the TLD with the addresses of name servers that the input names without one."""
        servers = []
        for server in self._tld.servers:
            if not server.addresses:
                (found,) = await self._zone.addresses([server.name])
                server = dataclasses.replace(server, addresses=tuple(found))
            servers.append(server)
        return dataclasses.replace(self._tld, servers=tuple(servers))

    async def _run_case(self, case_id: str, limit_s: float) -> None:
        budget = self._context.budget
        try:
            async with asyncio.timeout(max(limit_s, 0.0)) as deadline:
                budget.stop = lambda: None if deadline.expired() else deadline.reschedule(self._context.loop.time())
                async for entry in self._findings(case_id):
                    self._add(entry)
            self._add(codes.make_entry(case_id, "RST_CASE_FINISHED"))
        except TimeoutError:
            self._add(codes.make_entry(case_id, "RST_TIME_LIMIT_REACHED"))
        except Exception as error:  # an error in one case must not end the others
            log.exception("a test case of RST raised an error", extra={"testcase": case_id, "domain": self._tld.name})
            text = f"{type(error).__name__}: {error}"[:_MAX_ERROR]
            self._add(codes.make_entry(case_id, "RST_CASE_FAILED_TO_RUN", reason=text))
        finally:
            budget.stop = None

    async def _findings(self, case_id: str) -> AsyncIterator[Entry]:
        if case_id != codes.CONSISTENCY:
            async for entry in _APEX_CASES[case_id](self._zone, self._tld):
                yield entry
            return
        check = ConsistencyCheck(self._tld, self._context, self._ports)
        try:
            async for entry in check.findings():
                yield entry
        finally:
            self.queries += check.queries

    def _add(self, entry: Entry) -> None:
        entry = entry._replace(timestamp=time.monotonic() - self._started)
        self.entries.append(entry)
        if self._on_entry:
            self._on_entry(entry)
