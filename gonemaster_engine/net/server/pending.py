"""Queries without an answer: in flight, waiting, repeated, or without a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.query import Timing
from gonemaster_engine.net.wire.messages import Response

Answer: TypeAlias = asyncio.Future[Response | None]

QUERIED: ContextVar[list[Answer] | None] = ContextVar("QUERIED", default=None)
"""The answers that the current test case has requested."""


def count_as_queried(answers: Iterable[Answer]) -> None:
    """Count answers as requested by the current test case."""
    if (queried := QUERIED.get()) is not None:
        queried.extend(answers)


@contextmanager
def counted_apart() -> Iterator[list[Answer]]:
    """Collect the answers that a block requests: they do not count for the current test case."""
    collected: list[Answer] = []
    token = QUERIED.set(collected)
    try:
        yield collected
    finally:
        QUERIED.reset(token)


@dataclass
class Repeat:
    """The transmissions of a query that had no answer so far."""

    sent: int = 0
    repeats: int = 0
    due_at: float = 0.0  # event loop time of the next repeat
    timing: Timing | None = None


class Pending(NamedTuple):
    """A query that has no answer yet."""

    key: QueryKey
    answer: Answer
    name: str  # name of the name server
    shared: bool  # whether its answer is stored in the hot cache
    repeat: Repeat | None = None  # set once it is repeated because it had no answer


class Undecided(NamedTuple):
    """A query without an answer on a path that loses too many packets for a verdict."""

    name: str  # of the name server
    address: str
    key: QueryKey
    sent: int  # transmissions
    loss: float  # measured share of lost transmissions
