"""The batch pages: list, progress and jobs, submission, changes, deletion, comparison."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.rest.fields import rfc3339
from gonemaster_api.ui.admin.batches import exports
from gonemaster_api.ui.admin.batches.names import read_pasted
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from gonemaster_engine.findings.causes.registry import RULE_BY_ID
from gonemaster_tasks.control import operations
from tests.api.v1.test_batches import submit
from tests.support.rows import claim, finish_job, record

HTML = {"Accept": "text/html"}


def text_of(client: FlaskClient, path: str, status: int = 200, *, part: str = "") -> str:
    answer = client.get(path, headers=HTML | ({"X-Partial": part} if part else {}))
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def finish(store: Store, job_id: str, *levels: str, **fields: Any) -> None:
    finish_job(store, claim(store, job_id), record(*levels or ("INFO",), **fields))


def test_the_list_shows_progress_and_what_ran_by_schedule(client: FlaskClient, store: Store) -> None:
    assert "No batches" in text_of(client, "/batches")
    made = submit(client, "a.example", "b.example", description="<before> the move", tags=["mine"])
    finish(store, made["job_ids"][0])
    page = text_of(client, "/batches")
    assert "&lt;before&gt; the move" in page
    assert 'value="1"' in page
    assert "50\u00a0%" in page
    assert 'data-refresh="7"' in page
    finish(store, made["job_ids"][1])
    assert 'data-partial="batches">' in text_of(client, "/batches")
    submit(client, "c.example", description="x" * 10_000)
    assert "x" * 101 not in text_of(client, "/batches")
    assert "No matching batches" in text_of(client, "/batches?label=nothing")
    assert "<code>invalid_limit</code>" in text_of(client, "/batches?limit=x", 400)


def test_one_batch_shows_counts_levels_and_jobs(client: FlaskClient, store: Store) -> None:
    made = submit(client, "a.example", "b.example", "xn--bcher-kva.example", tags=["mine"])
    finish(store, made["job_ids"][0], "NOTICE", "ERROR", score=40, grade="D")
    path = f"/batches/{made['batch_id']}"
    page = text_of(client, path)
    assert "1 of 3 jobs done" in page
    assert "1 succeeded, 0 failed, 0 canceled or expired, 2 remaining" in page
    assert "bücher.example<" in page.replace("\n", "")
    assert "<h1>mine, " in page
    assert text_of(client, f"{path}?severity=errors_only").count('role="row" id="job_') == 1
    assert text_of(client, f"{path}?domain=b.exam").count('role="row" id="job_') == 1
    assert "No matching jobs" in text_of(client, f"{path}?status=expired")
    assert "<code>invalid_sort</code>" in text_of(client, f"{path}?sort=evil", 400)
    part = text_of(client, path, part="progress")
    assert part.strip() in page
    assert 'data-refresh="7"' in part
    assert 'id="job_' not in part
    assert text_of(client, path, part="jobs").strip() in page
    text_of(client, "/batches/batch_none", 404)


def test_all_jobs_of_a_batch_that_match_are_a_file(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_A_TIME", 2)
    made = submit(client, "a.example", "b.example", "c.example", "d.example", "e.example")
    submit(client, "other.example")
    finish(store, made["job_ids"][1], "NOTICE", "ERROR", score=40, grade="D")
    finish(store, made["job_ids"][3], status=RunStatus.FAILED, error="=1+\u202e")
    path = f"/batches/{made['batch_id']}"
    answer = client.get(f"{path}/jobs.csv")
    assert (answer.mimetype, f"{made['batch_id']}.csv" in answer.headers["Content-Disposition"]) == ("text/csv", True)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["domain"] for row in rows] == [f"{letter}.example" for letter in "abcde"]
    assert (rows[1]["grade"], rows[1]["worst_level"], rows[1]["ERROR"], rows[1]["CRITICAL"]) == ("D", "ERROR", "1", "0")
    assert (rows[0]["status"], rows[0]["finished_at"], rows[0]["grade"]) == ("queued", "", "")
    assert rows[3]["error"] == "'=1+⟨U+202E⟩"
    assert rows[1]["finished_at"].endswith("Z")
    link = re.search(r'href="([^"]*jobs\.csv[^"]*)"', text_of(client, f"{path}?severity=errors_only"))
    assert link
    assert [row["domain"] for row in csv.DictReader(io.StringIO(client.get(html.unescape(link[1])).text))] == [
        "b.example"
    ]
    assert client.get("/batches/batch_none/jobs.csv").status_code == 404


def test_a_purged_batch_shows_its_counts_and_says_that_the_results_are_gone(client: FlaskClient, store: Store) -> None:
    made = submit(client, "a.example", "b.example", description="the move")
    path, old = f"/batches/{made['batch_id']}", utcnow() - timedelta(days=9)
    finish(store, made["job_ids"][0], "ERROR", at=old, score=30, grade="F")
    finish(store, made["job_ids"][1], status=RunStatus.FAILED, at=old)
    assert "purged" not in text_of(client, path)
    client.post("/api/v1/jobs/purge", json={"older_than_days": 5})
    page = text_of(client, path)
    assert "2 of 2 jobs done" in page
    assert "The results of 2 jobs have been purged" in page
    assert "1 succeeded, 1 failed, 0 canceled or expired, 0 remaining" in page
    assert "Results deleted" in page
    assert "Rerun" not in page
    listed = text_of(client, "/batches")
    assert old.strftime("%Y-%m-%d") in listed
    assert "100\u00a0%" in listed


def test_all_batches_that_match_are_a_file(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "BATCHES_AT_A_TIME", 2)
    old = utcnow() - timedelta(days=9)
    for number in range(3):
        made = submit(client, "a.example", "b.example", description=f"=batch {number}", tags=["mine"])
        finish(store, made["job_ids"][0], "ERROR", at=old, score=30, grade="F")
        finish(store, made["job_ids"][1], status=RunStatus.FAILED, at=old)
    submit(client, "c.example", tags=["other"])
    client.post("/api/v1/jobs/purge", json={"older_than_days": 5})
    link = re.search(r'href="([^"]*all\.csv[^"]*)"', text_of(client, "/batches?label=min"))
    assert link
    answer = client.get(html.unescape(link[1]))
    assert (answer.mimetype, answer.headers["Content-Disposition"]) == ("text/csv", "attachment; filename=batches.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["description"] for row in rows] == [f"'=batch {number}" for number in (2, 1, 0)]
    assert {(row["succeeded"], row["failed"], row["queued"], row["purged_runs"]) for row in rows} == {
        ("1", "1", "0", "2")
    }
    assert {(row["grade_F"], row["grade_A"], row["worst_ERROR"], row["finished_at"]) for row in rows} == {
        ("1", "0", "1", rfc3339(old))
    }
    everything = list(csv.DictReader(io.StringIO(client.get("/batches/all.csv").text)))
    assert [(row["tag"], row["queued"], row["finished_at"]) for row in everything[:1]] == [("other", "1", "")]
    assert len(everything) == 4


def test_failed_jobs_are_run_again_and_the_rest_is_canceled(client: FlaskClient, store: Store) -> None:
    made = submit(client, "a.example", "b.example", "c.example")
    path = f"/batches/{made['batch_id']}"
    finish(store, made["job_ids"][0], status=RunStatus.FAILED)
    assert "Rerun 1 failed" in text_of(client, path)
    again = client.post(f"{path}/rerun", data={"only": "failed"})
    assert again.status_code == 303
    assert re.fullmatch(r"/batches/batch_\w+\?note=batch_rerun&n=1", again.location)
    assert "1 test is queued again" in text_of(client, again.location)
    assert client.post(f"{path}/rerun", data={"only": "evil"}).get_json()["error"]["code"] == "invalid_only"
    assert "Cancel 2 jobs" in text_of(client, f"{path}/cancel")
    # The dialog must not change anything before its button is used.
    assert client.post(f"{path}/cancel").status_code == 200
    done = client.post(f"{path}/cancel", data={"confirmed": "yes"})
    assert done.location == f"{path}?note=batch_canceled&n=2"
    page = text_of(client, path)
    assert "2 canceled or expired" in page
    assert "data-refresh" not in page.partition('id="progress"')[2]
    one = submit(client, "d.example", "e.example")
    client.post(f"/batches/{one['batch_id']}/jobs/{one['job_ids'][0]}/cancel")
    assert "1 canceled or expired, 1 remaining" in text_of(client, f"/batches/{one['batch_id']}")


def test_what_takes_long_becomes_an_operation(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MAX_ROWS_IN_REQUEST", 1)
    path = f"/batches/{submit(client, 'a.example', 'b.example')['batch_id']}"
    begun = client.post(f"{path}/cancel", data={"confirmed": "yes"})
    assert re.fullmatch(r"/operations/\w+\?note=operation", begun.location)
    assert begun.location.partition("?")[0].rpartition("/")[2] in text_of(client, "/operations")


def test_snapshot_intent_is_switched(client: FlaskClient) -> None:
    path = f"/batches/{submit(client, 'a.example')['batch_id']}"
    assert "becomes a snapshot" not in text_of(client, path)
    assert client.post(f"{path}/snapshot", data={"intent": "yes"}).location == f"{path}?note=batch_intent_set"
    assert "becomes a snapshot" in text_of(client, path)
    client.post(f"{path}/snapshot", data={"intent": "no"})
    assert "becomes a snapshot" not in text_of(client, path)


def test_canceled_ones_or_all_are_run_again(client: FlaskClient, store: Store) -> None:
    made = submit(client, "a.example", "b.example", "c.example")
    path = f"/batches/{made['batch_id']}"
    finish(store, made["job_ids"][0])
    client.post(f"{path}/cancel", data={"confirmed": "yes"})
    assert 'name="only" value="canceled"' in text_of(client, path)
    assert client.post(f"{path}/rerun", data={"only": "canceled"}).location.endswith("note=batch_rerun&n=2")
    assert client.post(f"{path}/rerun", data={"only": "all"}).location.endswith("note=batch_rerun&n=3")


def test_a_batch_is_deleted_by_typing_its_id(client: FlaskClient, store: Store) -> None:
    made = submit(client, "a.example")
    finish(store, made["job_ids"][0], "INFO", "ERROR")
    path = f"/batches/{made['batch_id']}/delete"
    page = text_of(client, path)
    assert "Delete batch and 1 run" in page
    assert "<dt>Entries</dt><dd>2</dd>" in page
    wrong = client.post(path, data={"confirmed": "yes", "confirm": made["batch_id"][:-1]})
    assert wrong.status_code == 400
    assert 'aria-invalid="true"' in wrong.get_data(as_text=True)
    done = client.post(path, data={"confirmed": "yes", "confirm": made["batch_id"]})
    assert done.location == "/batches?note=batch_deleted&n=1"
    text_of(client, f"/batches/{made['batch_id']}", 404)


def test_pasted_names_know_their_lines() -> None:
    pasted = read_pasted("a.example\n\n# not this\r\nb.example, c.example;d.example\n")
    assert pasted.names == ["a.example", "b.example", "c.example", "d.example"]
    assert pasted.lines == [1, 4, 4, 4]


def test_a_new_batch_says_what_is_wrong_and_keeps_what_was_typed(client: FlaskClient) -> None:
    client.post("/api/v1/analysis/cohorts", json={"source_tag": "mine", "label": "Ours", "analysis_enabled": True})
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example", "b.example"]})
    assert 'value="tag" checked' in text_of(client, "/batches/new?tag=mine")
    sent = {"source": "names", "names": "a.example\r\nb..example\r\na.example", "tags": "mine", "snapshot": "yes"}
    refused = client.post("/batches/new", data=sent)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 400
    assert "Line 2:" in page
    assert "<code>b..example</code>" in page
    assert "b..example\na.example</textarea>" in page
    assert "U+000D" not in page
    checked = client.post("/batches/new", data=sent | {"check": "yes"}).get_data(as_text=True)
    assert "1 domain to test" in checked
    assert "1 duplicate domain" in checked
    assert "Only 1 of 2 domains of Ours are tested" in checked
    assert "No batches" in text_of(client, "/batches")
    made = client.post("/batches/new", data=sent | {"skip_invalid": "yes"})
    assert re.fullmatch(r"/batches/batch_\w+\?note=batch_made&n=1", made.location)
    whole = {"source": "tag", "from_tag": "mine", "snapshot": "yes", "names": "ignored..name"}
    assert "All 2 domains of Ours are tested" in client.post("/batches/new", data=whole | {"check": "yes"}).text
    assert client.post("/batches/new", data=whole).location.endswith("n=2")
    path = client.post("/batches/new", data=whole | {"policy": "registration"}).location
    jobs = client.get(f"/api/v1{path.partition('?')[0]}").get_json()["items"]
    assert [client.get(f"/api/v1/jobs/{job['id']}").get_json()["policy"] for job in jobs] == ["registration"] * 2


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"source": "names"}, "domains is empty"),
        ({"source": "tag"}, "Enter the tag"),
        ({"source": "tag", "from_tag": "none"}, "no domain has the tag"),
        ({"source": "names", "names": "a.example", "tags": "a/b"}, "slash"),
        ({"source": "names", "names": "a.example", "profile_id": "99"}, "no such profile"),
        ({"source": "names", "names": "a.example", "profile_id": "x"}, "must be an integer"),
        ({"source": "names", "names": "a.example", "policy": "none"}, "&#39;none&#39; is not a policy"),
        ({"source": "names", "names": "a.example", "profile_id": "9" * 5000}, "must be an integer"),
    ],
)
def test_a_batch_that_is_refused_says_why(client: FlaskClient, sent: dict[str, str], message: str) -> None:
    refused = client.post("/batches/new", data=sent)
    assert refused.status_code == 400
    assert message in refused.text
    assert "aria-invalid" in refused.text


def test_two_batches_side_by_side(client: FlaskClient, store: Store) -> None:
    first, second = (submit(client, "a.example", "b.example", tags=["mine"]) for _ in range(2))
    for batch, levels, cause in ((first, ("NOTICE",), "no_tcp"), (second, ("NOTICE", "ERROR"), "ds_without_key")):
        finish(store, batch["job_ids"][0], *levels, causes=[cause])
        finish(store, batch["job_ids"][1])
    offered = text_of(client, f"/batches/{second['batch_id']}/compare")
    assert first["batch_id"] in offered
    chosen = client.get(f"/batches/{second['batch_id']}/compare?with={first['batch_id']}")
    path = f"/batches/{first['batch_id']}/diff/{second['batch_id']}"
    assert chosen.location == path
    page = text_of(client, path)
    assert "<dt>Different</dt><dd>1</dd>" in page
    assert "a.example" in page
    assert "b.example" not in page
    for cause in ("no_tcp", "ds_without_key"):  # in the table of changes, in the filter, and at the domain
        assert page.count(RULE_BY_ID[cause].texts.title) == 3
        assert "a.example" in text_of(client, f"{path}?cause={cause}")
    assert "No differences on this page" in text_of(client, f"{path}?cause=signatures_expired")
    assert "No differences on this page" in text_of(client, f"{path}?kind=only_after")
    assert "<code>invalid_kind</code>" in text_of(client, f"{path}?kind=evil", 400)
    text_of(client, f"/batches/{first['batch_id']}/diff/none", 404)
