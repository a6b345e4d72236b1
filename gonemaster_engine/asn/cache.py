"""Answers about origin ASes, shared by the runs of a process."""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gonemaster_engine.net.cache import ExpiringCache

KNOWN_TTL_S = 3600.0


FAILED_TTL_S = 30.0


class Code(enum.StrEnum):
    """How a look-up ended."""

    AS_FOUND = "AS_FOUND"
    EMPTY_ASN_SET = "EMPTY_ASN_SET"  # the database knows no prefix with that address
    ERROR_ASN_DATABASE = "ERROR_ASN_DATABASE"  # no database gave an answer: nothing is known


@dataclass(frozen=True, slots=True)
class Origin:
    """Who announces an address."""

    code: Code
    asns: tuple[int, ...] = ()  # sorted
    prefix: str = ""  # in CIDR form
    raw: str = ""  # what the database said
    source: str = ""  # the database that said it


FAILED = Origin(Code.ERROR_ASN_DATABASE)


_Key: TypeAlias = tuple[object, str]  # settings of the look-up, address or block


class AsnCache:
    """What look-ups of all runs of one event loop have found, those under way, and the databases that are down."""

    def __init__(self, *, max_entries: int = 50_000, now: Callable[[], float] = time.monotonic) -> None:
        self.pending: dict[_Key, asyncio.Future[None]] = {}
        self._known: ExpiringCache[Origin] = ExpiringCache(max_entries=max_entries, now=now)
        self._down: ExpiringCache[bool] = ExpiringCache(max_entries=max_entries, now=now)

    def find(self, key: _Key) -> Origin | None:
        """Return what is known and not too old."""
        return self._known.get(key)

    def store(self, key: _Key, origin: Origin) -> None:
        """Keep it for its time."""
        self._known.put(key, origin, ttl_s=FAILED_TTL_S if origin.code is Code.ERROR_ASN_DATABASE else KNOWN_TTL_S)

    def mark_down(self, key: _Key) -> None:
        """Leave that source alone for a while."""
        self._down.put(key, True, ttl_s=FAILED_TTL_S)

    def is_down(self, key: _Key) -> bool:
        """Say whether that source failed a short time ago."""
        return self._down.get(key) is not None
