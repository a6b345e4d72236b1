"""The domain pages: list, details with history, comparison of runs, tags, deletion."""

import csv
import html
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from tests.api.conftest import MakeApp
from tests.support.rows import NOON, make_run, record
from tests.support.tokens import CONFIGURED, READ, bearer

HTML = {"Accept": "text/html"}
NAME = "xn--bcher-kva.example"


def entry(tag: str, level: str, **args: Any) -> EntryRecord:
    return EntryRecord(0.1, "ZONE", "zone02", tag, level, args)


@pytest.fixture
def runs(store: Store) -> list[str]:
    """Store three runs of one domain, an hour apart, with different findings."""
    found = [
        [entry("GONE", "ERROR"), entry("SAME", "NOTICE", ns="a")],
        [entry("GONE", "ERROR"), entry("SAME", "NOTICE", ns="a"), entry("LEVEL", "NOTICE")],
        [entry("SAME", "NOTICE", ns="b"), entry("LEVEL", "ERROR"), entry("NEW", "WARNING", text="<b>x</b>\u202e")],
    ]
    return [
        make_run(
            store, NAME, record(entries=entries, at=NOON + timedelta(hours=number), score=90 - 20 * number, grade="B")
        ).id
        for number, entries in enumerate(found)
    ]


def text_of(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == status, answer.get_data(as_text=True)[:300]
    return answer.get_data(as_text=True)


def post(client: FlaskClient, path: str, **fields: Any) -> tuple[int, str]:
    answer = client.post(path, data=fields, headers=HTML)
    return answer.status_code, answer.location or answer.get_data(as_text=True)


def test_domains_are_listed_and_filtered(client: FlaskClient, store: Store, runs: list[str]) -> None:
    make_run(store, "other.example")
    client.post("/api/v1/tags/mine/domains", json={"domains": ["other.example"]})
    text = text_of(client, "/domains?sort=latest_score_asc")
    assert "bücher.example" in text
    assert f"/jobs/{runs[-1]}" in text
    assert "bücher" not in text_of(client, "/domains?tag=mine")
    untagged = text_of(client, "/domains?tag=__none__")
    assert ("bücher" in untagged, "other.example" in untagged) == (True, False)
    assert "other.example" not in text_of(client, "/domains?level=ERROR")
    assert "No matching domains" in text_of(client, "/domains?name=zzz")
    assert "invalid_level" in text_of(client, "/domains?level=LOUD", 400)


@pytest.mark.usefixtures("client")
def test_no_domain_is_known_at_first(client: FlaskClient) -> None:
    assert "No domains yet" in text_of(client, "/domains")


def test_a_domain_has_its_curve_and_its_news(client: FlaskClient, runs: list[str]) -> None:
    text = text_of(client, f"/domains/{NAME}")
    assert "<h1>bücher.example</h1>" in text
    assert "lowest 50, highest 90, latest 50" in text
    assert "New: ZONE02" in text
    assert "Cleared: ZONE02" in text
    assert "Level: ZONE02" in text
    assert "<b>x</b>" not in text
    assert "\u202e" not in text
    assert text.count(f'href="/jobs/{runs[0]}"') == 1
    assert text_of(client, "/domains/B%C3%BCcher.example")
    assert "none.example has not been tested" in text_of(client, "/domains/none.example", 404)
    assert client.get(f"/domains/{NAME}/runs/{runs[0]}").location == f"/jobs/{runs[0]}"
    assert "invalid_sort" in text_of(client, f"/domains/{NAME}?sort=luck", 400)


def test_a_domain_that_was_never_tested(client: FlaskClient) -> None:
    client.post("/api/v1/tags/mine/domains", json={"domains": ["new.example", "0/25.2.0.192.in-addr.arpa"]})
    assert "Never tested" in text_of(client, "/domains/new.example")
    assert "Never tested" in text_of(client, "/domains/0%2F25.2.0.192.in-addr.arpa")
    assert text_of(client, "/domains/0%2F25.2.0.192.in-addr.arpa/tags")
    assert text_of(client, "/domains/new.example/compare", 404)


def test_two_runs_side_by_side(client: FlaskClient, store: Store, runs: list[str]) -> None:
    text = text_of(client, f"/domains/{NAME}/compare")
    assert text == text_of(client, f"/domains/{NAME}/compare?before={runs[1]}&after={runs[2]}") or "Appeared" in text
    parts = {key: text.split(f'id="{key}"')[1] for key in ("appeared", "level", "cleared", "details")}
    assert "NEW" in parts["appeared"].split("<details")[1]
    assert "Notice → Error" in parts["level"]
    assert "GONE" in parts["cleared"].split("<details")[1]
    assert "SAME" in parts["details"]
    wider = text_of(client, f"/domains/{NAME}/compare?before={runs[0]}&after={runs[1]}")
    assert "One new finding, 0 cleared, 0 with a different level" in wider
    assert "No differences" in text_of(client, f"/domains/{NAME}/compare?before={runs[1]}&after={runs[1]}")
    other = make_run(store, "other.example")
    assert "invalid_run" in text_of(client, f"/domains/{NAME}/compare?before={other.id}&after={runs[1]}", 400)
    assert "invalid_min_level" in text_of(client, f"/domains/{NAME}/compare?min_level=LOUD", 400)
    assert text_of(client, f"/domains/{NAME}/compare?before=job_none&after={runs[1]}", 404)


def test_a_comparison_of_runs_is_searched_filtered_and_exported(client: FlaskClient, runs: list[str]) -> None:
    path = f"/domains/{NAME}/compare?before={runs[1]}&after={runs[2]}"
    appeared = text_of(client, f"{path}&change=appeared")
    assert 'id="appeared"' in appeared
    assert 'id="cleared"' not in appeared
    assert 'id="appeared"' not in text_of(client, f"{path}&search=gone")
    assert 'id="cleared"' in text_of(client, f"{path}&search=gone")
    assert "No finding that differs matches the filter." in text_of(client, f"{path}&search=no-such-finding")
    table = client.get(f"{path}&format=csv")
    assert table.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert {(row["change"], row["tag"]) for row in rows} == {
        ("appeared", "NEW"), ("cleared", "GONE"), ("level", "LEVEL"), ("details", "SAME"),
    }  # fmt: skip
    assert {row["testcase"] for row in rows} == {"ZONE02"}
    cleared = client.get(f"{path}&format=csv&change=cleared").text
    assert [row["tag"] for row in csv.DictReader(io.StringIO(cleared))] == ["GONE"]


def test_tags_are_edited_in_one_field(client: FlaskClient, runs: list[str]) -> None:
    assert runs
    path = f"/domains/{NAME}/tags"
    assert post(client, path, tags="one, two") == (303, f"/domains/{NAME}?note=domain-tags")
    assert 'value="one, two"' in text_of(client, path)
    assert post(client, path, tags="two, three")[0] == 303
    domain = client.get("/api/v1/domains").get_json()["items"][0]
    assert domain["tags"] == ["three", "two"]
    composed = "<b>wave \U0001f44b\U0001f3fd"  # One character of two code points.
    added = client.post(f"/api/v1/tags/{composed}/domains", json={"domains": ["B\u00fccher.example"]})
    assert added.status_code == 204, added.text
    (typed,) = re.findall(r'name="tags" type="text" value="([^"]*)"', text_of(client, path))
    assert post(client, path, tags=html.unescape(typed))[0] == 303
    assert composed in client.get("/api/v1/domains").get_json()["items"][0]["tags"]
    assert "<b>wave" not in text_of(client, "/domains") + text_of(client, f"/domains/{NAME}")
    status, text = post(client, path, tags="a/b, two")
    assert (status, "slash" in text, 'value="a/b, two"' in text) == (400, True, True)
    status, text = post(client, path, tags="family \U0001f468\u200d\U0001f469")
    assert (status, "U+200D" in text) == (400, True)


def test_a_domain_is_tested_again(client: FlaskClient, runs: list[str]) -> None:
    assert runs
    status, location = post(client, f"/domains/{NAME}/test")
    assert (status, location.startswith("/jobs/job_")) == (303, True)


def test_a_domain_with_runs_is_deleted_once_its_name_is_typed(client: FlaskClient, runs: list[str]) -> None:
    path = f"/domains/{NAME}/delete"
    assert "Delete domain and 3 runs" in text_of(client, path)
    assert post(client, path, confirmed="yes", confirm="wrong")[0] == 400
    assert post(client, path, confirmed="yes", confirm=NAME) == (303, "/domains?note=domain-deleted")
    assert text_of(client, f"/domains/{NAME}", 404)
    assert client.get(f"/api/v1/runs/{runs[0]}").status_code == 404


def test_domains_without_runs_are_pruned_after_a_tick(client: FlaskClient, runs: list[str]) -> None:
    assert runs
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example", "b.example"]})
    assert "Yes, 2 domains" in text_of(client, "/domains/-/prune?tag=mine")
    assert post(client, "/domains/-/prune", tag="mine", confirmed="yes")[0] == 400
    done = post(client, "/domains/-/prune", tag="mine", confirmed="yes", confirm="yes")
    assert done == (303, "/domains?tag=mine&note=domains-pruned&n=2")
    assert text_of(client, "/domains/-/prune?tag=none", 404)


def test_a_reader_sees_domains_and_changes_nothing(make_app: MakeApp, runs: list[str]) -> None:
    assert runs
    reader = make_app(admin_tokens=CONFIGURED).test_client()
    for path in ("/domains", f"/domains/{NAME}", f"/domains/{NAME}/compare", "/recent", "/operations"):
        answer = reader.get(path, headers={**HTML, **bearer(READ)})
        assert answer.status_code == 200
        inside = answer.get_data(as_text=True).split("<main")[1].split("</main>")[0]
        assert 'method="post"' not in inside
        assert "Delete" not in inside
    for path in ("/test", f"/domains/{NAME}/tags", f"/domains/{NAME}/delete", "/domains/-/prune"):
        assert reader.get(path, headers={**HTML, **bearer(READ)}).status_code == 403
    assert reader.post(f"/domains/{NAME}/test", headers={**HTML, **bearer(READ)}).status_code == 403
