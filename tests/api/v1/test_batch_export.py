"""A whole batch as JSON lines, CSV and Parquet, in parts and in constant memory."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from pyarrow import parquet

from gonemaster_api.queries.batches import export
from gonemaster_api.queries.batches import parquet as parquet_files
from gonemaster_db.core.errors import BatchNotFound
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.runs.job_walk import jobs_after
from tests.api.conftest import MakeApp
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.support.rows import make_run, record

FORMULA = EntryRecord(1.0, "ZONE", "zone02", "REFRESH_MINIMUM_VALUE_OK", "INFO", {"text": "=1+1", "n": 3})
FAULT = EntryRecord(2.5, "DELEGATION", "delegation05", "NS_IS_CNAME", "ERROR", {"ns": "ns1.a.example"})
RUNS = 7


@pytest.fixture
def batch_id(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """A batch with finished jobs and a waiting one, of which few are read at a time."""
    monkeypatch.setattr(export, "JOBS_PER_READ", 3)
    monkeypatch.setattr(export, "MAX_ROWS", 4)
    monkeypatch.setattr(parquet_files, "ROWS_PER_GROUP", 3)
    found = str(submit(client, "wait.example")["batch_id"])
    for number in range(RUNS):
        make_run(store, f"d{number}.example", record(entries=[FORMULA, FAULT], score=60, grade="C"), batch_id=found)
    make_run(store, "other.example")
    return found


def get(client: FlaskClient, batch_id: str, **query: Any) -> Any:
    response = client.get(f"/api/v1/batches/{batch_id}/export", query_string=query)
    assert response.status_code == 200, response.data
    assert response.headers["Content-Disposition"].startswith(f"attachment; filename={batch_id}-")
    return response


def json_lines(client: FlaskClient, batch_id: str, **query: Any) -> list[dict[str, Any]]:
    response = get(client, batch_id, **query)
    assert response.mimetype == "application/jsonl"
    return [json.loads(line) for line in response.text.splitlines()]


def test_runs_as_json_lines(client: FlaskClient, batch_id: str) -> None:
    rows = json_lines(client, batch_id)
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    by_domain = {row["domain"]: row for row in rows}
    assert by_domain.keys() == {"wait.example", *(f"d{number}.example" for number in range(RUNS))}
    done = by_domain["d3.example"]
    assert (done["status"], done["worst_level"], done["error"], done["grade"]) == ("succeeded", "ERROR", "", "C")
    assert (done["entry_count"], done["duration_ms"]) == (2, 5000)
    assert done["finished_at"] == "2026-11-25T12:00:00Z"
    assert (by_domain["wait.example"]["status"], by_domain["wait.example"]["finished_at"]) == ("queued", None)


def test_entries_as_json_lines(client: FlaskClient, batch_id: str) -> None:
    rows = json_lines(client, batch_id, content="entries")
    assert len(rows) == 2 * RUNS
    assert {row["domain"] for row in rows} == {f"d{number}.example" for number in range(RUNS)}
    assert rows[0]["args"] == FORMULA.args
    assert rows[0]["id"].startswith(rows[0]["run_id"] + ".")


@pytest.mark.parametrize("content", ["runs", "entries"])
def test_the_formats_have_the_same_rows(client: FlaskClient, batch_id: str, content: str) -> None:
    lines = json_lines(client, batch_id, content=content)
    table = parquet.read_table(io.BytesIO(get(client, batch_id, content=content, format="parquet").data))
    assert table.column_names == list(lines[0])
    assert table["id"].to_pylist() == [line["id"] for line in lines]
    cells = list(csv.DictReader(io.StringIO(get(client, batch_id, content=content, format="csv").text)))
    assert [cell["id"] for cell in cells] == [line["id"] for line in lines]
    if content == "entries":
        assert [json.loads(args) for args in table["args"].to_pylist()] == [line["args"] for line in lines]
        assert [float(cell["timestamp"]) for cell in cells] == [line["timestamp"] for line in lines]
    else:
        assert str(table.schema.field("finished_at").type) == "timestamp[us, tz=UTC]"
        assert table["score"].to_pylist() == [line["score"] for line in lines]
        assert [cell["finished_at"] for cell in cells] == [line["finished_at"] or "" for line in lines]


@pytest.mark.parametrize("content", ["runs", "entries"])
def test_a_download_continues_after_any_row(client: FlaskClient, batch_id: str, content: str) -> None:
    lines = json_lines(client, batch_id, content=content)
    for position, line in enumerate(lines):
        assert json_lines(client, batch_id, content=content, after=line["id"]) == lines[position + 1 :]
    parts, after = list[dict[str, Any]](), dict[str, Any]()
    while part := json_lines(client, batch_id, content=content, limit=3, **after):
        assert len(part) <= 3
        parts += part
        after = {"after": part[-1]["id"]}
    assert parts == lines


def test_a_spreadsheet_evaluates_no_cell(client: FlaskClient, store: Store) -> None:
    batch_id = submit(client, "a.example")["batch_id"]
    make_run(store, "b.example", record(error="=cmd()"), batch_id=batch_id)
    assert "'=cmd()" in get(client, batch_id, format="csv").text


def test_hidden_scores_are_not_exported(make_app: MakeApp, batch_id: str) -> None:
    client = make_app(show_score_admin=False).test_client()
    assert not {"score", "grade"} & json_lines(client, batch_id)[0].keys()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"format": "xml"}, "invalid_format"),
        ({"content": "all"}, "invalid_content"),
        ({"content": "entries", "after": "job_1"}, "invalid_after"),
        ({"content": "runs", "after": "zzz"}, "invalid_after"),
        ({"limit": 0}, "invalid_limit"),
    ],
)
def test_wrong_parameters_are_refused(client: FlaskClient, batch_id: str, query: dict[str, Any], code: str) -> None:
    response = client.get(f"/api/v1/batches/{batch_id}/export", query_string=query)
    assert (response.status_code, error_of(response)["code"]) == (400, code)


@pytest.mark.parametrize("content", ["runs", "entries"])
def test_a_download_breaks_off_if_the_batch_is_deleted(
    client: FlaskClient, batch_id: str, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PIECE", 1)
    response = client.get(f"/api/v1/batches/{batch_id}/export?content={content}", buffered=False)
    pieces = response.iter_encoded()
    next(pieces)
    assert client.post(f"/api/v1/batches/{batch_id}/cancel").status_code == 200
    assert client.delete(f"/api/v1/batches/{batch_id}").status_code == 204
    with pytest.raises(BatchNotFound):  # a server then closes the connection before the end of the body
        list(pieces)


def test_a_batch_that_does_not_exist(client: FlaskClient) -> None:
    assert client.get("/api/v1/batches/batch_none/export").status_code == 404


def test_a_server_without_pyarrow_refuses_parquet(
    client: FlaskClient, batch_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_files, "find_spec", lambda name: None)
    response = client.get(f"/api/v1/batches/{batch_id}/export?format=parquet")
    assert (response.status_code, error_of(response)["code"]) == (501, "not_installed")


def test_rows_are_read_while_they_are_sent(client: FlaskClient, batch_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PIECE", 1)
    reads = []

    def read(*args: Any, **rest: Any) -> Any:
        reads.append(args)
        return jobs_after(*args, **rest)

    monkeypatch.setattr(export, "jobs_after", read)
    pieces = client.get(f"/api/v1/batches/{batch_id}/export", buffered=False).iter_encoded()
    next(pieces)
    assert len(reads) == 1, "a part is sent before the rest is read"
    assert len(b"".join(pieces).splitlines()) == RUNS
