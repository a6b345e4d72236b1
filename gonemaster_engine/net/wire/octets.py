"""The octets of a DNS message and the names in it.

Source: RFC 1035 section 4.1.4 (compression).
"""

from __future__ import annotations

from gonemaster_engine import names
from gonemaster_engine.errors import WireError

_POINTER = 0xC0
_MAX_POINTERS = 127  # in one name: as many as it can have labels
_ROOT_NAME = (names.ROOT, 1, 0)
_NAME_OVERHEAD_OCTETS = 200  # of memory for a name, its place in the message and in the index of owners


class MessageOctets:
    """The octets of a message and the names found in them.

    Response and records share it and do not know one another, since without reference cycles the answers of a run are
    freed at once.
    """

    __slots__ = ("_names", "_newest", "wire")

    def __init__(self, wire: bytes) -> None:
        self.wire = wire
        self._names: dict[int, tuple[str, int, int]] = {}  # by position: name, its octets, position after it
        self._newest = names.ROOT

    @property
    def held_octets(self) -> int:
        """About how much memory the message and the names found in it take."""
        return len(self.wire) + sum(len(name) + _NAME_OVERHEAD_OCTETS for name, _, _ in self._names.values())

    def name_at(self, position: int, followed: int = 0) -> tuple[str, int]:
        """Return the canonical name that starts there, and the position after it.

        Compression pointers must lead backwards (RFC 1035 section 4.1.4), so a loop cannot happen; their number is
        limited, and where one leads is read once: a message of nothing but pointers could keep the process busy for
        seconds. `followed` pointers led here.

        Raises:
            WireError: it is malformed.
        """
        known = self._names.get(position)
        if known is not None:
            return known[0], known[2]
        wire = self.wire
        start = position
        labels: list[str] = []
        octets = 1
        try:
            while length := wire[position]:
                if length >= _POINTER:
                    target = (length & 0x3F) << 8 | wire[position + 1]
                    if target >= start or followed >= _MAX_POINTERS:
                        raise WireError(
                            "a compression pointer does not point backwards, or there are too many pointers"
                        )
                    suffix = self._names.get(target) or self._follow(target, followed + 1)
                    if not labels:  # nothing but a pointer, as most owners are: it costs less than to remember it
                        return suffix[0], position + 2
                    return self._remember(start, labels, octets, suffix, position + 2)
                end = position + 1 + length
                if length > names.LABEL_MAX_OCTETS or end >= len(wire):
                    raise WireError("a label is invalid")
                octets += length + 1
                labels.append(names.label_text(wire[position + 1 : end]))
                position = end
        except IndexError:
            raise WireError("a name extends beyond the end of the message") from None
        return self._remember(start, labels, octets, _ROOT_NAME, position + 1)

    def _follow(self, target: int, followed: int) -> tuple[str, int, int]:
        """Read the name that a pointer leads to, and remember it."""
        name, after = self.name_at(target, followed)
        return self._names.setdefault(target, (name, len(names.to_wire(name)), after))

    def _remember(
        self, start: int, labels: list[str], octets: int, suffix: tuple[str, int, int], after: int
    ) -> tuple[str, int]:
        octets += suffix[1] - 1
        if octets > names.NAME_MAX_OCTETS:
            raise WireError("a name is longer than 255 octets")
        if suffix[0] != names.ROOT:
            labels.append(suffix[0])
        name = ".".join(labels) or names.ROOT
        if name == self._newest:  # the owner of a set, written out once for each of its records: one text for all
            name = self._newest
        self._newest = name
        self._names[start] = (name, octets, after)
        return name, after
