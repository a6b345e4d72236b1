"""The interface of a run for its name servers."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gonemaster_engine.budget import Budget
from gonemaster_engine.net.cache import HotCache, Lifetimes
from gonemaster_engine.net.pace import RunPace
from gonemaster_engine.net.server.pending import Answer, Undecided
from gonemaster_engine.net.transport import Timing, Transport
from gonemaster_engine.net.wire.messages import ResponsePool
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.run_log import Log


class RunState(Protocol):
    """The part of `RunContext` that the servers of a run use.

    It is a protocol because the context creates the servers and so imports their module.
    """

    zone_name: str  # tested zone
    queries: int  # sent so far
    tcp_slots: asyncio.Semaphore  # limit of concurrent connections
    response_pool: ResponsePool
    pace: RunPace
    repeated_packets: int  # sent so far because a query had no answer
    undecided: dict[Answer, Undecided]  # queries without an answer and without a verdict

    @property
    def profile(self) -> Profile:
        """The effective profile."""

    @property
    def log(self) -> Log:
        """The log; in a traced run it also receives the queries."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the run."""

    @property
    def transport(self) -> Transport:
        """The transport that sends the queries."""

    @property
    def budget(self) -> Budget:
        """The budget of the run."""

    @property
    def hot(self) -> HotCache:
        """The hot cache of the process, or an empty one of this run."""

    @property
    def lifetimes(self) -> Lifetimes:
        """The time that answers stay in the hot cache, from the profile."""

    @property
    def timing(self) -> Timing:
        """Timing of an ordinary query."""

    @property
    def prompt_timing(self) -> Timing:
        """Timing of a query to an address that answers promptly."""

    @property
    def probe_timing(self) -> Timing:
        """Timing of a query that is sent once."""

    def uses_family(self, *, ipv6: bool) -> bool:
        """Return whether addresses of the given family are queried."""
