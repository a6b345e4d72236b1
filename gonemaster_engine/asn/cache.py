"""Answers about origin ASes, shared by the runs of a process."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gonemaster_engine.net.cache import ExpiringCache

KNOWN_TTL_S = 3600.0
_ENTRY_OCTETS = 1024  # of memory for key and objects


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

    @property
    def is_known(self) -> bool:
        """Whether a database gave an answer, be it that nobody announces the address."""
        return self.code is not Code.ERROR_ASN_DATABASE


FAILED = Origin(Code.ERROR_ASN_DATABASE)


_Key: TypeAlias = tuple[object, str]  # settings of the look-up, address or block


class AsnCache:
    """What look-ups of all runs of one event loop have found.

    A look-up that failed is not kept, and none waits for that of another run: the limits of one run, or a zone that
    uses them up, would else decide what others find.
    """

    def __init__(
        self,
        *,
        max_entries: int = 50_000,
        max_octets: int = 16 * 1024 * 1024,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._known: ExpiringCache[Origin] = ExpiringCache(max_entries=max_entries, max_octets=max_octets, now=now)

    @property
    def octets(self) -> int:
        """How much memory the entries take, as far as it is counted."""
        return self._known.octets

    def find(self, key: _Key) -> Origin | None:
        """Return what is known and not too old."""
        return self._known.get(key)

    def store(self, key: _Key, origin: Origin) -> None:
        """Keep what a database said for its time."""
        if origin.code is not Code.ERROR_ASN_DATABASE:
            octets = _ENTRY_OCTETS + 4 * len(origin.raw)  # a character takes up to four
            self._known.put(key, origin, ttl_s=KNOWN_TTL_S, octets=octets)
