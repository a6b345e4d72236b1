"""Queries that a run sends ahead of its test cases, so that the timeouts of silent servers overlap."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable

from gonemaster_engine.context import RunContext
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.testcases.basic import is_working
from gonemaster_engine.waiting import SILENCE_TIMEOUT_S, first_done
from gonemaster_engine.zone.zone import Zone


class Probing:
    """Sends queries of the selected test cases to the servers of a zone ahead of time."""

    def __init__(self, context: RunContext, zone: Zone, case_ids: Container[str]) -> None:
        self._context = context
        self._zone = zone
        self._case_ids = case_ids

    async def probe_delegation(self) -> None:
        """Probe the servers of the delegation that do not answer immediately over all transports."""
        await self.probe(await self._zone.glue())

    async def probe(self, servers: Iterable[Nameserver]) -> None:
        """Probe servers that do not answer immediately over all transports, so that a single wait suspends them."""
        servers = list(servers)
        for server in servers:
            await server.turns.wait()
            server.query(self._zone.name, "SOA")
        self._context.start(self._probe_silent(servers))

    async def _probe_silent(self, servers: Iterable[Nameserver]) -> None:
        await asyncio.sleep(SILENCE_TIMEOUT_S)
        for server in servers:
            await server.turns.wait()
            if not server.server.health.has_answered:
                if "connectivity02" in self._case_ids:
                    server.query(self._zone.name, "SOA", tcp=True)
                if "nameserver04" in self._case_ids:
                    server.query(self._zone.name, "SOA", any_source=True)

    async def query_over_tcp(self) -> None:
        """Send the queries of CONNECTIVITY02 early, so that timeouts over TCP and UDP overlap."""
        for server in await self._zone.glue():
            await server.turns.wait()
            server.query(self._zone.name, "SOA", tcp=True)

    async def find_working_server(self) -> bool:
        """Return True once a server of the delegation works, or False if none does."""
        pending = {asyncio.ensure_future(server.query(self._zone.name, "SOA")) for server in await self._zone.glue()}
        while pending:
            await first_done(pending)
            done = {probe for probe in pending if probe.done()}
            pending -= done
            if any(is_working(self._zone.name, probe.result()) for probe in done):
                return True
        return False
