"""The tag pages: list, members, profile, purge, deletion."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.domains.profiles import create_profile
from gonemaster_tasks.control import operations
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.operations import perform_due_operations
from tests.support.rows import NOON, make_run, record
from tests.ui.test_batches import text_of

YES = {"confirmed": "yes", "confirm": "yes"}


def fill(client: FlaskClient, tag: str, *names: str) -> None:
    assert client.post(f"/api/v1/tags/{quote(tag)}/domains", json={"domains": list(names)}).status_code == 204


def test_tags_are_listed_and_made(client: FlaskClient) -> None:
    assert "No tags" in text_of(client, "/tags")
    made = client.post("/tags", data={"name": "our <own>", "description": "what we run"})
    assert made.location == "/tags/our%20%3Cown%3E?note=tag_made"
    assert "our &lt;own&gt;" in text_of(client, "/tags")
    again = client.post("/tags", data={"name": "our <own>", "description": "kept"})
    assert again.status_code == 400
    assert "A tag with this name already exists." in again.text
    assert 'value="kept"' in again.text
    assert "slash" in client.post("/tags", data={"name": "a/b"}).text
    assert client.post("/tags", data={"name": ""}).status_code == 400
    assert "<code>invalid_limit</code>" in text_of(client, "/tags?limit=0", 400)


def test_a_tag_shows_its_domains_and_their_levels(client: FlaskClient, store: Store) -> None:
    fill(client, "mine", "a.example", "b.example", "xn--bcher-kva.example")
    make_run(store, "a.example", record("ERROR", score=40, grade="D"))
    make_run(store, "b.example", record("INFO", score=100, grade="A+"))
    page = text_of(client, "/tags/mine")
    assert "3 domains" in page
    assert "bücher.example" in page
    assert 'aria-label="A+ 1, D 1"' in page
    assert "Test all 3" in page
    rows = 'role="row" id="d'
    assert text_of(client, "/tags/mine?min_level=ERROR").count(rows) == 1
    assert text_of(client, "/tags/mine?name=b.ex").count(rows) == 1
    assert "No matching domains" in text_of(client, "/tags/mine?name=nothing")
    assert text_of(client, "/tags/mine", part="domains").strip() in page
    text_of(client, "/tags/none", 404)


def test_domains_are_added_and_removed(client: FlaskClient) -> None:
    client.post("/tags", data={"name": "mine"})
    added = client.post("/tags/mine/domains", data={"names": "a.example\nb.example c.example"})
    assert added.location == "/tags/mine?note=tag_filled&n=3"
    wrong = client.post("/tags/mine/domains", data={"names": "d.example\n\ne..example"})
    assert wrong.status_code == 400
    assert "Line 3: " in wrong.text
    assert "e..example</textarea>" in wrong.text
    gone = client.post(
        "/tags/mine/domains/remove", data={"domain": ["a.example", "b.example"], "next": "/tags/mine?sort=x"}
    )
    assert gone.location == "/tags/mine?sort=x&note=tag_emptied&n=2"
    assert "1 domain<" in text_of(client, "/tags/mine")


def members(client: FlaskClient, tag: str) -> list[str]:
    return [one["name"] for one in client.get(f"/api/v1/tags/{tag}/domains").get_json()["items"]]


def test_all_that_match_the_filter_are_removed_after_a_tick(client: FlaskClient, store: Store) -> None:
    fill(client, "mine", "a.example", "ab.example", "c.example")
    fill(client, "other", "a.example")
    make_run(store, "ab.example", record("ERROR"))
    assert "All 3 matching" in text_of(client, "/tags/mine?name=.ex")
    page = text_of(client, "/tags/mine?name=a&min_level=ERROR")
    assert '<input type="hidden" name="min_level" value="ERROR">' in page
    asked = {"all": "yes", "name": "b.", "next": "/tags/mine?name=b."}
    refused = client.post("/tags/mine/domains/remove", data=asked | {"confirmed": "yes"})
    assert refused.status_code == 400
    assert "Yes, remove the tag from 1 domain<" in refused.text
    gone = client.post("/tags/mine/domains/remove", data=asked | YES)
    assert gone.location == "/tags/mine?name=b.&note=tag_emptied&n=1"
    assert members(client, "mine") == ["a.example", "c.example"]
    client.post("/tags/mine/domains/remove", data={"all": "yes"} | YES)
    assert (members(client, "mine"), members(client, "other")) == ([], ["a.example"])
    (line, _) = client.get("/api/v1/audit?action=tag.untag").get_json()["items"]
    assert (line["target"], line["count"]) == ("mine", 2)
    assert "invalid_min_level" in client.post("/tags/mine/domains/remove", data={"all": "yes", "min_level": "x"}).text
    assert client.post("/tags/none/domains/remove", data={"all": "yes"}).status_code == 404


def test_very_many_are_removed_in_the_background(
    client: FlaskClient, queue: QueueParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MAX_ROWS_IN_REQUEST", 2)
    fill(client, "mine", "host1.example", "host2.example", "host3.example", "z.example")
    begun = client.post("/tags/mine/domains/remove", data={"all": "yes", "name": "host", "min_level": ""} | YES)
    assert begun.location.startswith("/operations/op_")
    assert "Remove domains from the tag mine" in text_of(client, begun.location)
    assert members(client, "mine")[:1] == ["host1.example"]
    perform_due_operations(queue, worker="w", now=utcnow, lease=timedelta(seconds=30))
    assert members(client, "mine") == ["z.example"]
    assert "3 of 3" in text_of(client, begun.location)


def test_profile_and_description_are_set(client: FlaskClient, store: Store) -> None:
    client.post("/tags", data={"name": "mine"})
    with store.transaction() as session:
        profile = create_profile(session, "strict", config={}, schema_version="1", now=NOON).id
    assert client.post("/tags/mine/profile", data={"profile_id": str(profile)}).location.endswith("tag_profile_set")
    assert f'<option value="{profile}" selected>' in text_of(client, "/tags/mine")
    assert "strict" in text_of(client, "/tags")
    assert client.post("/tags/mine/profile", data={"profile_id": ""}).location.endswith("tag_profile_cleared")
    assert "no longer exists" in client.post("/tags/mine/profile", data={"profile_id": "77"}).text
    assert client.post("/tags/mine/profile", data={"profile_id": "x"}).status_code == 400
    assert client.post("/tags/mine/profile", data={"profile_id": "9" * 5000}).status_code == 400
    client.post("/tags/mine/description", data={"description": "ou\0rs"})
    assert "ou\ufffdrs" in text_of(client, "/tags/mine")


def test_runs_are_removed_and_the_tag_is_deleted_in_two_steps(client: FlaskClient, store: Store) -> None:
    fill(client, "mine", "a.example")
    make_run(store, "a.example")
    make_run(store, "a.example")
    assert "Yes, all 2 runs" in text_of(client, "/tags/mine/purge")
    assert client.post("/tags/mine/purge", data={"confirmed": "yes"}).status_code == 400
    assert client.post("/tags/mine/purge", data=YES).location == "/tags/mine?note=tag_purged&n=2"
    client.post("/api/v1/analysis/cohorts", json={"source_tag": "mine"})
    refused = client.post("/tags/mine/delete", data=YES)
    assert "tag_in_use" in refused.text
    assert "Delete tag" in text_of(client, "/tags/mine/delete")
    client.post("/tags", data={"name": "other"})
    assert client.post("/tags/other/delete", data=YES).location == "/tags?note=tag_deleted"
    text_of(client, "/tags/other", 404)
