"""Set of the names of a batch, up to a million, in little more memory than the text of the names."""

from array import array
from collections.abc import Iterator

_READ_AT_ONCE = 1000
_MAX_LINE_BYTES = 256  # bytes of a name and a line feed


class NameSet:
    """An ordered set of names.

    A set of strings takes about 100 bytes for a name of ten characters; this set adds 20 bytes to the text. It is a
    hash table with open addressing that holds the numbers of names, starting at 1; one buffer has the text.
    """

    def __init__(self, capacity: int) -> None:
        size = 1 << (2 * capacity + 1).bit_length()  # at most half full
        self._table = array("I", [0]) * size
        self._mask = size - 1
        self._text = bytearray()
        self._ends = array("I" if capacity * _MAX_LINE_BYTES < 1 << 32 else "Q", [0])

    def add(self, name: str) -> bool:
        """Add a name in A-label form; return False for a duplicate. The set must have capacity for the name."""
        octets = name.encode("ascii")
        at = hash(octets) & self._mask  # The hash of bytes is keyed, so an attacker cannot force collisions.
        while number := self._table[at]:
            if self._text[self._ends[number - 1] : self._ends[number] - 1] == octets:
                return False
            at = (at + 1) & self._mask
        self._table[at] = len(self._ends)
        self._text += octets + b"\n"
        self._ends.append(len(self._text))
        return True

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), _READ_AT_ONCE):
            last = min(first + _READ_AT_ONCE, len(self))
            yield from self._text[self._ends[first] : self._ends[last] - 1].decode("ascii").split("\n")
