"""Server-sent events as a client reads them."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class SentEvent(NamedTuple):
    """One event; comments and retry times have no kind."""

    kind: str
    data: dict[str, Any]
    id: str


def blocks_of(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the blocks of a stream, whatever its pieces are."""
    received = ""
    for piece in pieces:
        received += piece.decode()
        while "\n\n" in received:
            block, _, received = received.partition("\n\n")
            yield block


def read_event(block: str) -> SentEvent:
    """Read a block."""
    fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
    return SentEvent(fields.get("event", ""), json.loads(fields.get("data", "{}")), fields.get("id", ""))
