"""A batch with snapshot intent becomes a public snapshot: real engine, workers, beat."""

from typing import Any

import pytest

from tests.support.service import Service, wait_for
from tests.system.conftest import StartService

pytestmark = pytest.mark.slow

DOMAINS = ["good.xa", "signed.xa", "lame.xa"]
ANALYSIS = "/pub/api/v1/analysis/cohorts/tld"


def public(service: Service, path: str) -> Any:
    status, document = service.call("GET", ANALYSIS + path)
    return document if status == 200 else None


def test_a_batch_becomes_a_snapshot(start: StartService) -> None:
    service = start(analysis_projection_interval_seconds=1, analysis_capture_interval_seconds=1)
    cohort = {"source_tag": "tld", "analysis_enabled": True, "public_enabled": True, "is_default": True}
    service.post("/analysis/cohorts", cohort)
    batch = service.submit_batch(DOMAINS, tags=["tld"], snapshot_intent=True, promote_snapshot_default=True)
    service.batch_done(batch["batch_id"])

    def captured() -> Any:
        return (public(service, "/snapshots") or {}).get("snapshots")

    (snapshot,) = wait_for(captured, timeout_s=60, what="the snapshot")
    assert snapshot["domain_count"] == len(DOMAINS)
    assert snapshot["is_default"]
    listed = public(service, f"/snapshots/{snapshot['slug']}/nameservers")
    assert listed["total"] > 0
    assert any(item["latency_samples"] for item in listed["items"])
    preview = service.get(f"/batches/{batch['batch_id']}/delete-preview")
    assert preview["fact_rows"] > len(DOMAINS)
    assert [one["snapshot_slug"] for one in preview["snapshots"]] == [snapshot["slug"]]
    status, _ = service.call("DELETE", f"/api/v1/batches/{batch['batch_id']}")
    assert status == 204
    assert not captured()
    assert "Traceback" not in service.log
