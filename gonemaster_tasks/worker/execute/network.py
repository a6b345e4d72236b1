"""Tracks whether this worker reaches name servers, by address family: an outage says nothing about domains.

A check queries root servers, or `reachability_targets`. It is made after a run that could not reach most of its name
servers in a family, when all runs together have had no answer in a family for two seconds, and every two seconds during
an outage, so an idle or healthy worker sends nothing. A family over which no name server has ever answered this process
counts only if no family answers.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gonemaster_tasks.worker.execute.runner import RunOutcome, Traffic

log = logging.getLogger(__name__)

_FAMILIES = (4, 6)
_SILENT_QUERIES = 4  # queries without an answer between two calls of `observe` that suggest an outage
_FRESH_S = 5.0  # A timeout takes longer, so a check of this age covers the queries that timed out.

Check = Callable[[], Mapping[int, bool]]
"""Returns for each checked address family whether a target answers; blocks for a few seconds."""


class NetworkWatch:
    """The reachability of name servers from this process. Thread-safe."""

    def __init__(self, check: Check | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._check = check
        self._clock = clock
        self._checking = threading.Lock()
        self._reached: frozenset[int] = frozenset()  # families that have answered this process
        self._checked_at: float | None = None
        self._lost: frozenset[int] = frozenset()
        self._lost_since = 0.0
        self._on_loss: Callable[[], object] = lambda: None
        self._read_traffic: Callable[[], Traffic] = dict
        self._traffic: Traffic = {}

    def check_with(self, check: Check, *, on_loss: Callable[[], object], traffic: Callable[[], Traffic] = dict) -> None:
        """Use this check and this count of queries and answers; call `on_loss` at the start of each outage."""
        self._check, self._on_loss, self._read_traffic = check, on_loss, traffic

    def is_lost(self) -> bool:
        """Whether an address family does not answer; cheap, because it is called before each BRPOP."""
        return bool(self._lost)

    @property
    def lost_families(self) -> tuple[int, ...]:
        """The address families that do not answer."""
        return tuple(sorted(self._lost))

    def lost_s(self) -> float:
        """Return the seconds since the start of the outage; 0 without one."""
        return max(self._clock() - self._lost_since, 1e-3) if self._lost else 0.0

    def invalidates(self, outcome: RunOutcome, *, has_verdict: bool) -> bool:
        """Return whether an outcome results from an outage of this worker; this may check the network.

        `has_verdict` means that the run itself had no network.
        """
        seen = {family: _addresses(outcome.nameserver_timings, family) for family in _FAMILIES}
        self._reached |= {family for family, rows in seen.items() if any(map(_answered, rows))}
        silent = [row for rows in seen.values() if _mostly_silent(rows) for row in rows if _is_silent(row)]
        if self._lost:
            return True
        if not (has_verdict or silent):
            return False
        # Errors of the host come without a timeout, so an older check does not cover them.
        is_instant = has_verdict or any(not row.get("timeouts") for row in silent)
        self.ask(max_age_s=0.0 if is_instant else _FRESH_S)
        return self.is_lost()

    def ask(self, *, max_age_s: float = 0.0) -> None:
        """Check once, unless a check began at most `max_age_s` seconds ago, or since this call."""
        oldest = self._clock() - max_age_s
        with self._checking:
            if self._check is None or (self._checked_at is not None and self._checked_at >= oldest):
                return
            began = self._clock()
            answered = self._check()
            self._checked_at = began
            self._record(answered)

    def observe(self) -> None:
        """Check whether an outage has ended, or whether one has begun; called every two seconds.

        An outage that ends before the runs that suffered from it is noticed only here.
        """
        before, self._traffic = self._traffic, dict(self._read_traffic())
        if self._lost:
            self.ask()
        elif any(_is_unanswered(before.get(family), counts) for family, counts in self._traffic.items()):
            self.ask(max_age_s=_FRESH_S)

    def _record(self, answers: Mapping[int, bool]) -> None:
        before, answered = self._lost, frozenset(family for family in answers if answers[family])
        self._reached |= answered
        silent = answers.keys() - answered
        self._lost = frozenset(silent & self._reached if answered else silent)
        about = {"families": sorted(self._lost or before)}
        if self._lost and not before:
            self._lost_since = self._clock()
            log.error("the network of this worker failed, it takes no jobs", extra=about)
            self._on_loss()
        elif before and not self._lost:
            log.info("the network of this worker works again", extra=about)


def _addresses(timings: Iterable[Mapping[str, Any]], family: int) -> list[Mapping[str, Any]]:
    return [row for row in timings if row.get("address") and (":" in row["address"]) == (family == 6)]


def _is_unanswered(before: tuple[int, int] | None, after: tuple[int, int]) -> bool:
    return before is not None and after[0] - before[0] >= _SILENT_QUERIES and after[1] == before[1]


def _answered(row: Mapping[str, Any]) -> bool:
    return row.get("status") == "ok"


def _is_silent(row: Mapping[str, Any]) -> bool:
    return not _answered(row) or bool(row.get("timeouts"))


def _mostly_silent(rows: list[Mapping[str, Any]]) -> bool:
    return bool(rows) and 2 * sum(map(_is_silent, rows)) >= len(rows)
