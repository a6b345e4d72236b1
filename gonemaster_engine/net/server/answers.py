"""The answers of one address: those of the run, which sends each query once, and those of the hot cache."""

from __future__ import annotations

import secrets

from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.server.pending import Answer
from gonemaster_engine.net.server.run_state import RunState
from gonemaster_engine.net.wire.messages import Response

COOKIE_OPTION = 10  # RFC 7873 section 4
CLIENT_COOKIE_OCTETS = 8


class AnswerCache:
    """The answers of one address in a run, and its part of the hot cache that the runs of a process share.

    An answer is a future from the first query on, so all callers that send the same query await the same answer.
    """

    __slots__ = ("_run", "address", "by_key")

    def __init__(self, run: RunState, address: str) -> None:
        self._run = run
        self.address = address
        self.by_key: dict[QueryKey, Answer] = {}

    def begin(self, key: QueryKey) -> Answer:
        """Return a new answer for a query that is about to be sent."""
        answer = self.by_key[key] = self._run.loop.create_future()
        return answer

    def restore(self, key: QueryKey, response: Response | None) -> None:
        """Set the answer to a query in advance, for example from a file."""
        self.begin(key).set_result(response)

    def find_shared(self, key: QueryKey) -> Response | None:
        """Return the answer of the hot cache, or None."""
        return self._run.hot.find_answer(self.address, key, self._run.lifetimes)

    def share(self, key: QueryKey, answer: Answer) -> None:
        """Store an answer in the hot cache once it has arrived."""
        answer.add_done_callback(lambda done: self._keep(key, done))

    def _keep(self, key: QueryKey, answer: Answer) -> None:
        if not answer.cancelled() and (response := answer.result()):
            self._run.hot.store_answer(self.address, key, response, self._run.lifetimes)

    def client_cookie(self) -> bytes:
        """Return the client cookie for this address: the cookie of earlier, possibly restored queries, or a random one.

        RFC 7873 section 4.1: one cookie per server. Restored answers belong to the cookie that they were sent with.
        """
        for key in self.by_key:
            if key.edns and (cookie := key.edns.option(COOKIE_OPTION)):
                return cookie[:CLIENT_COOKIE_OCTETS]
        return secrets.token_bytes(CLIENT_COOKIE_OCTETS)
