"""The state shared by the parts of a worker process."""

import threading
from dataclasses import dataclass, field
from functools import cached_property

from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.broker.events import EventPublisher
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.policies.stored import PolicyCache
from gonemaster_tasks.logs import JobLines
from gonemaster_tasks.process_report.database_watch import DatabaseWatch
from gonemaster_tasks.worker.consume.gate import Gate
from gonemaster_tasks.worker.consume.head_order import HeadOrder
from gonemaster_tasks.worker.execute.claims import ClaimStore
from gonemaster_tasks.worker.execute.isolation import Isolation
from gonemaster_tasks.worker.execute.network import NetworkWatch
from gonemaster_tasks.worker.execute.pulse import PulseReader
from gonemaster_tasks.worker.execute.runner import Runner
from gonemaster_tasks.worker.execute.running import EngineLoop, RunningJobs


@dataclass(frozen=True)
class Process:
    """One worker process. `stopping` is set when the process should end, `given_up` when its jobs should end, too."""

    name: str
    live: LiveSettings
    store: Store
    broker: Broker
    runner: Runner
    gate: Gate
    publisher: EventPublisher
    claims: ClaimStore
    clock: SharedClock
    head_order: HeadOrder
    database: DatabaseWatch = field(default_factory=DatabaseWatch)
    network: NetworkWatch = field(default_factory=NetworkWatch)
    jobs: RunningJobs = field(default_factory=RunningJobs)
    policies: PolicyCache = field(default_factory=PolicyCache)
    lines: JobLines = field(default_factory=JobLines)
    isolation: Isolation = field(default_factory=Isolation)
    loop: EngineLoop = field(default_factory=EngineLoop)
    stopping: threading.Event = field(default_factory=threading.Event)
    given_up: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def pulse(self) -> PulseReader:
        """The reader of what the repeated tasks need from Redis."""
        return PulseReader(self.broker, self.clock)

    @property
    def settings(self) -> Settings:
        """The current settings; two reads may differ."""
        return self.live.current
