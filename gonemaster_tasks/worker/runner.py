"""What a worker asks of the engine, and what it gets back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gonemaster_db.records import EntryRecord


@dataclass(frozen=True)
class TestOrder:
    """One domain to be tested. `profile` is a stored profile's document, `config` the job's own wishes."""

    __test__ = False  # pytest: not a test

    job_id: str
    domain: str
    config: Mapping[str, Any]
    profile: Mapping[str, Any] | None
    deadline_s: float


@dataclass(frozen=True)
class Outcome:
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
    """Called in the event loop while a test runs: percent done, and each entry that will be kept."""

    on_progress: Callable[[int], None]
    on_entry: Callable[[EntryRecord], None]


class Runner(Protocol):
    """Runs tests in the event loop of a worker process; `open` and `close` frame all runs."""

    async def open(self) -> None:
        """Take what all runs share."""

    async def run(self, order: TestOrder, listeners: Listeners) -> Outcome:
        """Test one domain. Cancellation of the task ends it within a second."""

    async def close(self) -> None:
        """Give it back."""
