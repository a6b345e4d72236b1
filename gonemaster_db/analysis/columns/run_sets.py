"""Packed sets of run keys: about one byte for each key of a file."""

import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise

from gonemaster_db.core.errors import DocumentDamaged

_FORMAT = b"\x01"  # zlib over differences of eight bytes


def pack_keys(keys: Sequence[int]) -> bytes:
    """Pack ascending keys."""
    differences = array("q", [after - before for before, after in pairwise([0, *keys])])
    return _FORMAT + zlib.compress(_little_endian(differences).tobytes())


def unpack_keys(data: bytes) -> list[int]:
    """Unpack keys. Raises DocumentDamaged for invalid data."""
    differences = array("q")
    try:
        if data[:1] != _FORMAT:
            raise ValueError(f"unknown format {data[:1]!r}")
        differences.frombytes(zlib.decompress(data[1:]))
    except (zlib.error, ValueError) as error:
        raise DocumentDamaged(f"run keys: {error}") from error
    return list(accumulate(_little_endian(differences)))


def _little_endian(numbers: "array[int]") -> "array[int]":
    """Swap the bytes on a big-endian machine."""
    if array("H", [1]).tobytes() != b"\x01\x00":
        numbers.byteswap()
    return numbers
