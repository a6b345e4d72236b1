"""The names of a batch, perhaps a million, in little more memory than their text takes."""

from array import array
from collections.abc import Iterator

_READ_AT_ONCE = 1000
_LONGEST_LINE = 256  # a name and a line feed


class NameSet:
    """Different names in the order in which they were added.

    A set of strings takes a hundred octets for a name of ten; this takes 20 beside the text. It is a hash table with
    open addressing, which holds the numbers of names from 1 on; their text is in one piece, a line each.
    """

    def __init__(self, capacity: int) -> None:
        size = 1 << (2 * capacity + 1).bit_length()  # at most half full
        self._table = array("I", [0]) * size
        self._mask = size - 1
        self._text = bytearray()
        self._ends = array("I" if capacity * _LONGEST_LINE < 1 << 32 else "Q", [0])

    def add(self, name: str) -> bool:
        """Add a name, in A-labels; return False if it is there already. There must be capacity for it."""
        octets = name.encode("ascii")
        at = hash(octets) & self._mask  # the hash of octets is keyed: nobody outside can make names collide
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
