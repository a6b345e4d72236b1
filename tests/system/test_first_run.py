"""The first actions of a new user: submit, follow, read."""

import pytest

from gonemaster_db.core.filters import RunFilter
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.runs.runs import list_runs
from tests.support.service import Service, open_url
from tests.support.stores import opened

# One pytest-xdist worker, so that there is one service: starting its processes is expensive.
pytestmark = [pytest.mark.core, pytest.mark.xdist_group("first_run")]


def test_domain_in_order_is_tested_through_the_queue(service: Service) -> None:
    job_id = service.submit("good.xa")
    events = list(service.events(job_id))
    kinds = [kind for kind, _ in events]
    assert kinds[0] == "state"
    assert kinds[-1] == "done"
    assert events[-1][1] == {"status": "succeeded"}
    assert "entry" in kinds
    result = service.get(f"/jobs/{job_id}/result")
    entries = {(entry["testcase"], entry["tag"]) for entry in result["raw"]["entries"]}
    assert ("basic01", "B01_CHILD_FOUND") in entries
    assert result["summary"].get("CRITICAL", 0) == 0
    assert result["nameserver_timings"]
    job = service.get(f"/jobs/{job_id}")
    assert (job["status"], job["progress"]) == ("succeeded", 100)
    assert job["grade"]


def test_broken_domains_have_findings_not_stack_traces(service: Service) -> None:
    jobs = {domain: service.submit(domain, min_level="NOTICE") for domain in ("refused.xa", "missing.xa", "silent.xa")}
    worst = {}
    for domain, job_id in jobs.items():
        job = service.finished(job_id)
        assert (job["status"], job.get("error")) == ("succeeded", None)
        entries = service.get(f"/jobs/{job_id}/result")["raw"]["entries"]
        assert all(entry["message"] for entry in entries)
        assert {"DEBUG", "INFO"}.isdisjoint(entry["level"] for entry in entries)
        worst[domain] = job["severity_totals"]
    assert worst["refused.xa"]["CRITICAL"] + worst["refused.xa"]["ERROR"] > 0
    assert worst["missing.xa"]["CRITICAL"] > 0
    assert worst["silent.xa"]["WARNING"] + worst["silent.xa"]["ERROR"] > 0


def test_start_page_names_workers_and_documentation(service: Service) -> None:
    with open_url(f"{service.url}/") as answer:
        page = answer.read().decode()
    assert "worker-1" in page
    assert "worker-2" in page
    assert "/api/v1/docs" in page


def test_two_worker_processes_share_the_work(service: Service) -> None:
    batch = service.submit_batch([f"n{number}.xa" for number in range(60)])
    assert service.batch_done(batch["batch_id"])["total"] == 60
    with opened(StoreSettings(dsn=str(service.data_dir / "gonemaster.db"))) as store, store.read_only() as session:
        runs = list_runs(session, RunFilter(batch_id=batch["batch_id"]), limit=500).items
    assert {str(run.status) for run in runs} == {"succeeded"}
    assert sorted(run.id for run in runs) == sorted(batch["job_ids"])
    assert {(run.worker or "").split("-")[1] for run in runs} == {"1", "2"}


def test_queue_shows_workers_and_is_paused_and_resumed(service: Service) -> None:
    assert [worker["name"].split("-")[1] for worker in service.get("/queue")["workers"]] == ["1", "2"]
    assert service.post("/queue/pause", {"reason": "a look around"}) == {"status": "paused"}
    job_id = service.submit("good.xa")
    queue = service.get("/queue")
    assert queue["paused"] is True
    assert [job["id"] for job in queue["items"]] == [job_id]
    assert {tier["reason"] for tier in queue["tiers"]} == {"a look around"}
    assert service.post("/queue/resume") == {"status": "resumed"}
    assert service.finished(job_id)["status"] == "succeeded"
