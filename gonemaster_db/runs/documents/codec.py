"""Compression of documents: zlib with a preset dictionary, which reduces a document of 15 kB to 1 kB.

A codec number identifies a format and its dictionary. Neither changes after its release, because existing rows use it;
an improved format gets the next number. The codec FINDINGS_ONLY marks reduced documents; it has the format and
dictionary of codec 1. zstd would be smaller and faster, but Python has it only since 3.14.
"""

import zlib
from functools import cache
from importlib.resources import files

from gonemaster_db.core.errors import DocumentDamaged

CURRENT = 1
FINDINGS_ONLY = 2  # a document without the arguments and times of entries below WARNING, timings and chain
_DICTIONARIES = {CURRENT: "dictionary1.txt", FINDINGS_ONLY: "dictionary1.txt"}
_LEVEL = 6


def compress(text: bytes) -> bytes:
    """Compress a text with the current codec."""
    compressor = _prepared().copy()
    return compressor.compress(text) + compressor.flush()


def decompress(codec: int, data: bytes) -> bytes:
    """Decompress data of a codec.

    Raises: DocumentDamaged: The codec is unknown, or the data or their checksum are invalid.
    """
    if codec not in _DICTIONARIES:
        raise DocumentDamaged(f"codec {codec} is not supported by this version")
    decompressor = zlib.decompressobj(zdict=_dictionary(codec))
    try:
        text = decompressor.decompress(data)
    except zlib.error as error:
        raise DocumentDamaged(str(error)) from error
    if not decompressor.eof:
        raise DocumentDamaged("the data is truncated")
    return text


@cache
def _prepared() -> "zlib._Compress":
    """Return a compressor that has read the dictionary, so that callers copy it instead of preparing their own."""
    return zlib.compressobj(_LEVEL, zdict=_dictionary(CURRENT))


@cache
def _dictionary(codec: int) -> bytes:
    return files(__package__).joinpath(_DICTIONARIES[codec]).read_bytes()
