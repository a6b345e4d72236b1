"""The live worker processes, as reported by their heartbeats."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import reachable, read_script
from gonemaster_tasks.broker.keys import WORKER_MARK, WORKER_QUEUES, WORKER_TIMES

LIFE = timedelta(seconds=10)  # Several heartbeats, so that the worker does not expire because of one late heartbeat.


@dataclass(frozen=True)
class WorkerState:
    """The state that a worker process reports with each heartbeat."""

    name: str
    host: str
    pid: int
    queues: tuple[str, ...]
    slots: int
    running: Mapping[str, float]  # job id to the POSIX time of its last progress
    started_at: float  # POSIX seconds
    draining: bool = False
    reserved_check_slots: int = 0
    checks: int = 0  # running checks before delegation
    pinned: tuple[str, ...] = ()  # Keys of settings that flags fix for the life of the process.
    results: tuple[str, ...] = ()  # Ids of jobs whose results could not be stored yet.
    version: str = ""
    cores: float = 0.0  # CPU seconds per second, since the previous heartbeat
    memory: int = 0  # resident bytes
    restarts: int | None = None  # None if no supervisor started the process

    @property
    def slots_in_use(self) -> int:
        """The number of slots in use; a stalled job has none, so more than `slots` jobs may run."""
        return min(len(self.running), self.slots)


_FIELDS = frozenset(field.name for field in fields(WorkerState))


class Workers:
    """The registered worker processes. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._register = client.register_script(read_script("register.lua"))

    def register(self, state: WorkerState, life: timedelta) -> None:
        """Record that a worker process is running; it expires `life` after its last heartbeat."""
        with reachable():
            self._register(
                keys=[WORKER_TIMES, WORKER_QUEUES, WORKER_MARK, keys.worker(state.name)],
                args=[
                    state.name,
                    " ".join(state.queues),
                    json.dumps(vars(state)),
                    max(1, int(life.total_seconds() * 1000)),
                ],
            )

    def unregister(self, name: str) -> None:
        """Record that a worker process stopped."""
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            pipe.delete(keys.worker(name))
            pipe.zrem(WORKER_TIMES, name)
            pipe.hdel(WORKER_QUEUES, name)
            pipe.set(WORKER_MARK, secrets.token_hex(8))
            pipe.execute()

    def mark(self) -> str:
        """Return a value that changes when a worker process starts or stops; empty if there was none yet."""
        with reachable():
            return self._client.get(WORKER_MARK) or ""

    def queues(self) -> dict[str, tuple[str, ...]]:
        """Return the queues of each worker process, by name."""
        with reachable():
            return {name: tuple(text.split()) for name, text in self._client.hgetall(WORKER_QUEUES).items()}

    def live(self) -> list[WorkerState]:
        """Return the live worker processes, sorted by name."""
        with reachable():
            names = sorted(self._client.zrange(WORKER_TIMES, 0, -1))
            texts = self._client.mget([keys.worker(name) for name in names]) if names else []
        found = [
            _worker_state(text) for text in texts if text is not None
        ]  # A worker that died stays in the set for a while.
        return [state for state in found if state is not None]


def _worker_state(text: str) -> WorkerState | None:
    """Parse a state; return None if another version or program wrote it."""
    try:
        values = {name: value for name, value in json.loads(text).items() if name in _FIELDS}
        tuples = {name: tuple(values.get(name, ())) for name in ("queues", "pinned", "results")}
        return WorkerState(**{**values, **tuples, "running": dict(values["running"])})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
