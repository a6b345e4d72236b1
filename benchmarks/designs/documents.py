"""The document of a run: arguments of its entries (a line each), times, timings; compressed with a dictionary."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any

from benchmarks.sweep.sample import Drawn

DICTIONARY = bytearray()
"""Built from drawn runs, before the first is compressed."""


def packed(kinds: Sequence[int]) -> bytes:
    return struct.pack(f">{len(kinds)}H", *kinds)


def unpacked(kinds: Any) -> Sequence[int]:
    octets = bytes(kinds)
    return struct.unpack(f">{len(octets) // 2}H", octets)


def compressed(drawn: Drawn) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 8, 0, bytes(DICTIONARY))
    return packer.compress(document_of(drawn)) + packer.flush()


def decompressed(document: bytes) -> bytes:
    return zlib.decompressobj(-15, bytes(DICTIONARY)).decompress(document)


def document_of(drawn: Drawn) -> bytes:
    return "\n".join([*drawn.args, ",".join(map(str, drawn.times_us)), drawn.timings]).encode()
