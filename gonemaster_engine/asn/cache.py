"""AS lookups, shared by the runs of a process."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gonemaster_engine.net.cache import ExpiringCache

KNOWN_TTL_S = 3600.0
_ENTRY_OCTETS = 1024  # memory for the key and the objects


class Code(enum.StrEnum):
    """The result of a lookup."""

    AS_FOUND = "AS_FOUND"
    EMPTY_ASN_SET = "EMPTY_ASN_SET"  # the database has no prefix with that address
    ERROR_ASN_DATABASE = "ERROR_ASN_DATABASE"  # no database answered


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin AS and prefix of an address."""

    code: Code
    asns: tuple[int, ...] = ()  # sorted
    prefix: str = ""  # in CIDR form
    raw: str = ""  # the answer of the database
    source: str = ""  # the database that answered

    @property
    def is_known(self) -> bool:
        """Whether a database answered, even if no AS announces the address."""
        return self.code is not Code.ERROR_ASN_DATABASE


FAILED = Origin(Code.ERROR_ASN_DATABASE)


_Key: TypeAlias = tuple[object, str]  # settings of the lookup, address or block


class AsnCache:
    """Results of the AS lookups of all runs of one event loop.

    Failed lookups are not cached, and a run never waits for a lookup of another run: otherwise the limits of one run,
    or a zone that exhausts them, would affect the results of others.
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
        """Memory that the entries take, in bytes (estimate)."""
        return self._known.octets

    def find(self, key: _Key) -> Origin | None:
        """Return the cached result, or None."""
        return self._known.get(key)

    def store(self, key: _Key, origin: Origin) -> None:
        """Cache a result, unless the lookup failed."""
        if origin.code is not Code.ERROR_ASN_DATABASE:
            octets = _ENTRY_OCTETS + 4 * len(origin.raw)  # a character takes up to four
            self._known.put(key, origin, ttl_s=KNOWN_TTL_S, octets=octets)
