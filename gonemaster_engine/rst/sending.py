"""Queries to a path, each sent once, with the time that RST allows for an answer.

Unlike the queries of a run, they are never repeated, and nothing is cached: RST fails a server that does not answer
each of them in time. They respect the limits of packets per address, the address families and the allowed targets.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from gonemaster_engine import names
from gonemaster_engine.addresses import is_allowed_target
from gonemaster_engine.context import RunContext
from gonemaster_engine.errors import WireError
from gonemaster_engine.net.query import Query, QueryOutcome, Timing
from gonemaster_engine.net.randomness import random_16_bits
from gonemaster_engine.net.wire.messages import DNSSEC_PAYLOAD, HEADER_OCTETS, Edns, Response, query_body
from gonemaster_engine.net.wire.rrtypes import IN, type_number
from gonemaster_engine.rst.encrypted import EncryptedSession, open_session
from gonemaster_engine.rst.questions import RstQuery
from gonemaster_engine.rst.tld import TCP, UDP, ServerPath

NSID, ZONEVERSION = 3, 19  # RFC 5001, RFC 9660
PAYLOAD = DNSSEC_PAYLOAD
TIMEOUT_S = {UDP: 1.0}
OTHER_TIMEOUT_S = 3.0
MAX_FAILURES = 3  # consecutive failures after which a path gets no more queries
BLOCKED, NOT_SENT = "the address may not be queried", "not sent after repeated failures"
_EDNS = Edns(payload=PAYLOAD, do=True, options=((NSID, b""), (ZONEVERSION, b"")))
_ERRORS = (OSError, EOFError, WireError, ssl.SSLError, asyncio.IncompleteReadError)


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of encrypted transports; other ports are for test environments."""

    dot: int = 853
    doh: int = 443
    doq: int = 853
    by_protocol: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_protocol", {"DoT": self.dot, "DoH": self.doh, "DoQ": self.doq})


class Sender:
    """Sends the queries of one run."""

    def __init__(self, context: RunContext, ports: Ports) -> None:
        self._context = context
        self._ports = ports
        self.queries = 0

    def is_allowed(self, path: ServerPath) -> bool:
        """Return whether packets may be sent to the address."""
        guarded = not self._context.profile.allow_non_global_targets
        return is_allowed_target(path.address, guarded=guarded)

    async def ask(self, path: ServerPath, questions: list[RstQuery]) -> dict[RstQuery, Response | str]:
        """Send the queries over a path one after the other; a text in place of a response says what failed."""
        if not self.is_allowed(path):
            return dict.fromkeys(questions, BLOCKED)
        found: dict[RstQuery, Response | str] = {}
        failures = 0
        async with self._open(path) as exchange:
            for question in questions:
                if failures >= MAX_FAILURES:
                    found[question] = NOT_SENT
                    continue
                self.queries += 1
                found[question] = await exchange(question)
                failures = failures + 1 if isinstance(found[question], str) else 0
        return found

    @contextlib.asynccontextmanager
    async def _open(self, path: ServerPath) -> AsyncIterator[Callable[[RstQuery], Awaitable[Response | str]]]:
        if path.protocol in (UDP, TCP):
            yield lambda question: self._ask_plain(path, question)
            return
        session = open_session(path, self._ports.by_protocol[path.protocol], self._source(path))
        try:
            yield lambda question: self._ask_encrypted(session, path, question)
        finally:
            await session.close()

    def _source(self, path: ServerPath) -> str:
        profile = self._context.profile
        return profile.source6 if path.is_ipv6 else profile.source4

    async def _ask_plain(self, path: ServerPath, question: RstQuery) -> Response | str:
        ended: asyncio.Future[QueryOutcome] = self._context.loop.create_future()

        def on_done(outcome: QueryOutcome) -> None:
            if not ended.done():
                ended.set_result(outcome)

        query = self._query(path, question, on_done)
        transport = self._context.transport
        (transport.send_udp if path.protocol == UDP else transport.send_tcp)(query)
        try:
            outcome = await ended
        except asyncio.CancelledError:
            query.abandon()
            raise
        return outcome.response or outcome.error

    def _query(self, path: ServerPath, question: RstQuery, on_done: Callable[[QueryOutcome], None]) -> Query:
        context = self._context
        qname = names.to_wire(question.name)
        timeout_s = TIMEOUT_S.get(path.protocol, OTHER_TIMEOUT_S)
        return Query(
            path.address,
            query_body(qname, type_number(question.type), IN, 0, _EDNS),
            Timing(timeout_s, timeout_s, 1),
            on_done,
            question_octets=len(qname) + 4,
            source_address=self._source(path),
            tcp_slots=context.tcp_slots,
            pace=context.pace,
            response_pool=context.response_pool,
        )

    async def _ask_encrypted(self, session: EncryptedSession, path: ServerPath, question: RstQuery) -> Response | str:
        query = self._query(path, question, lambda _: None)
        await self._wait_for_pace(query)
        identifier = b"\0\0" if path.protocol != "DoT" else random_16_bits().to_bytes(2)  # RFC 8484 4.1, RFC 9250 4.2.1
        wire = b""
        try:
            async with asyncio.timeout(OTHER_TIMEOUT_S):
                wire = await session.exchange(identifier + query.body)
            return _checked(wire, identifier, query)
        except TimeoutError:
            return "timeout"
        except _ERRORS as error:
            return str(error)[:200] or type(error).__name__
        finally:
            query.finish(QueryOutcome(None))

    async def _wait_for_pace(self, query: Query) -> None:
        """Wait until the limits of the address allow a packet."""
        pacing = self._context.transport.pacing
        if pacing is None:
            return
        allowed = asyncio.Event()

        def send(_: Query) -> bool:
            allowed.set()
            return True

        pacing.enter(query, send)
        await allowed.wait()


def _checked(wire: bytes, identifier: bytes, query: Query) -> Response:
    """Return the response in a message.

    Raises:
      WireError: the message is no response to the query.
    """
    if len(wire) < HEADER_OCTETS or wire[:2] != identifier or not wire[2] & 0x80:
        raise WireError("the message is not a response to the query")
    response = Response(wire, source=query.address, over_tcp=True, response_pool=query.response_pool)
    name = response.question_name_octets
    if name is not None and name.lower() != query.question_name:
        raise WireError("the response is about another name")
    return response
