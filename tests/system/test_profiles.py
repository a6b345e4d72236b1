"""Stored profiles and scoring configuration in the whole service: workers apply the data that the API stores."""

import json

import pytest

from tests.support.service import Service, wait_for

# One pytest-xdist worker, so that there is one service: starting its processes is expensive.
pytestmark = pytest.mark.xdist_group("profiles")


def test_job_is_tested_with_the_default_profile_of_its_tag(service: Service) -> None:
    config = {"test_cases": ["basic01"], "test_levels": {"BASIC": {"B01_CHILD_FOUND": "NOTICE"}}}
    profile = service.post("/profiles", {"name": "short", "config": config})
    service.call("POST", "/api/v1/tags/mine/domains", {"domains": ["good.xa"]})
    service.call("PUT", "/api/v1/tags/mine/profile", {"profile_id": profile["id"]})
    job_id = service.submit("good.xa")
    assert service.finished(job_id)["profile_name"] == "short"
    entries = service.get(f"/jobs/{job_id}/result")["raw"]["entries"]
    assert {entry["testcase"] for entry in entries if entry["testcase"]} == {"basic01"}
    assert {entry["level"] for entry in entries if entry["tag"] == "B01_CHILD_FOUND"} == {"NOTICE"}
    effective = json.loads(service.get(f"/runs/{job_id}")["effective_profile"])
    assert effective["test_cases"] == ["basic01"]
    assert effective["resolver"]["defaults"]["retry"] == 2


def test_workers_score_with_what_was_stored_last(service: Service) -> None:
    def stored_score() -> int:
        job = service.finished(service.submit("good.xa", tests=["basic"], profile_overrides={"no_network": False}))
        score: int = job["score"]
        return score

    before = stored_score()
    status, _ = service.call("PUT", "/api/v1/scoring-config", {"severity_penalties": {"INFO": 5}})
    assert status == 200
    wait_for(lambda: stored_score() < before)
    assert service.call("PUT", "/api/v1/scoring-config", {})[0] == 200
    wait_for(lambda: stored_score() == before)
