"""The body of a batch as JSON, and the division of many names into several batches."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

MAX_BODY = 60 * 1024 * 1024  # of the 64 MiB that the service accepts


class Part(NamedTuple):
    """One batch: its request as JSON, and the number of names in it."""

    body: bytes
    names: int


def parts_of(
    names: Iterable[str], options: Mapping[str, Any], *, size: int, max_body: int = MAX_BODY
) -> Iterator[Part]:
    """Yield the requests for batches of at most `size` names, with the same options. One part is in memory at a time.

    The names are written as JSON while they are read: a list of a million strings would take three times the memory.
    """
    rest = iter(names)
    tail = f"],{json.dumps(options, ensure_ascii=False)[1:]}".encode() if options else b"]}"
    while (first := next(rest, None)) is not None:
        body, count = bytearray(b'{"domains":[' + json.dumps(first).encode()), 1
        for name in islice(rest, size - 1):
            body += b"," + json.dumps(name).encode()
            count += 1
            if len(body) >= max_body:
                break
        yield Part(bytes(body + tail), count)
