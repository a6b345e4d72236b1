"""Results: entries with messages in the requested language."""

from flask.testing import FlaskClient

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.rows import make_run, queue_job, record

ENTRIES = [
    EntryRecord(0.25, "BASIC", "basic01", "B01_CHILD_FOUND", "INFO", {"domain": "a.example"}),
    EntryRecord(0.5, "SYSTEM", "", "NO_SUCH_TAG", "ERROR", {"servers": [{"ns": "ns1.example"}], "count": 2}),
]
SERVER = {"ns": "ns1.a.example", "address": "192.0.2.1"}
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
    assert first["reference"] == "https://www.rfc-editor.org/rfc/rfc1034#section-4.2"
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
        "sentence": "The name missing.example does not exist in the zone example.",
        "test_instead": "example",
    }
    swedish = client.get(f"/api/v1/runs/{run.id}/result?locale=sv").get_json()
    assert swedish["verdict"]["sentence"] == "Namnet missing.example finns inte i zonen example."
    document = client.get(f"/api/v1/runs/{run.id}").get_json()
    assert (document["status"], document["score"], document["grade"]) == ("succeeded", None, None)


EXPIRED = [
    EntryRecord(0.5, "BASIC", "basic02", "B02_AUTH_RESPONSE_SOA", "INFO", {"servers": [SERVER]}),
    EntryRecord(
        0.6, "DNSSEC", "dnssec09", "DS09_SOA_RRSIG_EXPIRED", "ERROR", {"keytag": 1, "addresses": ["192.0.2.1"]}
    ),
]


def test_result_has_root_causes_and_a_verdict(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=EXPIRED))
    result = client.get(f"/api/v1/jobs/{run.id}/result").get_json()
    assert result["verdict"] == {
        "harm": "validating_resolvers",
        "sentence": "Resolvers that validate DNSSEC cannot reach this domain.",
        "test_instead": None,
    }
    (cause,) = result["root_causes"]
    assert (cause["cause"], cause["level"], cause["explains"]) == ("signatures_expired", "CRITICAL", [1])
    assert cause["subject"]["servers"] == [SERVER]
    swedish = client.get(f"/api/v1/runs/{run.id}/result?locale=sv").get_json()
    assert swedish["root_causes"][0]["title"] == "Zonens signaturer har gått ut"
    assert result["score"]["grade"]


def test_result_without_findings_has_no_causes(client: FlaskClient, store: Store) -> None:
    result = client.get(
        f"/api/v1/jobs/{make_run(store, 'a.example', record(entries=EXPIRED[:1])).id}/result"
    ).get_json()
    assert (result["root_causes"], result["verdict"]["harm"]) == ([], None)


def test_result_of_a_failed_run_has_neither(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(status=RunStatus.FAILED, entries=[]))
    result = client.get(f"/api/v1/jobs/{run.id}/result").get_json()
    assert result["root_causes"] == []
    assert "verdict" not in result


def test_comparison_names_the_causes_that_appeared_and_were_cleared(client: FlaskClient, store: Store) -> None:
    before = make_run(store, "a.example", record(entries=EXPIRED))
    now = [EXPIRED[0], EntryRecord(0.6, "NAMESERVER", "nameserver01", "IS_A_RECURSOR", "ERROR", {"servers": [SERVER]})]
    after = make_run(store, "a.example", record(entries=now))
    causes = client.get(f"/api/v1/runs/{before.id}/diff/{after.id}").get_json()["causes"]
    assert [each["cause"] for each in causes["appeared"]] == ["open_recursor"]
    assert [each["title"] for each in causes["cleared"]] == ["The signatures of the zone have expired"]


def test_runs_and_domains_are_listed_by_cause(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=EXPIRED, causes=["signatures_expired"]))
    make_run(store, "b.example", record(entries=EXPIRED[:1], causes=[]))
    found = client.get("/api/v1/runs?cause=signatures_expired").get_json()
    assert [each["id"] for each in found["items"]] == [run.id]
    found = client.get("/api/v1/domains?cause=signatures_expired").get_json()
    assert [each["name"] for each in found["items"]] == ["a.example"]
    refused = client.get("/api/v1/runs?cause=no_such_cause")
    assert (refused.status_code, error_of(refused)["code"]) == (400, "invalid_cause")


def test_causes_are_listed_in_both_languages(client: FlaskClient) -> None:
    english = client.get("/api/v1/causes").get_json()
    swedish = client.get("/api/v1/causes?locale=sv").get_json()
    assert english["total"] == len(english["items"]) > 40
    assert [each["cause"] for each in english["items"]] == [each["cause"] for each in swedish["items"]]
    assert all(one["title"] != other["title"] for one, other in zip(english["items"], swedish["items"], strict=True))


def test_timings_are_hidden_where_the_settings_say_so(make_app: MakeApp, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=ENTRIES, nameserver_timings=TIMINGS))
    client = make_app(show_nameserver_timings_admin="false").test_client()
    assert "nameserver_timings" not in client.get(f"/api/v1/jobs/{run.id}/result").get_json()


def test_no_result_before_the_end(client: FlaskClient, store: Store) -> None:
    response = client.get(f"/api/v1/jobs/{queue_job(store).id}/result")
    error = error_of(response)
    assert (response.status_code, error["code"], error["details"]) == (404, "not_found", {"status": "queued"})
