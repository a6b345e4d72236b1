"""The octets of a DNS message and the names in it.

Source: RFC 1035 section 4.1.4 (compression).
"""

from __future__ import annotations

from gonemaster_engine import names
from gonemaster_engine.errors import WireError
from gonemaster_engine.limits import EDNS_MAX_OPTIONS
from gonemaster_engine.names import LABEL_MAX_OCTETS, label_text

_POINTER = 0xC0
_MAX_POINTERS = 127  # maximum in one name: as many pointers as a name can have labels
_ROOT_NAME = (names.ROOT, 1, 0)
_NAME_OVERHEAD_OCTETS = 300  # memory for a name, its position and its entry in the index of owners


class MessageOctets:
    """The octets of a message and the names in them.

    Response and records share this object and do not refer to each other: without reference cycles, the answers of a
    run are freed immediately.
    """

    __slots__ = ("_names", "_newest", "wire")

    def __init__(self, wire: bytes) -> None:
        self.wire = wire
        self._names: dict[int, tuple[str, int, int]] = {}  # by position: name, its length, position after it
        self._newest = names.ROOT

    @property
    def held_octets(self) -> int:
        """Estimated memory of the message and its decoded names."""
        return len(self.wire) + sum(len(name) + _NAME_OVERHEAD_OCTETS for name, _, _ in self._names.values())

    def name_at(self, position: int, followed: int = 0) -> tuple[str, int]:
        """Return the canonical name that starts at a position, and the position after it.

        Compression pointers must point backwards (RFC 1035 section 4.1.4), so there are no loops. Their number is
        limited, and the target of each is decoded once; otherwise a message full of pointers could block the process
        for seconds. `followed` is the number of pointers that led here.

        Raises:
          WireError: the name is malformed.
        """
        known = self._names.get(position)
        if known is not None:
            return known[0], known[2]
        wire = self.wire
        start = position
        labels: list[str] = []
        try:
            while length := wire[position]:
                if length >= _POINTER:
                    target = (length & 0x3F) << 8 | wire[position + 1]
                    if target >= start or followed >= _MAX_POINTERS:
                        raise WireError(
                            "a compression pointer does not point backwards, or there are too many pointers"
                        )
                    suffix = self._names.get(target) or self.follow(target, followed + 1)
                    if not labels:  # only a pointer, as with most owners: cheaper to decode than to store
                        return suffix[0], position + 2
                    return self._remember(start, labels, position - start, suffix, position + 2)
                if length > LABEL_MAX_OCTETS:
                    raise WireError("a label is invalid")
                end = position + 1 + length
                labels.append(label_text(wire[position + 1 : end]))
                position = end  # beyond the end of a message whose last label is too short
        except IndexError:
            raise WireError("a name extends beyond the end of the message") from None
        return self._remember(start, labels, position - start, _ROOT_NAME, position + 1)

    def follow(self, target: int, followed: int) -> tuple[str, int, int]:
        """Decode and store the name at the target of a pointer."""
        name, after = self.name_at(target, followed)
        return self._names.setdefault(target, (name, len(names.to_wire(name)), after))

    def _remember(
        self, start: int, labels: list[str], octets: int, suffix: tuple[str, int, int], after: int
    ) -> tuple[str, int]:
        octets += suffix[1]
        if octets > names.NAME_MAX_OCTETS:
            raise WireError("a name is longer than 255 octets")
        if suffix[0] != names.ROOT:
            labels.append(suffix[0])
        name = ".".join(labels) or names.ROOT
        if name == self._newest:  # the owner of each record of a set, uncompressed: share one string
            name = self._newest
        self._newest = name
        self._names[start] = (name, octets, after)
        return name, after


def edns_options(rdata: bytes) -> tuple[tuple[int, bytes], ...]:
    """Return the first options of an OPT record: code and data (RFC 6891 section 6.1.2)."""
    options: list[tuple[int, bytes]] = []
    position = 0
    while position + 4 <= len(rdata) and len(options) < EDNS_MAX_OPTIONS:
        code, length = (
            int.from_bytes(rdata[position : position + 2]),
            int.from_bytes(rdata[position + 2 : position + 4]),
        )
        position += 4
        if position + length > len(rdata):
            break  # a truncated option; the earlier ones are valid
        options.append((code, rdata[position : position + length]))
        position += length
    return tuple(options)
