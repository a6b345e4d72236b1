"""The questions of the chain: nearly all were asked before, the number of the others is bounded."""

from __future__ import annotations

from gonemaster_engine.net.nameserver import Nameserver
from gonemaster_engine.net.wire import Response
from gonemaster_engine.zone import Zone

MOST_QUESTIONS = 10  # beyond what the run has asked; those of zones above come from the hot cache as a rule


class Questions:
    """Asks on behalf of one chain."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._left = MOST_QUESTIONS

    async def ask(self, server: Nameserver, qname: str, qtype: str) -> Response | None:
        """Return a server's answer to a question with DO; None also when too many questions were asked."""
        if not server.was_asked(qname, qtype) and not self._may_ask():
            return None
        return await server.query(qname, qtype, dnssec=True)

    async def resolve(self, qname: str, qtype: str) -> Response | None:
        """Return the answer of one server of a zone above the tested one."""
        if not self._may_ask():
            return None
        return (await self._zone.recursor.resolve(qname, qtype, dnssec=True)).response

    def _may_ask(self) -> bool:
        self._left -= 1
        return self._left >= 0
