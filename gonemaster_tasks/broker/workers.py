"""The living worker processes, as their heartbeats describe them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import reachable
from gonemaster_tasks.broker.keys import WORKERS


@dataclass(frozen=True)
class WorkerState:
    """What a worker process says about itself with each heartbeat."""

    name: str
    host: str
    pid: int
    queues: tuple[str, ...]
    slots: int
    running: Mapping[str, float]  # job id to the POSIX time of its last progress
    started_at: float  # POSIX seconds
    draining: bool = False


class Workers:
    """The list of worker processes. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def register(self, state: WorkerState, life: timedelta) -> None:
        """Note that a worker process lives; it counts as gone `life` after its last heartbeat."""
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            pipe.set(keys.worker(state.name), json.dumps(asdict(state)), px=int(life.total_seconds() * 1000))
            pipe.sadd(WORKERS, state.name)
            pipe.execute()

    def unregister(self, name: str) -> None:
        """Note that a worker process stopped."""
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            pipe.delete(keys.worker(name))
            pipe.srem(WORKERS, name)
            pipe.execute()

    def living(self) -> list[WorkerState]:
        """List living worker processes by name; names of dead ones are dropped from the set."""
        with reachable():
            names = sorted(self._client.smembers(WORKERS))
            texts = self._client.mget([keys.worker(name) for name in names]) if names else []
            dead = [name for name, text in zip(names, texts, strict=True) if text is None]
            if dead:
                self._client.srem(WORKERS, *dead)
        return [_worker_state(text) for text in texts if text is not None]


def _worker_state(text: str) -> WorkerState:
    values = json.loads(text)
    return WorkerState(**{**values, "queues": tuple(values["queues"])})
