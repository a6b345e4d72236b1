"""Packed tables of integers: consecutive 32-bit columns, compressed."""

import sys
import zlib
from array import array
from collections.abc import Sequence

from gonemaster_db.core.errors import DocumentDamaged

_ZLIB = b"\x01"
_LEVEL = 3  # a low level, because the data is read for each page


def pack_columns(columns: Sequence[Sequence[int]]) -> bytes:
    """Pack columns of equal length. Raises OverflowError for numbers of more than 32 bits."""
    joined = array("i")
    for column in columns:
        joined.extend(column)
    return _ZLIB + zlib.compress(_little_endian(joined).tobytes(), _LEVEL)


def unpack_columns(data: bytes, count: int) -> list[Sequence[int]]:
    """Unpack `count` columns. Raises DocumentDamaged for invalid data."""
    data = bytes(data)
    joined = array("i")
    try:
        joined.frombytes(zlib.decompress(data[1:]))
    except (zlib.error, ValueError) as error:
        raise DocumentDamaged(f"columns: {error}") from error
    if data[:1] != _ZLIB or len(joined) % count:
        raise DocumentDamaged("columns: unknown format")
    length = len(joined) // count
    numbers = _little_endian(joined)
    return [numbers[position * length : (position + 1) * length] for position in range(count)]


def _little_endian(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
