"""A setting changed through one API process applies to another one, to remote workers and to beat without a restart."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gonemaster_db.core.clock import utcnow
from gonemaster_db.service.metrics.counting import PURGED, Count, read_counts
from gonemaster_tasks.broker.client import Broker
from tests.support.redis import raw
from tests.support.rows import make_run, record
from tests.support.service import Service, wait_for
from tests.support.stores import DRIVERS, MakeSettings
from tests.support.workers import Farm, open_farm
from tests.system.conftest import StartService


class Api(Service):
    """A single API process; its log contains its address."""

    @property
    def url(self) -> str:
        found = re.search(r"event='listening' url='(\S+)'", self.log)
        assert found
        return found[1]

    def put_settings(self, **values: Any) -> None:
        body = {key.replace("__", "."): value for key, value in values.items()}
        status, answer = self.call("PUT", "/api/v1/settings", body)
        assert (status, answer["status"]) == (200, "ok")  # a worker with a flag may be listed as pinned

    def setting(self, key: str) -> tuple[Any, str]:
        found = self.get("/settings")[key]
        return found["value"], found["source"]


@pytest.fixture(params=DRIVERS)
def farm(
    request: pytest.FixtureRequest, broker: Broker, make_store_settings: MakeSettings, tmp_path: Path
) -> Iterator[Farm]:
    with open_farm(broker, make_store_settings(request.param), tmp_path) as made:
        yield made


@pytest.fixture
def api(farm: Farm) -> Iterator[Callable[[], Api]]:
    """Start API processes: `api()` starts another one on the database and broker of the farm."""
    with ExitStack() as stack:

        def start_api() -> Api:
            service = stack.enter_context(Api("api", environ=farm.environ, worker_processes=None))
            service.wait_for_log("event='serving'", timeout_s=60)
            return service

        yield start_api


def slots(farm: Farm) -> dict[str, int]:
    """Return the slots of each worker by name, as the workers report them."""
    return {worker.name: worker.slots for worker in farm.broker.workers.live()}


@pytest.mark.timeout(400)
def test_all_processes_obey_within_seconds(farm: Farm, api: Callable[[], Api]) -> None:
    one, two = api(), api()
    farm.start_worker("a@alpha", ready=False)
    farm.start_worker("b@beta", ready=False, GONEMASTER_SOURCES="worker_count=cli_flag")  # as from the flag --workers
    wait_for(lambda: slots(farm) == {"a@alpha": 4, "b@beta": 4}, timeout_s=180, what="workers")
    assert two.setting("worker_count") == (4, "config_file")

    one.put_settings(worker_count=7, show_score_admin=False, public_url="https://dns.example/")
    wait_for(lambda: two.setting("worker_count") == (7, "database"), what="the other API process")
    assert two.setting("public_url") == ("https://dns.example", "database")
    assert two.get("/features")["show_score_admin"] is False
    wait_for(lambda: slots(farm) == {"a@alpha": 7, "b@beta": 4}, what="the worker without flag")

    two.put_settings(worker_count=None)
    wait_for(lambda: one.setting("worker_count") == (4, "config_file"), what="the first API process")
    wait_for(lambda: slots(farm)["a@alpha"] == 4, what="the worker's own value again")

    raw(farm.broker).flushall()
    two.put_settings(worker_count=9)
    wait_for(lambda: one.setting("worker_count") == (9, "database"), what="a change after Redis was emptied")
    wait_for(lambda: slots(farm) == {"a@alpha": 9, "b@beta": 4}, what="workers after Redis was emptied")
    late = api()
    assert late.setting("worker_count") == (9, "database")
    assert late.stop() == 0


@pytest.mark.timeout(400)
def test_limit_of_running_jobs_holds_without_a_restart(farm: Farm, api: Callable[[], Api]) -> None:
    one = api()
    farm.start_worker("a@alpha", ready=False)
    one.put_settings(max_concurrent_jobs=1)
    numbers = count()

    def one_after_the_other() -> bool:
        ids = [farm.submit(f"n{next(numbers)}-400.test") for _ in range(2)]
        runs = sorted((farm.run_of(job_id) for job_id in ids), key=lambda run: run.started_at or run.created_at)
        return bool(runs[0].finished_at <= (runs[1].started_at or runs[1].created_at))

    wait_for(one_after_the_other, timeout_s=90, what="pairs of jobs of which the second waits")


@pytest.mark.timeout(400)
def test_retention_is_switched_on_while_beat_runs(farm: Farm, api: Callable[[], Api]) -> None:
    one = api()
    old = make_run(farm.store, "old.example", record("INFO", at=utcnow() - timedelta(days=40))).id
    young = make_run(farm.store, "young.example", record("INFO", at=utcnow() - timedelta(days=5))).id
    farm.start_worker("a@alpha", ready=False)
    farm.start_beat()
    wait_for(lambda: raw(farm.broker).zscore("redbeat::schedule", "redbeat:purge"), what="schedule")
    one.put_settings(database__retention_days=30, database__purge_interval_seconds=1)
    wait_for(lambda: one.call("GET", f"/api/v1/runs/{old}")[0] == 404, what="purge")
    assert one.call("GET", f"/api/v1/runs/{young}")[0] == 200
    with farm.store.read_only() as session:
        assert read_counts(session)[Count(PURGED)] == 1
    one.put_settings(database__retention_days=1)
    wait_for(lambda: one.call("GET", f"/api/v1/runs/{young}")[0] == 404, what="purge with the new window")
    assert {line["who"] for line in one.get("/audit?action=jobs.purge")["items"]} == {"beat"}


@pytest.mark.timeout(400)
def test_workers_of_a_whole_service_test_by_the_new_settings(start: StartService) -> None:
    service = start(worker_processes=1)
    first = service.finished(service.submit("good.xa", tests=["basic"]))
    levels = service.get(f"/jobs/{first['id']}/result")["summary"]
    assert "INFO" in levels
    status, _ = service.call("PUT", "/api/v1/settings", {"min_level": "CRITICAL"})
    assert status == 200

    def quiet() -> bool:
        job = service.finished(service.submit("good.xa", tests=["basic"]))
        return not service.get(f"/jobs/{job['id']}/result")["summary"]

    wait_for(quiet, timeout_s=90, what="runs without entries below CRITICAL")
    _, refused = service.call("PUT", "/api/v1/settings", {"worker_processes": 2})
    assert refused["error"]["code"] == "readonly_setting"
