"""Memberships while a view is built: the domains of each object, and the objects of each domain."""

from array import array
from collections.abc import Iterable, Iterator

from gonemaster_db.runs.documents.positions import pack_positions

MEMBER_COLUMNS = ("view_id", "owner", "position", "member", "positions")
MemberRow = tuple[int, str, int, str, bytes]


class DomainLists:
    """The positions of the domains of each object of one kind; domains are added in ascending order."""

    def __init__(self, objects: int) -> None:
        self._lists = [array("I") for _ in range(objects)]

    def add(self, positions: Iterable[int], domain: int) -> None:
        """Add a domain to objects; repetitions are ignored."""
        for position in positions:
            domains = self._lists[position]
            if not domains or domains[-1] != domain:
                domains.append(domain)

    def __getitem__(self, position: int) -> "array[int]":
        """Return the domains of an object."""
        return self._lists[position]

    def count(self, position: int) -> int:
        """Return the number of domains of an object."""
        return len(self._lists[position])


def member_rows(
    view_id: int, owner: str, position: int, members: Iterable[tuple[str, Iterable[int]]]
) -> Iterator[MemberRow]:
    """Yield a row for each kind of members of an object, given as (kind, positions); arrays must be sorted."""
    for kind, positions in members:
        ordered = positions if isinstance(positions, array) else sorted(set(positions))
        if ordered:
            yield view_id, owner, position, kind, pack_positions(ordered)
