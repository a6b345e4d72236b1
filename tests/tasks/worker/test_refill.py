"""Workers refill the batch tier while they run a batch that is larger than its window."""

import pytest

from gonemaster_tasks.queues import BATCH
from tests.support.workers import Farm, wait_until

WINDOW, COUNT = 1000, 2600


@pytest.fixture
def windowed(farm: Farm) -> Farm:
    """Return a farm whose processes use the smallest window."""
    farm.broker.window.size = WINDOW
    farm.environ["GONEMASTER_QUEUE_WINDOW"] = str(WINDOW)
    return farm


def test_a_batch_larger_than_the_window_runs_once_and_in_order(windowed: Farm) -> None:
    ids = windowed.submit_batch([f"n{number}-0.test" for number in range(COUNT)]).job_ids
    assert windowed.broker.lists.depth(BATCH) == WINDOW
    depths = set[int]()

    def all_started() -> bool:
        depths.add(windowed.broker.lists.depth(BATCH))
        return len(windowed.starts()) >= COUNT

    windowed.start_worker("one", GONEMASTER_WORKER_COUNT="1", GONEMASTER_RESERVED_NORMAL_SLOTS="0")
    wait_until(all_started, within_s=300)
    assert max(depths) <= WINDOW
    assert [start["job_id"] for start in windowed.starts()] == list(ids)
    assert windowed.broker.window.cut(BATCH) is None


def test_a_worker_killed_during_the_batch_loses_no_job(windowed: Farm) -> None:
    ids = windowed.submit_batch([f"n{number}-0.test" for number in range(COUNT)]).job_ids
    windowed.start_worker("one")
    wait_until(lambda: len(windowed.starts()) > WINDOW, within_s=300)
    windowed.processes["one"].kill()
    windowed.start_worker("two")
    for job_id in ids:
        windowed.run_of(job_id)
    assert windowed.broker.lists.depth(BATCH) == 0
