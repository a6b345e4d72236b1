"""A process that writes files may be killed at any moment: each run is in one file that counts."""

from __future__ import annotations

import os
import signal
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import run_batch
from tests.support.forked import Forked
from tests.tasks.maintenance.projection.test_columns import NAMES, Place, snapshot_now

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("what", ["project", "compact"])
def test_each_run_is_in_one_file_whenever_a_process_is_killed(
    store: Store, store_settings: StoreSettings, tmp_path: Path, what: str
) -> None:
    place, log = Place(store, tmp_path / "analysis"), tmp_path / "killed.log"
    log.touch()
    make_cohort(store)
    run_batch(store, make_batch(store), NAMES)
    if what == "compact":
        place.project(runs_per_file=1)
    deaths = 0
    for calls in count(1):
        arguments = [store_settings.driver, store_settings.dsn, what, str(place.folder), str(calls)]
        code = Forked("tests.support.analysis.killed_columns", arguments, environ=os.environ, log=log).wait()
        assert code in (0, -signal.SIGKILL), log.read_text()
        assert all(number == 1 for number in place.domains().values())
        if code == 0:
            break
        deaths += 1
    assert deaths > (3 if what == "project" else 0)
    assert place.domains() == Counter(NAMES)
    assert snapshot_now(store).seen_runs == len(NAMES)
