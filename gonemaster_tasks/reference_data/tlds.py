"""The list of top-level domains in IANA's format."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

from sqlalchemy.orm import Session

from gonemaster_db.service.reference_lists import find_reference_list

IANA_TLDS = "iana_tlds"
_VERSION = re.compile(r"# Version ([0-9A-Za-z._-]{1,64})\b")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_FEWEST, _MAX = 500, 20_000  # The root zone has about 1,440; a list far from that is not this list.


class InvalidTldList(ValueError):
    """A text that is not a list of top-level domains; the message says why."""


@dataclass(frozen=True)
class TldList:
    """Top-level domains in A-labels, lower case; `fetched_at` is None for the bundled list."""

    version: str
    names: frozenset[str]
    fetched_at: datetime | None = None


def parse_tlds(text: str) -> TldList:
    """Parse the list: a line with the version, then one name per line. Raises InvalidTldList."""
    lines = text.splitlines()
    version = _VERSION.match(lines[0]) if lines else None
    if version is None:
        raise InvalidTldList("the first line has no version")
    names = [line.strip().lower() for line in lines[1:] if line.strip() and not line.startswith("#")]
    wrong = next((name for name in names if not _NAME.fullmatch(name)), None)
    if wrong is not None:
        raise InvalidTldList(f"{wrong[:80]!r} is not a top-level domain")
    if not _FEWEST <= len(names) <= _MAX:
        raise InvalidTldList(f"{len(names)} names; between {_FEWEST} and {_MAX} are expected")
    return TldList(version[1], frozenset(names))


@cache
def bundled_tlds() -> TldList:
    """Return the list bundled with this version."""
    return parse_tlds((files(__package__) / "iana_tlds.txt").read_text(encoding="ascii"))


def current_tlds(session: Session) -> TldList:
    """Return the list fetched last, or the bundled one."""
    row = find_reference_list(session, IANA_TLDS)
    if row is None or row.fetched_at is None:
        return bundled_tlds()
    return TldList(row.version, frozenset(row.content.split("\n")), row.fetched_at)
