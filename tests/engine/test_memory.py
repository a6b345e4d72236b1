"""Finished runs leave no objects that only the garbage collector could free."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonemaster_engine.memory import collect_rarely, without_collections
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import run_test
from tests.engine.run.test_run import PROFILE, in_loop
from tests.support.case_runs import example_world


@pytest.fixture
def collector() -> Iterator[None]:
    """Restore the settings of the collector."""
    threshold = gc.get_threshold()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.set_threshold(*threshold)
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.mark.usefixtures("collector")
def test_a_run_that_has_ended_leaves_no_reference_cycles(tmp_path: Path) -> None:
    async def work(resources: Resources) -> None:
        for domain in ("example.xa", "example.xa", "nothing.example.xa"):
            await run_test(domain, PROFILE, resources=resources, with_chain=True)
            gc.collect()  # exclude objects that the first run creates for all others
            gc.disable()
            gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()

    with example_world() as world:
        in_loop(world, tmp_path, work)
    left = Counter(type(one).__qualname__ for one in gc.garbage if type(one).__module__.startswith("gonemaster_engine"))
    assert left == {}


@pytest.mark.usefixtures("collector")
def test_collections_are_seldom_and_leave_out_what_was_there() -> None:
    gc.unfreeze()
    collect_rarely()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] > 10_000


@pytest.mark.usefixtures("collector")
def test_imports_are_not_walked_over_and_are_left_out_later() -> None:
    gc.unfreeze()
    with without_collections():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10_000
    gc.unfreeze()
    with pytest.raises(ImportError), without_collections():
        raise ImportError
    assert gc.isenabled()
