"""The part of `max_concurrent_jobs` that falls to one worker process."""

from collections.abc import Collection, Mapping
from itertools import zip_longest

from gonemaster_tasks.broker.workers import Workers
from gonemaster_tasks.queues import BATCH, NORMAL


class ConcurrencyShare:
    """Divides the limit among the live workers, each process for itself and all by the same rule.

    A process asks several times a second. If each read all workers, the work of Redis would grow with the square of
    their number; so each reads one mark, and the workers only when it is another one.
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
        mark = self._workers.mark()  # before the workers: who comes in between is seen the next time
        if mark != self._mark:
            self._queues = {**self._workers.queues(), self._name: self._own}
            self._mark = mark
        return part_of(limit, self._queues, self._name)


def part_of(limit: int, queues: Mapping[str, Collection[str]], name: str) -> int:
    """Return which part of a limit of jobs falls to a worker; `queues` are those that each live worker consumes.

    All count in the same order: who takes from both tiers comes first, then those of one tier by turns. So a small
    limit leaves no tier without a slot as long as it can. Workers of maintenance alone have no part.
    """
    tiers = {worker: {NORMAL, BATCH} & set(taken) for worker, taken in queues.items()}
    both, normal, batch = (
        sorted(worker for worker, own in tiers.items() if own == kind) for kind in ({NORMAL, BATCH}, {NORMAL}, {BATCH})
    )
    order = both + [worker for pair in zip_longest(normal, batch) for worker in pair if worker]
    if name not in order:
        return 0
    whole, rest = divmod(limit, len(order))
    return whole + (1 if order.index(name) < rest else 0)
