"""The list of compromised keys of the badkeys project, an optional file.

Its records have 16 octets and are sorted: the first 15 octets of the SHA-256 of the key's number, and the ID of the
source list. A second file has the names of the lists. `gonemaster --badkeys-update` downloads both.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gonemaster_engine.dnssec.records import Dnskey
from gonemaster_engine.dnssec.weakness import key_number

HASH_OCTETS = 15
RECORD_OCTETS = 16
LIST_FILE = "blocklist.dat"
NAMES_FILE = "badkeysdata.json"


@dataclass(frozen=True, slots=True)
class Blocklist:
    """A list of compromised keys on disk."""

    folder: Path

    @classmethod
    def find(cls, configured: str) -> Blocklist | None:
        """Return the list in the configured folder, or in one of the default folders; None if there is none."""
        for folder in [Path(configured)] if configured else default_folders():
            if (folder / LIST_FILE).is_file():
                return cls(folder)
        return None

    def lookup(self, key: Dnskey) -> str | None:
        """Return the name of the list that contains the key, or None."""
        number = key_number(key)
        if number is None:
            return None
        digest = hashlib.sha256(number.to_bytes((number.bit_length() + 7) // 8)).digest()[:HASH_OCTETS]
        try:
            origin = self._search(digest)
        except (OSError, ValueError):  # deleted or empty
            return None
        return None if origin is None else self._name(origin)

    def _search(self, digest: bytes) -> int | None:
        with (
            (self.folder / LIST_FILE).open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as records,
        ):
            low, high = 0, len(records) // RECORD_OCTETS
            while low < high:
                middle = (low + high) // 2
                start = middle * RECORD_OCTETS
                entry = records[start : start + HASH_OCTETS]
                if entry == digest:
                    return records[start + HASH_OCTETS]
                low, high = (middle + 1, high) if entry < digest else (low, middle)
        return None

    def _name(self, origin: int) -> str:
        try:
            data = json.loads((self.folder / NAMES_FILE).read_text("utf-8"))
            names = {int(each["id"]): str(each["name"]) for each in data["blocklists"]}
        except (OSError, ValueError, KeyError, TypeError):
            names = {}
        return names.get(origin, f"id{origin}")


def default_folders() -> Iterator[Path]:
    """Yield the folders in which the badkeys package and distributions store the list."""
    cache = os.environ.get("XDG_CACHE_HOME")
    yield Path(cache) / "badkeys" if cache else Path.home() / ".cache" / "badkeys"
    yield Path.home() / ".local" / "share" / "badkeys"
    yield Path("/var/lib/badkeys")
    yield Path("/usr/share/badkeys")
