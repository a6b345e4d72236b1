"""The queries of the chain: the run has sent most of them before, and the number of new ones is limited."""

from __future__ import annotations

from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.zone.zone import Zone

MAX_QUERIES = 10  # new queries; answers of zones above usually come from the hot cache


class ChainQueries:
    """Sends the queries of one chain."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._left = MAX_QUERIES

    async def query(self, server: Nameserver, qname: str, qtype: str) -> Response | None:
        """Return a server's response to a query with DO; also None if the limit is reached."""
        if not server.was_queried(qname, qtype) and not self._can_send():
            return None
        return await server.query(qname, qtype, dnssec=True)

    async def resolve(self, qname: str, qtype: str) -> Response | None:
        """Return the answer of one server of a zone above the tested zone."""
        if not self._can_send():
            return None
        return (await self._zone.recursor.resolve(qname, qtype, dnssec=True)).response

    def _can_send(self) -> bool:
        self._left -= 1
        return self._left >= 0
