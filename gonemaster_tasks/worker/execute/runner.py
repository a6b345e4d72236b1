"""What a worker asks of the engine, and what it gets back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self, runtime_checkable

from gonemaster_db.core.records import EntryRecord


@dataclass(frozen=True)
class TestOrder:
    """One domain to be tested. `profile` is a stored profile's document, `config` the job's own wishes."""

    __test__ = False  # pytest: not a test

    job_id: str
    domain: str
    config: Mapping[str, Any]
    profile: Mapping[str, Any] | None
    deadline_s: float
    is_urgent: bool = False  # somebody waits for it, unlike for those of a batch


def log_fields(batch_id: str | None, config: Mapping[str, Any]) -> dict[str, str]:
    """Return what each log line about a job has besides its id: by what it was submitted."""
    fields = {"batch_id": batch_id, "request_id": config.get("request_id")}
    return {name: value for name, value in fields.items() if value}


@dataclass(frozen=True)
class RunOutcome:
    """What was found out about a domain; entries below the job's least level are left out, but scored.

    `effective_profile` is JSON text or a mapping.
    """

    entries: Sequence[EntryRecord]
    effective_profile: str | Mapping[str, Any] | None = None
    nameserver_timings: Sequence[Mapping[str, Any]] = ()
    dnssec_chain: Mapping[str, Any] | None = None
    score: int | None = None
    grade: str | None = None


@dataclass(frozen=True)
class Listeners:
    """Called in the event loop while a test runs: percent done, and each entry that will be kept.

    `on_stall`: the test only waits for name servers, and the process has time to spare; returns whether this was of
    use, and is called again if not.
    """

    on_progress: Callable[[int], None]
    on_entry: Callable[[EntryRecord], None]
    on_stall: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Usage:
    """What runs took of the network so far.

    Packets and connections sent, what the hot cache spared or dropped, and what waited for the limit of its address.
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


@runtime_checkable
class UsesNetwork(Protocol):
    """A runner that counts what it takes of the network."""

    def usage(self) -> Usage:
        """Return what was counted since the runner was made; may be called from any thread."""


class Runner(Protocol):
    """Runs tests in the event loop of a worker process; `open` and `close` frame all runs."""

    async def open(self) -> None:
        """Take what all runs share."""

    async def run(self, order: TestOrder, listeners: Listeners) -> RunOutcome:
        """Test one domain. Cancellation of the task ends it within a second."""

    async def close(self) -> None:
        """Give it back."""
