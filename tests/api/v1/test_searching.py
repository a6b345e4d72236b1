"""The search texts that users type to find a domain: U-labels, capital letters, spaces around a name."""

from http import HTTPStatus

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from tests.support.rows import make_run, queue_job

STORED = "xn--rksmrgs-5wao1o.example"
LISTS = (
    "/api/v1/jobs?domain=",
    "/api/v1/runs?domain=",
    "/api/v1/domains?name=",
    "/api/v1/tags/mine/domains?name=",
)
PAGES = ("/domains?name=", "/recent?domain=", "/tags/mine?name=", "/?domain=")


@pytest.fixture
def tagged(store: Store, client: FlaskClient) -> None:
    make_run(store, STORED)
    make_run(store, "other.example")
    assert client.post("/api/v1/tags/mine/domains", json={"domains": [STORED, "other.example"]}).status_code == 204
    queue_job(store, STORED)
    queue_job(store, "other.example")


@pytest.mark.usefixtures("tagged")
@pytest.mark.parametrize(
    "typed", ["räksmörgås.example", "RÄKSMÖRGÅS.Example.", "räksmörgås", " räksmörgås ", "XN--RKSMRGS", " rksmrgs"]
)
def test_a_name_is_found_as_people_write_it(client: FlaskClient, typed: str) -> None:
    for path in LISTS:
        found = client.get(f"{path}{typed}").get_json()["items"]
        assert {item.get("domain", item.get("name")) for item in found} == {STORED}, path
    for path in PAGES:
        page = client.get(f"{path}{typed}").get_data(as_text=True)
        assert STORED in page, path
        assert "other.example" not in page, path


@pytest.mark.usefixtures("tagged")
def test_a_change_of_all_that_match_is_about_what_the_list_showed(client: FlaskClient) -> None:
    """The list and a change with the list's filter interpret the same text in the same way."""
    client.post("/queue/jobs", data={"all": "yes", "domain": "räksmörgås", "do": "hold"})
    held = client.get("/api/v1/jobs?status=paused").get_json()["items"]
    assert [job["domain"] for job in held] == [STORED]
    sent = {"all": "yes", "name": "räksmörgås", "confirmed": "yes", "confirm": "yes"}
    assert client.post("/tags/mine/domains/remove", data=sent).status_code == HTTPStatus.SEE_OTHER
    left = client.get("/api/v1/tags/mine/domains").get_json()["items"]
    assert [domain["name"] for domain in left] == ["other.example"]
