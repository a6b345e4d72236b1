"""What name servers need of the run that they belong to."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gonemaster_engine.budget import Budget
from gonemaster_engine.net.cache import HotCache, Lifetimes
from gonemaster_engine.net.pace import RunPace
from gonemaster_engine.net.transport import Timing, Transport
from gonemaster_engine.net.wire.messages import Twins
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.run_log import Log


class RunState(Protocol):
    """What the servers of a run need of it; `RunContext` has it.

    A protocol, since the context makes the servers and so imports their module.
    """

    zone_name: str  # of the tested zone
    queries: int  # sent so far
    tcp_slots: asyncio.Semaphore  # connections at once
    twins: Twins
    pace: RunPace

    @property
    def profile(self) -> Profile:
        """The effective profile."""

    @property
    def log(self) -> Log:
        """The log, which a traced run fills with its queries, too."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the run."""

    @property
    def transport(self) -> Transport:
        """What sends the queries."""

    @property
    def budget(self) -> Budget:
        """What the run may still send."""

    @property
    def hot(self) -> HotCache:
        """What the runs of the process share, or an empty one of this run."""

    @property
    def lifetimes(self) -> Lifetimes:
        """For how long the profile lets answers live there."""

    @property
    def timing(self) -> Timing:
        """Waits and tries of an ordinary query."""

    @property
    def prompt_timing(self) -> Timing:
        """Waits and tries of a query to an address that answers soon."""

    @property
    def probe_timing(self) -> Timing:
        """Waits and tries of a query that is sent once."""

    def uses_family(self, *, ipv6: bool) -> bool:
        """Say whether addresses of that family are queried."""
