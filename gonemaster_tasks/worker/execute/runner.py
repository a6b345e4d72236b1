"""The interface between a worker and the engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

from gonemaster_db.core.records import EntryRecord


@dataclass(frozen=True)
class TestOrder:
    """The test of one domain. `profile` is the document of a stored profile, `config` the options of the job."""

    __test__ = False  # Tells pytest that this is not a test.

    job_id: str
    domain: str
    config: Mapping[str, Any]
    profile: Mapping[str, Any] | None
    deadline_s: float
    is_urgent: bool = False  # A user waits for it, unlike for batch jobs.
    policy: Mapping[str, Any] | None = None  # the document of the policy that judges the run


def log_fields(batch_id: str | None, config: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of each log line about a job besides its id: the batch, and how it was submitted."""
    fields = {"batch_id": batch_id, "request_id": config.get("request_id")}
    return {name: value for name, value in fields.items() if value}


@dataclass(frozen=True)
class RunOutcome:
    """The result for a domain; entries below the job's minimum level are omitted, but scored.

    `effective_profile` is JSON text or a mapping.
    """

    entries: Sequence[EntryRecord]
    effective_profile: str | Mapping[str, Any] | None = None
    nameserver_timings: Sequence[Mapping[str, Any]] = ()
    dnssec_chain: Mapping[str, Any] | None = None
    score: int | None = None
    grade: str | None = None
    causes: Sequence[str] | None = None  # identifiers of root causes
    verdict: str | None = None  # of the policy


@dataclass(frozen=True)
class Listeners:
    """Callbacks in the event loop of a running test: percentage done, and each entry that will be stored.

    `on_found` is called twice a second with what the test has found so far; a test without it does no work for that.
    `on_stall` is called while the test only waits for name servers and the process has spare time; it returns whether
    the slot was used, and is called again if not. `on_log` takes the log lines of a separate process.
    """

    on_progress: Callable[[int], None]
    on_entry: Callable[[EntryRecord], None]
    on_stall: Callable[[], bool] = lambda: False
    on_found: Callable[[Mapping[str, Any]], None] | None = None
    on_log: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Usage:
    """The network usage of runs so far.

    Packets and connections sent, hits and drops of the hot cache, and waits for the limit of an address.
    """

    queries_ipv4: int = 0
    queries_ipv6: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    cache_evictions: int = 0
    waits: int = 0
    waited_ms: int = 0

    def __add__(self, other: "Usage") -> Self:
        return type(self)(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))

    def __sub__(self, other: "Usage") -> Self:
        return type(self)(*(getattr(self, item.name) - getattr(other, item.name) for item in fields(self)))


Traffic: TypeAlias = Mapping[int, tuple[int, int]]
"""Queries sent and answers received so far, by address family: 4 or 6."""


@runtime_checkable
class UsesNetwork(Protocol):
    """A runner that measures its network usage."""

    def usage(self) -> Usage:
        """Return the usage since the runner was created; thread-safe."""


@runtime_checkable
class ReachesNetwork(Protocol):
    """A runner that checks its network."""

    async def reach(self) -> Mapping[int, bool]:
        """Return for each address family that was checked, 4 or 6, whether a name server answers."""

    def traffic(self) -> Traffic:
        """Return the queries and answers of all runs so far, by address family; thread-safe."""


class Runner(Protocol):
    """Runs tests in the event loop of a worker process, between `open` and `close`."""

    async def open(self) -> None:
        """Acquire the resources that all runs share."""

    async def run(self, order: TestOrder, listeners: Listeners) -> RunOutcome:
        """Test one domain. Cancelling the task ends the test within a second."""

    async def close(self) -> None:
        """Release the shared resources."""
