"""Random histories: after each series of steps every list of the API agrees with the reference in plain lists.

GONEMASTER_HISTORIES=20 adds twenty histories with new seeds, GONEMASTER_HISTORY_SEED=7 repeats the seed of a failure.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from gonemaster_tasks.control.parts import QueueParts
from tests.support.clocks import SetClock
from tests.support.consistency import faults
from tests.support.histories.limits import Limits
from tests.support.histories.questions import ask_all
from tests.support.histories.steps import History
from tests.support.rows import NOON
from tests.support.stores import opened

FIXED_SEEDS = (20261125,)
NEW_SEEDS = 1 + int(os.environ.get("GONEMASTER_HISTORIES", "0"))
_STRETCHES = (110, 60)  # steps before lists are compared


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def queue(queue: QueueParts, clock: SetClock) -> QueueParts:
    """The parts of the API on a clock that the history sets."""
    return replace(queue, clock=clock)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(number, marks=pytest.mark.thorough if number else ())
        for number in range(len(FIXED_SEEDS) + NEW_SEEDS)
    ],
)
def test_every_list_answers_as_the_reference(
    client: FlaskClient, store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    seed = _seed(number)
    limits = Limits(monkeypatch, Random(seed))
    with opened(store.settings) as other:
        history = History(client, [store, other], clock, Random(seed))
        with _with_seed_in_error(seed, history):
            for steps in _STRETCHES:
                history.go(steps)
                ask_all(history, limits)
                assert faults(store) == []


def _seed(number: int) -> int:
    if chosen := os.environ.get("GONEMASTER_HISTORY_SEED"):
        return int(chosen)
    return FIXED_SEEDS[number] if number < len(FIXED_SEEDS) else secrets.randbelow(2**32)


@contextmanager
def _with_seed_in_error(seed: int, history: History) -> Iterator[None]:
    """Add to a failure the command that repeats it."""
    try:
        yield
    except Exception as error:
        error.add_note(f"GONEMASTER_HISTORY_SEED={seed}, after {len(history.taken)} steps: {history.taken[-12:]}")
        raise
