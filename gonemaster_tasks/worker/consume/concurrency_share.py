"""The share of `max_concurrent_jobs` of one worker process."""

from collections.abc import Collection, Mapping
from itertools import zip_longest

from gonemaster_tasks.broker.processes.workers import Workers
from gonemaster_tasks.queues import BATCH, CHECK, NORMAL


class ConcurrencyShare:
    """Divides the limit among the live workers; every process computes its own share by the same rule.

    A process computes its share several times a second. If each one read all workers, the load of Redis would grow with
    the square of their number; so each process reads one mark, and the workers only if the mark has changed.
    """

    def __init__(self, workers: Workers, *, name: str, queues: tuple[str, ...]) -> None:
        self._workers = workers
        self._name = name
        self._own = queues
        self._mark: str | None = None
        self._queues: Mapping[str, Collection[str]] = {}

    def of(self, limit: int) -> int | None:
        """Return how many jobs this process may run, None without limit (0). Raises BrokerUnavailable."""
        if limit == 0:
            return None
        # Read the mark before the workers: a worker that starts in between changes it again.
        mark = self._workers.mark()
        if mark != self._mark:
            self._queues = {**self._workers.queues(), self._name: self._own}
            self._mark = mark
        return part_of(limit, self._queues, self._name)


def part_of(limit: int, queues: Mapping[str, Collection[str]], name: str) -> int:
    """Return the share of a worker in a limit of jobs; `queues` maps each live worker to the queues it consumes.

    All processes use the same order: first the workers of both normal and batch, then alternately those of one of
    them and those of checks only, so that a small limit leaves no tier without a slot if possible. Workers that consume
    only maintenance have no share.
    """
    tiers = {worker: _kind_of(set(consumed)) for worker, consumed in queues.items()}
    both, *single = (
        sorted(worker for worker, worker_tiers in tiers.items() if worker_tiers == kind)
        for kind in ({NORMAL, BATCH}, {NORMAL}, {BATCH}, {CHECK})
    )
    order = both + [worker for each in zip_longest(*single) for worker in each if worker]
    if name not in order:
        return 0
    whole, rest = divmod(limit, len(order))
    return whole + (1 if order.index(name) < rest else 0)


def _kind_of(consumed: set[str]) -> set[str]:
    """Return the tiers that decide on the share of a worker; checks count only for a worker without other tiers."""
    return {NORMAL, BATCH} & consumed or {CHECK} & consumed
