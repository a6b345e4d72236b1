"""The facts that follow from the entry types of a run alone, which are the same for all runs with the same outcome."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gonemaster_db.core.levels import at_least
from gonemaster_db.runs.documents.caches import EntryType

_MAX = 5000

SERVERS = frozenset(
    {"A01_ADDR_NOT_GLOBALLY_REACHABLE", "A01_DOCUMENTATION_ADDR", "A01_GLOBALLY_REACHABLE_ADDR", "A01_LOCAL_USE_ADDR"}
    | {f"{much}_NS_{side}" for much in ("ENOUGH", "NOT_ENOUGH") for side in ("DEL", "CHILD")}
)
"""Tags whose `servers` are all name servers of the zone, with addresses (ADDRESS01) or without (DELEGATION01)."""
MORE_SERVERS = frozenset(
    f"{much}_IPV{family}_NS_{side}"
    for much in ("ENOUGH", "NOT_ENOUGH")
    for family in (4, 6)
    for side in ("DEL", "CHILD")
)
"""Other tags with name servers and addresses; needed if ADDRESS01 did not run."""
ORIGINS = frozenset(
    {"ASN_INFOS_ANNOUNCE_BY", "ASN_INFOS_ANNOUNCE_IN", "CN04_ASN_INFOS_ANNOUNCE_IN"}
    | {"EMPTY_ASN_SET", "ERROR_ASN_DATABASE", "CN04_EMPTY_PREFIX_SET", "CN04_ERROR_PREFIX_DATABASE"}
    | {f"CN04_IPV{family}_SAME_PREFIX" for family in (4, 6)}
)
AS_LISTS: Mapping[str, int] = {
    f"IPV{family}_{verdict}_ASN": family for family in (4, 6) for verdict in ("ONE", "SAME", "DIFFERENT")
}
"""Tags that list the ASes of the servers of one address family."""
ALGORITHM_PREFIX = "DS05_ALGO_"
VERSION, NOT_REVEALED = "N15_SOFTWARE_VERSION", "N15_NO_VERSION_REVEALED"
ENGINE = "GLOBAL_VERSION"


@dataclass(frozen=True, slots=True)
class Outline:
    """The entry types of a run: `places` are entries whose arguments are needed, `counts` the types above the floor."""

    places: Sequence[tuple[int, str]]
    counts: Mapping[int, int]
    posture: str
    has_undisclosed: bool


class Outlines:
    """A cache of recently used outlines of one database; `floor` is the lowest level that counts as a finding."""

    def __init__(self, floor: str) -> None:
        self._floor = floor
        self._known: dict[tuple[int, ...], Outline] = {}

    def of(self, kinds: Sequence[int], known: Mapping[int, EntryType]) -> Outline:
        """Return the outline of a sequence of entry types."""
        sequence = tuple(kinds)
        outline = self._known.get(sequence)
        if outline is None:
            if len(self._known) >= _MAX:
                self._known.clear()
            entries = [(place, kind_id, known[kind_id]) for place, kind_id in enumerate(kinds)]
            outline = self._known[sequence] = _outline(entries, self._floor)
        return outline


def _outline(found: Sequence[tuple[int, int, EntryType]], floor: str) -> Outline:
    counted = frozenset(at_least(floor))
    tags = {kind.tag for _, _, kind in found}
    required = SERVERS | ORIGINS | AS_LISTS.keys() | {VERSION, ENGINE}
    if not any(tag.startswith("A01_") for tag in tags):
        required |= MORE_SERVERS
    return Outline(
        places=[
            (place, kind.tag)
            for place, _, kind in found
            if kind.tag in required or kind.tag.startswith(ALGORITHM_PREFIX)
        ],
        counts=Counter(kind_id for _, kind_id, kind in found if kind.level in counted),
        posture=_posture(tags, has_dnssec=any(kind.module == "DNSSEC" for _, _, kind in found)),
        has_undisclosed=NOT_REVEALED in tags,
    )


def _posture(tags: set[str], *, has_dnssec: bool) -> str:
    """Return how a zone is signed; the first matching condition applies (contract analysis.md section 4.1)."""
    nsec, nsec3 = "DS10_HAS_NSEC" in tags, "DS10_HAS_NSEC3" in tags
    if "DS07_NOT_SIGNED" in tags:
        return "unsigned"
    if "DS10_MIXED_NSEC_NSEC3" in tags or (nsec and nsec3):
        return "mixed"
    if nsec or nsec3:
        return "nsec" if nsec else "nsec3"
    return "signed" if has_dnssec else "none"
