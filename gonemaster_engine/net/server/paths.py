"""Path health: which paths to an address have answered in a run, and which are suspended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.query import GIVEN_UP, TIMEOUT, UNREACHABLE, QueryOutcome
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.waiting import SILENCE_TIMEOUT_S

_HARD_ERRORS = 2  # errors after which a path counts as unreachable for a while
_EXPECTED_LOST, _EXPECTED_SENT = 0.2, 2  # assumed loss, which counts like two transmissions
_PROMPT_MS = 250.0  # if no answer has taken longer, an answer after six times as long counts as lost


class Path(NamedTuple):
    """The transport of a query and the permitted source of its answer."""

    tcp: bool
    edns: bool
    any_source: bool


_PATHS = [Path(tcp, edns, anywhere) for tcp in (False, True) for edns in (False, True) for anywhere in (False, True)]


def path_of(key: QueryKey) -> Path:
    """Return the path of a query."""
    return _PATHS[key.tcp << 2 | (key.edns is not None) << 1 | key.any_source]


class Suspension(NamedTuple):
    """The reason why a query is not sent."""

    left_s: float  # seconds until the next query may be sent
    whole_address: bool  # whether the whole address or transport is suspended, not only one path
    is_unreachable: bool = False


class PathFailures:
    """Failures on one path to an address.

    A path that has answered once in the run is never suspended: if a server drops some queries, the answers to the
    others must not depend on the order of the queries.
    """

    __slots__ = ("answered", "hard_errors", "last_at", "timeouts")

    def __init__(self) -> None:
        self.answered = False
        self.timeouts = 0
        self.hard_errors = 0
        self.last_at = 0.0  # time of the event loop

    def count(self, outcome: QueryOutcome, now: float) -> None:
        """Count a query without a response."""
        self.last_at = now
        self.timeouts += outcome.error == TIMEOUT
        self.hard_errors += outcome.error == UNREACHABLE

    @property
    def is_unreachable(self) -> bool:
        """Whether the network or the host has reported the destination as unreachable."""
        return self.hard_errors >= _HARD_ERRORS

    def is_suspended(self, timeout_limit: int) -> bool:
        """Return whether the path is to be suspended."""
        if self.answered:
            return False
        return self.is_unreachable or bool(timeout_limit and self.timeouts >= timeout_limit)


class PathHealth:
    """Answers, failures and response times of one address in a run, by path.

    - A path without any answer is suspended after some timeouts, or after two network errors.
    - An address without any answer is suspended after the same number of timeouts on all paths, once TCP was tried.
    - An address that answers over UDP only, or over TCP only, is suspended on the other transport in the same way.
    - A suspension ends some time after the last failure. A cached answer counts as an answer on its path.
    """

    __slots__ = (
        "_address",
        "_cached",
        "_failures",
        "_heard_at",
        "_max_total_ms",
        "_rest_s",
        "_sent",
        "_spent_ms",
        "_timeout_limit",
        "_timeout_ms",
        "_tried_any_source",
        "_tried_tcp",
        "lost",
        "refusals",
        "rtts_ms",
        "slowest_ms",
        "timeouts",
    )

    def __init__(self, address: str, profile: Profile) -> None:
        self._address = address
        self._timeout_limit = profile.fast_fail_timeout_count
        self._rest_s = profile.error_cache_ttl_s
        self._max_total_ms = profile.nameserver_max_total_ms
        self._timeout_ms = float(profile.timeout_s) * 1000
        self.rtts_ms: list[float] = []
        self.timeouts = 0
        self.refusals = 0
        self.slowest_ms = 0.0
        self._sent = 0  # transmissions over UDP of the queries that were answered
        self.lost = 0  # those without an answer
        self._spent_ms = 0.0
        self._heard_at = 0.0  # time of the event loop
        self._failures: dict[Path, PathFailures] = {}
        self._cached: set[Path] = set()  # paths with cached answers
        self._tried_tcp = False
        self._tried_any_source = False

    @property
    def has_answered(self) -> bool:
        """Whether the address has answered in this run, or has an answer from another run or a file."""
        return bool(self.rtts_ms or self._cached)

    @property
    def was_queried(self) -> bool:
        """Whether a query was sent to the address in this run; cached answers do not count."""
        return bool(self._failures)

    @property
    def is_prompt(self) -> bool:
        """Whether the address has answered, and always promptly."""
        return bool(self.rtts_ms) and self.slowest_ms <= _PROMPT_MS

    @property
    def loss(self) -> float:
        """The estimated share of lost transmissions over UDP; before the first answer, one in ten."""
        return (self.lost + _EXPECTED_LOST) / (self._sent + _EXPECTED_SENT)

    def answers_otherwise(self, key: QueryKey) -> bool:
        """Return whether the address itself has answered other queries over UDP, or over the transport of a query.

        An answer from another address or from a cache does not show that the path works now.
        """
        answered = [path for path, failures in self._failures.items() if failures.answered and not path.any_source]
        return any(not path.tcp or key.tcp for path in answered)

    def count_transmissions(self, sent: int) -> None:
        """Count the transmissions of a query that was answered; all but the last are lost."""
        self._sent += sent
        self.lost += max(0, sent - 1)

    @property
    def is_exhausted(self) -> bool:
        """Whether the run has spent the time for this address that the profile allows."""
        return bool(self._max_total_ms) and self._spent_ms >= self._max_total_ms

    def is_slow(self, key: QueryKey, now: float) -> bool:
        """Return whether the path of a query answers, but has not done so for a while."""
        failures = self._failures.get(path_of(key))
        return failures is not None and failures.answered and now >= self._heard_at + SILENCE_TIMEOUT_S

    def suspension(self, key: QueryKey, now: float) -> Suspension | None:
        """Return why a query is not worth sending, or None if it is."""
        limit = self._timeout_limit
        if limit and self.timeouts >= limit and not self._is_untried(key) and (silent := self._silent(key)):
            left_s = max(each.last_at for each in silent) + self._rest_s - now
            if left_s > 0:
                return Suspension(left_s, whole_address=True)
            if not self.has_answered:
                return None
        path = path_of(key)
        failures = self._failures.get(path)
        if failures is None or path in self._cached or not failures.is_suspended(limit):
            return None
        left_s = failures.last_at + self._rest_s - now
        return Suspension(left_s, whole_address=False, is_unreachable=failures.is_unreachable) if left_s > 0 else None

    def _is_untried(self, key: QueryKey) -> bool:
        """Return whether an untried path may lead to an address that never answered."""
        if key.tcp:
            return not self._tried_tcp
        return key.any_source and not self._tried_any_source

    def _silent(self, key: QueryKey) -> list[PathFailures]:
        """Return the paths that are suspended together with that of a query, if they had enough timeouts.

        For an address that never answered these are all paths, otherwise those over UDP or those over TCP. Paths that
        accept answers from any source do not count: an answer from elsewhere says nothing about the address.
        """
        if not self.has_answered:
            return list(self._failures.values())
        if any(path.tcp == key.tcp for path in self._cached):
            return []
        paths = [each for path, each in self._failures.items() if path.tcp == key.tcp and not path.any_source]
        enough = sum(each.timeouts for each in paths) >= self._timeout_limit
        return paths if enough and not any(each.answered for each in paths) else []

    def must_wait(self, key: QueryKey, under_way: Iterable[QueryKey]) -> bool:
        """Return whether the query must wait until a query in flight on the same path is answered.

        If no query in flight is answered, the path is suspended, and one more query would only time out, too.
        """
        path = path_of(key)
        failures = self._failures.get(path)
        if failures is None or not failures.timeouts or failures.answered:
            return False
        if not self._timeout_limit or key.probing or path in self._cached:
            return False
        number = sum(path_of(each) == path and not each.probing for each in under_way)
        return number >= max(1, self._timeout_limit - failures.timeouts)

    def record_cached(self, key: QueryKey) -> None:
        """Record that a cache has an answer of the address."""
        self._cached.add(path_of(key))

    def count(self, key: QueryKey, outcome: QueryOutcome, now: float) -> None:
        """Count the outcome of a query; abandoned queries and probes without an answer are ignored."""
        response = outcome.response
        if outcome.error == GIVEN_UP or (key.probing and response is None):
            return
        path = path_of(key)
        if response and key.any_source and response.source == self._address:
            path = path._replace(any_source=False)  # the path on which it arrived
        failures = self._failures.get(path)
        if failures is None:
            failures = self._failures[path] = PathFailures()
        if key.tcp:
            self._tried_tcp = True
        if key.any_source:
            self._tried_any_source = True
        if response is None:
            failures.count(outcome, now)
            if outcome.error == TIMEOUT:
                self.timeouts += 1
                self._spent_ms += self._timeout_ms
            return
        failures.answered = True
        self._heard_at = now
        self.rtts_ms.append(response.rtt_ms)
        if response.rtt_ms > self.slowest_ms:
            self.slowest_ms = response.rtt_ms
        self._spent_ms += response.rtt_ms
        self.refusals += response.rcode_number == 5  # REFUSED
