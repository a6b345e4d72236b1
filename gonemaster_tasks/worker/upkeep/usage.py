"""The usage counts of a worker process, which are added to the database every few seconds."""

from sqlalchemy.orm import Session

from gonemaster_db.service.metrics.counting import LOOKUPS, QUERIES, STARTED, WAITED_MS, WAITS, Count, add_counts
from gonemaster_db.service.metrics.slots import SlotSums, add_to_slots, slots_at
from gonemaster_tasks.repeating import RepeatedTask
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.execute.runner import Usage, UsesNetwork

_INTERVAL_S = 5.0


def usage_of(process: Process) -> Usage:
    """Return the network usage of the runs of a process, including runs in child processes."""
    isolated = process.isolation.usage()
    return process.runner.usage() + isolated if isinstance(process.runner, UsesNetwork) else isolated


class UsageReport:
    """The task that adds new counts to the database. Counts are kept while the database is unavailable.

    A process that is killed loses the counts of a few seconds. Counters are then too low, but never decrease.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._usage = Usage()
        self._started = 0
        self._task = RepeatedTask("metrics", self._add, pause_s=_INTERVAL_S)

    def start(self) -> None:
        """Start the task."""
        self._task.start()

    def stop(self) -> None:
        """Stop the task and add the remaining counts."""
        self._task.stop()
        self._task.attempt()

    def _add(self) -> None:
        usage, started = usage_of(self._process), self._process.claims.started
        new, starts = usage - self._usage, started - self._started
        if new == Usage() and not starts:
            return
        now_s = self._process.clock.now().timestamp()

        def write(session: Session) -> None:
            add_counts(session, _counts(new) | {Count(STARTED): starts})
            if new != Usage():
                add_to_slots(session, dict.fromkeys(slots_at(now_s), _sums(new)))

        self._process.store.run_in_transaction(write)
        self._usage, self._started = usage, started


def _counts(new: Usage) -> dict[Count, int]:
    return {
        Count(QUERIES, "ipv4"): new.queries_ipv4,
        Count(QUERIES, "ipv6"): new.queries_ipv6,
        Count(LOOKUPS, "hit"): new.cache_hits,
        Count(LOOKUPS, "miss"): new.cache_misses,
        Count(LOOKUPS, "eviction"): new.cache_evictions,
        Count(WAITS): new.waits,
        Count(WAITED_MS): new.waited_ms,
    }


def _sums(new: Usage) -> SlotSums:
    return SlotSums(
        dns_queries_ipv4=new.queries_ipv4,
        dns_queries_ipv6=new.queries_ipv6,
        cache_hits=new.cache_hits,
        cache_misses=new.cache_misses,
    )
