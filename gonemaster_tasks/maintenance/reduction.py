"""Removes from runs what their batches do not keep, once the facts of the runs are written.

A lock in Redis lets one worker at a time do so. It only saves work: each step checks again what it removes.
"""

import logging
from collections.abc import Callable

from gonemaster_db.analysis.capture import COVERAGE
from gonemaster_db.analysis.reduction.steps import (
    ReductionOutdated,
    ReductionSteps,
    ReductionWork,
    find_reductions,
    finish_reduction,
)
from gonemaster_db.core.purging import purge_in_steps
from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.maintenance.exclusive import exclusive

log = logging.getLogger(__name__)

Stopped = Callable[[], bool]


def reduce_due(
    store: Store,
    broker: Broker,
    *,
    stopped: Stopped = lambda: False,
    coverage: int = COVERAGE,
    max_step: int | None = None,
) -> int:
    """Reduce the runs of all batches that keep less than everything, unless another worker does so.

    Returns the number of examined runs. A killed worker loses at most one step; the next call continues.

    Raises:
        BrokerUnavailable, StoreUnavailable: nothing is lost; the next call continues.
    """
    examined = 0
    with exclusive(broker, "reduction") as renew_lock:
        if renew_lock is None:
            return 0
        with store.read_only() as session:
            due = find_reductions(session, coverage=coverage)
        for work in due:
            if stopped():
                break
            examined += reduce_batch(store, work, lambda: stopped() or not renew_lock(), max_step)
    return examined


def reduce_batch(store: Store, work: ReductionWork, stopped: Stopped, max_step: int | None = None) -> int:
    """Reduce the runs of one batch; return the number of examined runs."""
    examined = 0
    try:
        for target in work.targets:
            if target.snapshot_id is not None:
                steps = ReductionSteps(work, target)
                examined += sum(purge_in_steps(store, steps, stopped=stopped, max_step=max_step))
        if work.is_finished and work.targets and not stopped():
            store.run_in_transaction(lambda session: finish_reduction(session, work))
    except ReductionOutdated:
        log.info("reduction ended, its batch has changed", extra={"batch_key": work.batch_key})
    if examined:
        log.info("runs reduced", extra={"batch_key": work.batch_key, "runs": examined, "keep": work.keep.value})
    return examined
