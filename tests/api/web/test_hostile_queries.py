"""Malicious URLs: each gets a regular API response, on both databases."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from tests.api.web.test_errors import error_of
from tests.support.rows import make_run, record

# Parameters that take text; the database compares each of them.
TEXTS = (
    "jobs?domain=", "jobs?batch_id=", "runs?tag=", "runs?event_tag=", "runs?domain=", "runs?domain_exact=",
    "runs?batch=", "domains?name=", "domains?tag=", "entries?run=", "entries?module=", "entries?testcase=",
    "entries?entry_tag=", "entries?batch=", "entries?tag=", "batches?label=", "audit?action=",
    "spec/testcases?module=",
)  # fmt: skip
STRANGE = (
    "%25_%5c%27%22;--", "%ed%a0%80", "%ff%fe", "%e2%80%8b%f0%9f%92%a9", "%0d%0aX:1", "*", "%2500", "${7*7}",
    "%7b%7b7*7%7d%7d",
)  # fmt: skip
NUMBERS = {
    "jobs?limit=": "invalid_limit",
    "jobs?offset=": "invalid_offset",
    "jobs?page=": "invalid_page",
    "jobs?page_size=": "invalid_page_size",
    "jobs?cursor=": "invalid_cursor",
    "batches?limit=": "invalid_limit",
    "entries?domain=": "invalid_domain",
    "entries?after=job_x.": "invalid_after",
}
HUGE = 2**64


def refused(client: FlaskClient, path: str) -> str:
    response = client.get(f"/api/v1/{path}")
    assert response.status_code == 400, (path[:100], response.data[:300])
    assert len(response.data) < 1000
    return str(error_of(response)["code"])


def total(client: FlaskClient, path: str) -> Any:
    response = client.get(f"/api/v1/{path}")
    assert response.status_code == 200, (path, response.data)
    return response.get_json()["total"]


@pytest.fixture
def run(store: Store) -> str:
    return make_run(store, "a.example", record("INFO", "ERROR")).id


@pytest.mark.usefixtures("run")
def test_text_that_databases_read_otherwise_finds_nothing(client: FlaskClient) -> None:
    for text in STRANGE:
        assert {query: total(client, f"{query}{text}") for query in TEXTS} == dict.fromkeys(TEXTS, 0), text


@pytest.mark.usefixtures("run")
def test_wildcards_of_sql_are_letters_like_others(client: FlaskClient) -> None:
    for query in ("jobs?domain=", "runs?domain=", "domains?name="):
        assert total(client, f"{query}a.exa") == 1
        for text in ("%25", "_", "%5c", "a_example"):
            assert total(client, f"{query}{text}") == 0, query + text


def test_very_long_text(client: FlaskClient) -> None:
    for query in (*TEXTS, "runs?grade=", "entries?after=", "jobs?cursor=", "spec/testcases/basic01?locale="):
        assert refused(client, f"{query}{'x' * 100_000}").startswith("invalid_"), query


def test_many_parameters(client: FlaskClient) -> None:
    assert client.get("/api/v1/healthz?" + "&".join(f"p{number}=1" for number in range(20_000))).status_code == 200


def test_of_a_parameter_that_is_given_twice_the_first_counts(client: FlaskClient) -> None:
    assert client.get("/api/v1/jobs?limit=1&limit=2").get_json()["limit"] == 1
    assert refused(client, "jobs?limit=0&limit=2") == "invalid_limit"


def test_number_that_is_none_or_beyond_all_limits(client: FlaskClient) -> None:
    for number in (HUGE, -HUGE, "9" * 10_000, "-1", "1e3", "0x10", "1_0", "%d9%a1", "+1", "%201", "NaN", "1.x", ""):
        for query, code in NUMBERS.items():
            if (query, number) != ("batches?limit=", HUGE):  # this list reduces larger values
                assert refused(client, f"{query}{number}") == code, query


def test_largest_numbers_that_are_taken(client: FlaskClient) -> None:
    for query in ("offset=2147483647&limit=500", "page=2147483647&page_size=500", "cursor=2147483647"):
        assert client.get(f"/api/v1/jobs?{query}").get_json()["items"] == [], query
    assert total(client, f"entries?domain={2**63 - 1}") == 0
    assert client.get(f"/api/v1/entries?after=x.{'9' * 18}").get_json()["items"] == []
    assert client.get(f"/api/v1/batches?limit={HUGE}").get_json()["limit"] == 100


def test_strange_ids_are_not_found(client: FlaskClient) -> None:
    paths = ("jobs/{}", "jobs/{}/result", "batches/{}", "runs/{}", "runs/{}/diff/{}", "tags/{}/summary", "domains/{}")
    for name in ("x" * 10_000, "%ff", "%ed%a0%80", "a%0d%0ab", "%25", "'", "-1", str(2**63), "9" * 400):
        for path in paths:
            response = client.get(f"/api/v1/{path.format(name, name)}")
            assert (response.status_code, error_of(response)["code"]) == (404, "not_found"), path
            assert len(response.data) < 500


def addresses(client: FlaskClient, stand_in: str, *, method: str = "GET") -> Iterator[str]:
    """Yield the URLs of the API, with a text in place of each ID."""
    for rule in client.application.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and method in (rule.methods or ()) and "assets" not in rule.rule:
            number = "1" if "<int" in rule.rule else stand_in
            yield "/".join(number if part.startswith("<") else part for part in rule.rule.split("/"))


def test_head_is_get_without_a_body(client: FlaskClient, run: str) -> None:
    for path in addresses(client, run):
        with client.get(path) as full, client.head(path) as head:
            assert (head.status_code, head.data) == (full.status_code, b""), path
            assert head.headers["Content-Type"] == full.headers["Content-Type"], path
            assert head.headers["X-Request-Id"], path


def test_nul_is_refused_in_every_address(client: FlaskClient) -> None:
    for path in addresses(client, "x%00"):
        response = client.get(f"{path}?a=%00")
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_query"), path


def test_options_lists_the_methods_and_does_nothing(client: FlaskClient, run: str) -> None:
    for path in addresses(client, run, method="OPTIONS"):
        response = client.options(path, headers={"Origin": "http://evil.example"})
        assert (response.status_code, response.data) == (200, b""), path
        assert "OPTIONS" in response.headers["Allow"]
        assert "Access-Control-Allow-Origin" not in response.headers
    assert client.get(f"/api/v1/runs/{run}").status_code == 200


def test_method_that_no_address_takes(client: FlaskClient) -> None:
    for method in ("TRACE", "CONNECT", "PROPFIND", "GETX"):
        response = client.open("/api/v1/jobs", method=method, headers={"X-HTTP-Method-Override": "GET"})
        assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed"), method
