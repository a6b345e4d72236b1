"""Results: entries with messages in the requested language."""

from flask.testing import FlaskClient

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.rows import make_run, queue_job, record

ENTRIES = [
    EntryRecord(0.25, "BASIC", "basic01", "B01_CHILD_FOUND", "INFO", {"domain": "a.example"}),
    EntryRecord(0.5, "SYSTEM", "", "NO_SUCH_TAG", "ERROR", {"servers": [{"ns": "ns1.example"}], "count": 2}),
]
TIMINGS = [{"nameserver": "ns1.example", "address": "192.0.2.1", "avg_ms": 1.5}]


def test_result_of_a_run(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=ENTRIES, nameserver_timings=TIMINGS))
    result = client.get(f"/api/v1/jobs/{run.id}/result").get_json()
    assert (result["job_id"], result["status"]) == (run.id, "succeeded")
    assert result["summary"] == {"INFO": 1, "ERROR": 1}
    first, second = result["raw"]["entries"]
    assert (first["timestamp"], first["module"], first["testcase"], first["level"]) == (
        0.25,
        "BASIC",
        "basic01",
        "INFO",
    )
    assert first["args"] == {"domain": "a.example"}
    assert "a.example" in first["message"]
    assert first["raw"] == "B01_CHILD_FOUND domain=a.example"
    assert second["raw"] == 'NO_SUCH_TAG count=2; servers=[{"ns":"ns1.example"}]'
    assert "NO_SUCH_TAG" in second["message"]
    assert set(result["testcase_descriptions"]) == {"basic01"}
    assert result["nameserver_timings"] == TIMINGS
    assert result["has_dnssec_chain"] is False


def test_locale_without_texts_falls_back_to_english(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=ENTRIES))
    for locale in ("xx", "xx-YY", "..%2f..", "en-GB"):
        assert client.get(f"/api/v1/jobs/{run.id}/result?locale={locale}").get_json()["raw"]["locale"] == "en"


def test_result_in_swedish(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=ENTRIES))
    result = client.get(f"/api/v1/jobs/{run.id}/result?locale=sv-SE").get_json()
    assert result["raw"]["locale"] == "sv"
    assert result["raw"]["entries"][0]["message"] == "Zonen a.example finns."
    assert result["testcase_descriptions"]["basic01"].startswith("Kontrollera att zonen finns")
    assert "sv" in client.get("/api/v1/locales").get_json()["locales"]
    detail = client.get("/api/v1/spec/testcases/basic01?locale=sv").get_json()
    assert detail["locale"] == "sv"
    assert "Zonen {domain} finns." in [tag["message"] for tag in detail["tags"]]


def test_run_on_a_name_that_does_not_exist_has_a_verdict_and_no_score(client: FlaskClient, store: Store) -> None:
    args = {"domain": "a.missing.example", "query_name": "missing.example", "zone": "example"}
    entries = [
        EntryRecord(0.5, "SYSTEM", "", "NAME_DOES_NOT_EXIST", "NOTICE", args),
        EntryRecord(0.5, "SYSTEM", "", "CANNOT_CONTINUE", "CRITICAL", {"domain": "a.missing.example"}),
    ]
    run = make_run(store, "a.missing.example", record(entries=entries))
    result = client.get(f"/api/v1/runs/{run.id}/result").get_json()
    assert "score" not in result
    assert result["verdict"] == {
        "harm": "does_not_exist",
        "sentence": "a.missing.example does not exist: the zone example has no name missing.example.",
        "test_instead": "example",
    }
    swedish = client.get(f"/api/v1/runs/{run.id}/result?locale=sv").get_json()
    assert swedish["verdict"]["sentence"].startswith("a.missing.example finns inte")
    document = client.get(f"/api/v1/runs/{run.id}").get_json()
    assert (document["status"], document["score"], document["grade"]) == ("succeeded", None, None)


def test_run_that_judges_a_zone_has_no_verdict(client: FlaskClient, store: Store) -> None:
    result = client.get(f"/api/v1/jobs/{make_run(store, 'a.example', record(entries=ENTRIES)).id}/result").get_json()
    assert "verdict" not in result
    assert result["score"]["grade"]


def test_timings_are_hidden_where_the_settings_say_so(make_app: MakeApp, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=ENTRIES, nameserver_timings=TIMINGS))
    client = make_app(show_nameserver_timings_admin="false").test_client()
    assert "nameserver_timings" not in client.get(f"/api/v1/jobs/{run.id}/result").get_json()


def test_no_result_before_the_end(client: FlaskClient, store: Store) -> None:
    response = client.get(f"/api/v1/jobs/{queue_job(store).id}/result")
    error = error_of(response)
    assert (response.status_code, error["code"], error["details"]) == (404, "not_found", {"status": "queued"})
