"""Entries across runs: totals with a limit, pages at any depth, CSV in chunks."""

import csv
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.queries.runs import entries
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.runs.entries import PAGE_BYTES
from tests.api.web.test_errors import error_of
from tests.support.rows import entries_of, make_run, record


def get(client: FlaskClient, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/entries?{query}").get_json()
    return found


@pytest.fixture
def seven(store: Store) -> None:
    """Seven entries in two runs."""
    make_run(store, "a.example", record(entries=entries_of(*["INFO"] * 4)))
    make_run(store, "b.example", record(entries=entries_of(*["ERROR"] * 3)))


@pytest.mark.usefixtures("seven")
def test_total_says_when_there_are_more(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = get(client, "limit=2")
    assert (whole["total"], whole["total_is_least"], whole["next_cursor"]) == (7, False, "2")
    monkeypatch.setattr(entries, "COUNTED", 3)
    bounded = get(client, "limit=2&offset=4")
    assert (bounded["total"], bounded["total_is_least"], bounded["next_cursor"]) == (3, True, "6")
    assert "next_cursor" not in get(client, "limit=2&offset=6")
    few = get(client, "level=error")
    assert (few["total"], few["total_is_least"]) == (3, False)


def test_pages_of_large_entries_have_fewer_and_lead_on(client: FlaskClient, store: Store) -> None:
    large = [EntryRecord(1.0, "ZONE", "zone01", "T", "INFO", {"text": "x" * (PAGE_BYTES // 3)})] * 5
    make_run(store, "large.example", record(entries=large))
    first = get(client, "")
    assert (len(first["items"]), first["limit"], first["next_cursor"]) == (2, 100, "2")
    second, same = get(client, "offset=2"), get(client, f"after={first['next_after']}")
    assert len(second["items"]) == 2
    assert second["items"] == same["items"]
    last = get(client, f"after={same['next_after']}")
    assert len(last["items"]) == 1
    assert "next_after" not in last


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize("query", ["", "latest=1&", "module=basic&"])
def test_pages_by_the_last_entry_seen_join_to_the_whole(client: FlaskClient, query: str) -> None:
    whole = [item["id"] for item in get(client, query)["items"]]
    seen: list[int] = []
    after = ""
    while True:
        page = get(client, f"{query}limit=2{after}")
        seen += [item["id"] for item in page["items"]]
        if "next_after" not in page:
            break
        after = f"&after={page['next_after']}"
        assert "next_cursor" not in get(client, f"{query}limit=2{after}")
    assert seen == whole
    assert len(whole) == 7


@pytest.mark.usefixtures("seven")
def test_csv_comes_in_pieces_that_join_to_all_rows(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the database rows nor the lines of the response are all in memory at once."""
    monkeypatch.setattr(entries, "MIN_ROWS", 2)
    monkeypatch.setattr(entries, "MAX_ROWS", 2)
    response = client.get("/api/v1/entries?format=csv", buffered=False)
    pieces = [piece for piece in response.iter_encoded() if piece]
    assert len(pieces) == 5  # the header, three chunks of two rows, one of one row
    rows = list(csv.DictReader(b"".join(pieces).decode().splitlines()))
    assert list(rows[0]) == list(entries.COLUMNS)
    assert [int(row["id"]) for row in rows] == [item["id"] for item in get(client)["items"]]


@pytest.mark.parametrize(("size", "rows"), [(0, 1000), (100, 1000), (10_000, 104), (1_000_000, 25)])
def test_csv_reads_as_many_rows_as_make_about_a_megabyte(size: int, rows: int) -> None:
    assert entries._next_count(100, 100 * max(1, size)) == rows


@pytest.mark.usefixtures("seven")
def test_csv_holds_no_connection_while_the_client_reads(client: FlaskClient, store: Store) -> None:
    response = client.get("/api/v1/entries?format=csv", buffered=False)
    for number, piece in enumerate(response.iter_encoded()):
        assert piece, number
        assert store.engine.pool.checkedout() == 0, number  # type: ignore[attr-defined]  # a QueuePool has it


def test_lines_of_csv_are_not_gathered_into_large_pieces(client: FlaskClient, store: Store) -> None:
    long = [EntryRecord(1.0, "ZONE", "zone01", "X", "INFO", {"text": "x" * 40_000})] * 10
    make_run(store, "a.example", record(entries=long))
    response = client.get("/api/v1/entries?format=csv", buffered=False)
    assert max(len(piece) for piece in response.iter_encoded()) < 150_000


def test_cells_keep_quotes_lines_and_other_scripts(client: FlaskClient, store: Store) -> None:
    args = {"text": 'a "b",\nå', "formula": "=1+1"}
    make_run(store, "a.example", record(entries=[EntryRecord(1.0, "ZONE", "zone01", "@X", "INFO", args)]))
    text = client.get("/api/v1/entries?format=csv").get_data(as_text=True)
    (row,) = csv.DictReader(text.splitlines(keepends=True))
    assert row["tag"] == "'@X"
    assert row["args"].startswith("{")  # a cell that starts with a brace is not a formula
    assert '"a \\"b\\",\\nå"' in row["args"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("run=" + "x" * 65, "invalid_run"),
        ("domain=-1", "invalid_domain"),
        ("domain=9999999999999999999", "invalid_domain"),
        ("domain=%D9%A1%D9%A1%2E", "invalid_domain"),
        ("level=LOUD", "invalid_level"),
        ("latest=maybe", "invalid_latest"),
        ("limit=0", "invalid_limit"),
        ("limit=501", "invalid_limit"),
        ("offset=-1", "invalid_offset"),
        ("after=", "invalid_after"),
        ("after=job_1.", "invalid_after"),
        ("after=job_1.9999999999999999999", "invalid_after"),
        ("after=job_1.%D9%A1", "invalid_after"),
        ("format=xml", "invalid_format"),
    ],
)
def test_refused_with_code(client: FlaskClient, query: str, code: str) -> None:
    response = client.get(f"/api/v1/entries?{query}")
    assert (response.status_code, error_of(response)["code"]) == (400, code)


@pytest.mark.parametrize(
    "query", ["run=%F0%9F%A6%86", "batch=x&latest=true", "tag=%25", "after=%E2%82%AC.5", "module=%27"]
)
def test_strange_filters_match_nothing(client: FlaskClient, query: str) -> None:
    assert get(client, query)["items"] == []
