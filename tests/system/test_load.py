"""A large batch: accepted quickly, and overtaken by users who wait for single jobs."""

from datetime import UTC, datetime

import pytest

from tests.system.conftest import StartService

pytestmark = pytest.mark.slow


def test_normal_job_overtakes_ten_thousand_batch_jobs(start: StartService) -> None:
    service = start(workers=4, reserved_normal_slots=0)
    batch = service.submit_batch([f"d{number}.xa" for number in range(10_000)])
    assert batch["job_count"] == len(batch["job_ids"]) == 10_000
    assert service.get("/queue")["depth"]["batch"] > 9_000
    job_id = service.submit("good.xa")
    queued = datetime.now(UTC)
    normal = service.finished(job_id)
    started = datetime.fromisoformat(normal["started_at"])
    begun = service.get(f"/jobs?batch_id={batch['batch_id']}&sort=started_at_desc&limit=500")["items"]
    between = [
        job for job in begun if job["started_at"] and queued < datetime.fromisoformat(job["started_at"]) < started
    ]
    # A slot that had asked for work before the job was submitted may take one more.
    assert len(between) <= 4, normal
    assert service.get(f"/batches/{batch['batch_id']}")["status"] == "running"
    assert service.stop() == 0
