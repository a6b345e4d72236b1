"""Packed lists of ascending positions: a few octets for few, about an octet each for many."""

import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise

from gonemaster_db.core.errors import DocumentDamaged

_PLAIN, _ZLIB = b"\x00", b"\x01"
_WORTH_IT = 16  # below it zlib makes the data longer


def pack_positions(positions: Sequence[int]) -> bytes:
    """Pack ascending numbers below 2^32. Raises OverflowError for others."""
    if len(positions) == 1:  # most have one, and there are very many
        return _PLAIN + positions[0].to_bytes(4, "little")
    differences = array("I", [after - before for before, after in pairwise([0, *positions])])
    if len(positions) < _WORTH_IT:
        return _PLAIN + _little(differences).tobytes()
    return _ZLIB + zlib.compress(_little(differences).tobytes())


def unpack_positions(data: bytes) -> Sequence[int]:
    """Return what was packed. Raises DocumentDamaged for what cannot be read."""
    data = bytes(data)
    try:
        octets = data[1:] if data[:1] == _PLAIN else zlib.decompress(data[1:])
        differences = array("I")
        differences.frombytes(octets)
    except (zlib.error, ValueError) as error:
        raise DocumentDamaged(f"positions: {error}") from error
    return list(accumulate(_little(differences)))


def _little(numbers: "array[int]") -> "array[int]":
    """Swap the octets where the machine is not little-endian."""
    if array("H", [1]).tobytes() != b"\x01\x00":
        numbers.byteswap()
    return numbers
