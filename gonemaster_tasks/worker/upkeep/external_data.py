"""The repeated task of a worker process that fetches external data, if enabled."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from gonemaster_engine.run.as_names import AsName
from gonemaster_tasks.maintenance.external_data import follow_external_data
from gonemaster_tasks.queues import MAINTENANCE
from gonemaster_tasks.repeating import RepeatedTask
from gonemaster_tasks.worker.execute.process import Process

_PAUSE_S = 10.0


@runtime_checkable
class AsNameSource(Protocol):
    """A runner that can look up the holder of an AS."""

    async def as_names(self, asns: Sequence[int]) -> Mapping[int, AsName | None]:
        """Return the AS names; runs in the event loop. ASes that could not be looked up are missing."""


def external_data_task(process: Process) -> RepeatedTask:
    """Return the task. Workers that do not serve the maintenance queue do nothing."""
    runner = process.runner

    def look_up(asns: Sequence[int]) -> Mapping[int, AsName | None]:
        assert isinstance(runner, AsNameSource)  # noqa: S101  # checked below
        return process.loop.call(runner.as_names(asns))

    def work() -> None:
        if MAINTENANCE not in process.settings.worker_queues:
            return
        follow_external_data(
            process.store,
            process.broker,
            process.settings,
            look_up_as_names=look_up if isinstance(runner, AsNameSource) else None,
            now=process.clock.now,
            stopped=process.stopping.is_set,
        )

    return RepeatedTask("external data", work, pause_s=_PAUSE_S)
