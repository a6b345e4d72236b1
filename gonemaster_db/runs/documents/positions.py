"""Packed lists of ascending positions: a few bytes for a short list, about one byte for each position of a long one."""

import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise

from gonemaster_db.core.errors import DocumentDamaged

_PLAIN, _ZLIB = b"\x00", b"\x01"
_MIN_COMPRESSED = 16  # shorter lists become longer with zlib


def pack_positions(positions: Sequence[int]) -> bytes:
    """Pack ascending numbers below 2^32. Raises OverflowError for larger numbers."""
    if len(positions) == 1:  # Most of these very many lists have a single position.
        return _PLAIN + positions[0].to_bytes(4, "little")
    differences = array("I", [after - before for before, after in pairwise([0, *positions])])
    if len(positions) < _MIN_COMPRESSED:
        return _PLAIN + _little_endian(differences).tobytes()
    return _ZLIB + zlib.compress(_little_endian(differences).tobytes())


def unpack_positions(data: bytes) -> Sequence[int]:
    """Unpack positions. Raises DocumentDamaged for invalid data."""
    data = bytes(data)
    try:
        content = data[1:] if data[:1] == _PLAIN else zlib.decompress(data[1:])
        differences = array("I")
        differences.frombytes(content)
    except (zlib.error, ValueError) as error:
        raise DocumentDamaged(f"positions: {error}") from error
    return list(accumulate(_little_endian(differences)))


def _little_endian(numbers: "array[int]") -> "array[int]":
    """Swap the bytes on a big-endian machine."""
    if array("H", [1]).tobytes() != b"\x01\x00":
        numbers.byteswap()
    return numbers
