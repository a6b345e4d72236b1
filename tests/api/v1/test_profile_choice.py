"""The profile with which a submission is tested."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from tests.api.v1.test_profiles import audited, create
from tests.api.web.test_errors import error_of

NO_IPV6 = {"net": {"ipv6": False}}


@pytest.fixture
def strict(client: FlaskClient) -> int:
    """A profile, the default of the tag `gov`, which has a.example and b.example."""
    number: int = create(client, "strict")["id"]
    client.post("/api/v1/tags/gov/domains", json={"domains": ["a.example", "b.example"]})
    assert client.put("/api/v1/tags/gov/profile", json={"profile_id": number}).status_code == 204
    return number


def submit(client: FlaskClient, domain: str, **fields: Any) -> dict[str, Any]:
    """Submit a job, and the same as a batch; both must choose the same profile."""
    single = client.post("/api/v1/jobs", json={"domain": domain, **fields})
    assert single.status_code == 201, single.get_json()
    batch = client.post("/api/v1/jobs/batch", json={"domains": ["other.example", domain], **fields})
    assert batch.status_code == 202, batch.get_json()
    job = client.get(f"/api/v1/jobs/{batch.get_json()['job_ids'][1]}").get_json()
    chosen = {key: job.get(key) for key in ("profile_id", "profile_name")}
    assert chosen == {key: single.get_json().get(key) for key in chosen}
    return chosen


def refusals(client: FlaskClient, domain: str, **fields: Any) -> set[tuple[int, str]]:
    bodies = (("jobs", {"domain": domain}), ("jobs/batch", {"domains": [domain]}))
    answers = [client.post(f"/api/v1/{path}", json=body | fields) for path, body in bodies]
    return {(answer.status_code, error_of(answer)["code"]) for answer in answers}


def test_default_of_the_tag_unless_the_request_says_otherwise(client: FlaskClient, strict: int) -> None:
    other = create(client, "other")["id"]
    assert submit(client, "a.example") == {"profile_id": strict, "profile_name": "strict"}
    assert submit(client, "c.example")["profile_id"] is None
    assert submit(client, "a.example", profile_id=other) == {"profile_id": other, "profile_name": "other"}
    assert submit(client, "a.example", profile_overrides=NO_IPV6)["profile_id"] is None
    both = submit(client, "a.example", profile_overrides=NO_IPV6, profile_id=strict)
    assert both["profile_id"] == strict


def test_tags_that_the_domain_gets_with_the_request_count(client: FlaskClient, strict: int) -> None:
    assert submit(client, "new.example", tags=["gov"])["profile_id"] == strict
    assert submit(client, "another.example", tags=["unheard"])["profile_id"] is None


def test_different_defaults_are_ambiguous(client: FlaskClient, strict: int) -> None:
    client.post("/api/v1/tags", json={"name": "edu"})
    client.put("/api/v1/tags/edu/profile", json={"profile_id": create(client, "loose")["id"]})
    assert refusals(client, "a.example", tags=["edu"]) == {(400, "ambiguous_profile")}
    assert refusals(client, "new.example", tags=["edu", "gov"]) == {(400, "ambiguous_profile")}
    client.post("/api/v1/tags/edu/domains", json={"domains": ["both.example"]})
    client.post("/api/v1/tags/gov/domains", json={"domains": ["both.example"]})
    many = client.post("/api/v1/jobs/batch", json={"domains": ["c.example", "both.example"]}).get_json()["error"]
    assert "the tags of both.example have different default profiles" in many["message"]
    assert many["details"]["domain"] == "both.example"
    assert submit(client, "a.example", tags=["edu"], profile_id=strict)["profile_id"] == strict


def test_one_default_of_several_tags_is_not_ambiguous(client: FlaskClient, strict: int) -> None:
    client.post("/api/v1/tags/second/domains", json={"domains": ["a.example"]})
    client.put("/api/v1/tags/second/profile", json={"profile_id": strict})
    assert submit(client, "a.example")["profile_id"] == strict


def test_tag_without_default_any_more_takes_the_default_of_the_server(
    client: FlaskClient, store: Store, strict: int
) -> None:
    assert client.delete("/api/v1/tags/gov/profile").status_code == 204
    assert submit(client, "a.example")["profile_id"] is None
    assert client.get(f"/api/v1/profiles/{strict}").status_code == 200
    changes = [(target, details["profile_id"]) for action, target, details in audited(store) if action == "tag.profile"]
    assert changes == [("gov", strict), ("gov", None)]


@pytest.mark.parametrize("number", [0, -1, 2**63, 1.5, "1", True])
def test_number_that_no_profile_can_have_is_refused(client: FlaskClient, number: Any) -> None:
    assert refusals(client, "a.example", profile_id=number) == {(400, "invalid_profile_id")}
    client.post("/api/v1/tags", json={"name": "gov"})
    response = client.put("/api/v1/tags/gov/profile", json={"profile_id": number})
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_profile_id")


def test_unknown_profile_is_refused(client: FlaskClient) -> None:
    assert refusals(client, "a.example", profile_id=2**63 - 1) == {(400, "profile_not_found")}
    client.post("/api/v1/tags", json={"name": "gov"})
    response = client.put("/api/v1/tags/gov/profile", json={"profile_id": 999})
    assert (response.status_code, error_of(response)["code"]) == (404, "profile_not_found")
    for call in (client.put, client.delete):
        response = call("/api/v1/tags/none/profile", json={"profile_id": 999})
        assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


def test_overrides_are_refused_with_the_path_of_all_that_is_wrong(client: FlaskClient) -> None:
    overrides = {"net": {"ipv6": 1}, "nett": {}}
    assert refusals(client, "a.example", profile_overrides=overrides) == {(400, "invalid_profile_overrides")}
    response = client.post("/api/v1/jobs", json={"domain": "a.example", "profile_overrides": overrides})
    paths = {problem["path"] for problem in error_of(response)["details"]["problems"]}
    assert paths == {"net.ipv6", "nett"}
