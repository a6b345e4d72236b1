"""The data that a real worker stores: score, timings, chain of trust, batches that can be followed and compared."""

import json
import urllib.request
from typing import Any

import pytest

from tests.support.service import Service

# One pytest-xdist worker, so that there is one service: starting its processes is expensive.
pytestmark = pytest.mark.xdist_group("records")


def batch_events(service: Service, batch_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Read the stream of a batch to its end."""
    found, kind = [], ""
    with urllib.request.urlopen(f"{service.url}/api/v1/batches/{batch_id}/events", timeout=60) as stream:
        for raw in stream:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                found.append((kind, json.loads(line[6:])))
    return found


def test_single_job_has_score_timings_and_chain(service: Service) -> None:
    job_id = service.submit("good.xa")
    job = service.finished(job_id)
    result = service.get(f"/runs/{job_id}/result")
    assert (result["score"]["score"], result["score"]["grade"]) == (job["score"], job["grade"])
    assert result["score"]["categories"]["dnssec"]["tested"] is True
    timings = {timing["nameserver"]: timing for timing in result["nameserver_timings"]}
    assert all(timings[name]["status"] == "ok" for name in timings if name.endswith(".good.xa"))
    assert any(name.endswith(".good.xa") for name in timings)
    assert result["has_dnssec_chain"] is True
    chain = service.get(f"/runs/{job_id}/dnssec-chain")
    assert (chain["version"], chain["zone"], chain["parent_zone"]) == (3, "good.xa", "xa")
    assert [zone["zone"] for zone in chain["zones"]] == [".", "xa", "good.xa"]
    assert (chain["status"], chain["reasons"]) == ("secure", [])


def test_batch_is_followed_and_compared_with_another(service: Service) -> None:
    first = service.submit_batch(["good.xa", "refused.xa"], tests=["basic", "dnssec07"])
    events = batch_events(service, first["batch_id"])
    kind, data = events[-1]
    assert (kind, data["status"], data["total"], data["completed"]) == ("done", "done", 2, 2)
    assert all(kind == "counts" for kind, _ in events[:-1])
    second = service.submit_batch(["good.xa", "missing.xa"], tests=["basic", "dnssec07"])
    service.batch_done(second["batch_id"])
    difference = service.get(f"/batches/{first['batch_id']}/diff/{second['batch_id']}")
    assert {item["domain"]: item["kind"] for item in difference["items"]} == {
        "missing.xa": "only_after",
        "refused.xa": "only_before",
    }
    assert difference["counts"]["same"] == 1  # good.xa has the same result both times
    status, _ = service.call("GET", f"/api/v1/runs/{first['job_ids'][0]}/dnssec-chain")
    assert status == 404  # jobs of batches have no timings
