"""The page of a job: waiting, running and finished, and its actions."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from gonemaster_db.queue.attempt_logs import add_attempt_log
from tests.support.rows import NOON, claim, make_run, queue_job, record
from tests.support.tokens import CONFIGURED, READ, bearer

HTML = {"Accept": "text/html"}
TIMINGS = [
    {"nameserver": "ns1.example", "address": "192.0.2.53", "count": 7, "avg_ms": 11.0, "min_ms": 9.0, "max_ms": 41.0,
     "median_ms": 10.0, "stddev_ms": 1.0, "total_ms": 70.0, "timeouts": 1, "refusals": 0, "status": "ok"},
    {"nameserver": "ns2.example", "address": "2001:db8::53", "count": 0, "avg_ms": None, "min_ms": None, "max_ms": None,
     "median_ms": None, "stddev_ms": None, "total_ms": 0.0, "timeouts": 9, "refusals": 0, "status": "unreachable"},
]  # fmt: skip
PROFILE = {"net": {"ipv6": False}}


def entries() -> list[EntryRecord]:
    return [
        EntryRecord(0.0, "SYSTEM", "", "GLOBAL_VERSION", "INFO", {"version": "1.2.3"}),
        EntryRecord(0.1, "BASIC", "basic01", "B01_CHILD_FOUND", "INFO", {"domain": "example.com"}),
        EntryRecord(
            0.2, "ZONE", "zone02", "REFRESH_MINIMUM_VALUE_LOWER", "WARNING", {"refresh": 1, "required_refresh": 2}
        ),
        EntryRecord(0.3, "ZONE", "zone99", "NOBODY_KNOWS", "NOTICE", {"text": '<script>alert("x")</script>\u202e'}),
    ]


@pytest.fixture
def run_id(store: Store) -> str:
    outcome = record(entries=entries(), nameserver_timings=TIMINGS, effective_profile=PROFILE)
    return make_run(store, "xn--bcher-kva.example", outcome, config={"ipv6_disabled": True}).id


def text_of(client: FlaskClient, path: str, status: int = 200, **headers: str) -> str:
    answer = client.get(path, headers=HTML | {name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == status, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


def post(client: FlaskClient, path: str, **fields: Any) -> tuple[int, str]:
    answer = client.post(path, data=fields, headers=HTML)
    return answer.status_code, answer.location or ""


def test_name_that_does_not_exist_has_one_answer_and_no_score(client: FlaskClient, store: Store) -> None:
    args = {"domain": "a.missing.example", "query_name": "missing.example", "zone": "example"}
    entry = EntryRecord(0.5, "SYSTEM", "", "NAME_DOES_NOT_EXIST", "NOTICE", args)
    text = text_of(client, f"/jobs/{make_run(store, 'a.missing.example', record(entries=[entry])).id}")
    assert '<h2 class="big">The name missing.example does not exist in the zone example.</h2>' in text
    assert 'href="/test?domain=example"' in text
    assert 'id="score"' not in text


def test_a_result_says_what_was_found_and_what_to_do(client: FlaskClient, run_id: str) -> None:
    text = text_of(client, f"/jobs/{run_id}")
    assert "<h1>bücher.example</h1>" in text
    assert "xn--bcher-kva.example" in text
    assert "REFRESH_MINIMUM_VALUE_LOWER" in text
    assert "B01_CHILD_FOUND" not in text
    assert "One check passed" in text
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "⟨U+202E⟩" in text or r"\u202e" in text
    assert "Unreachable" in text
    assert "fastest 9, median 10, slowest 41 ms" in text
    assert "Grade " in text
    assert "1.2.3" in text
    assert "IPv4 only" in text
    assert "data-refresh" not in text.split('id="job"')[1].split(">")[0]


def test_a_waiting_job_is_refreshed_until_auto_refresh_is_off(client: FlaskClient, store: Store) -> None:
    path = f"/jobs/{queue_job(store, 'a.example').id}"
    follows = text_of(client, path)
    assert 'data-partial="job" data-refresh="2"' in follows
    assert f'href="{path}?follow=off"' in follows
    still = text_of(client, f"{path}?follow=off", X_Partial="job")
    assert "data-refresh" not in still
    assert "not updated automatically" in still
    assert f'href="{path}"' in still


def test_a_waiting_job_says_what_it_waits_for(client: FlaskClient, store: Store) -> None:
    """The page shows that a tier is paused, or that no worker is running."""
    path = f"/jobs/{queue_job(store, 'a.example').id}"
    assert "No worker is running." in text_of(client, path, X_Partial="job")
    client.post("/queue/pause", data={"tier": "normal"})
    paused = text_of(client, path, X_Partial="job")
    assert "The tier is paused." in paused
    assert "No worker is running." not in paused


def test_findings_are_filtered_by_level(client: FlaskClient, run_id: str) -> None:
    text = text_of(client, f"/jobs/{run_id}?level=info", X_Partial="findings")
    assert "<html" not in text
    assert "B01_CHILD_FOUND" in text
    assert "REFRESH_MINIMUM_VALUE_LOWER" not in text
    wrong = text_of(client, f"/jobs/{run_id}?level=<loud>", 400)
    assert "invalid_level" in wrong
    assert "&lt;loud&gt;" in wrong
    assert "critical" in wrong


def test_score_and_timings_follow_the_settings(make_app: Any, run_id: str) -> None:
    hidden = make_app(show_score_admin=False, show_nameserver_timings_admin=False).test_client()
    text = text_of(hidden, f"/jobs/{run_id}")
    assert "Grade" not in text
    assert "Name server timings" not in text


def test_the_effective_profile_is_compared_with_the_default(client: FlaskClient, run_id: str) -> None:
    assert f"/jobs/{run_id}/profile" in text_of(client, f"/jobs/{run_id}")
    text = text_of(client, f"/jobs/{run_id}/profile")
    assert "net.ipv6" in text
    assert "false" in text
    assert text_of(client, "/jobs/job_none/profile", 404)


def test_the_chain_of_trust_is_drawn_and_saved(client: FlaskClient, store: Store, run_id: str) -> None:
    chain = {"zone": "example.com", "zones": [{"name": "<b>.", "status": "secure", "keys": []}], "status": "secure"}
    run = make_run(store, "example.com", record(dnssec_chain=chain))
    text = text_of(client, f"/jobs/{run.id}")
    assert '<svg class="chain"' in text
    assert "<b>." not in text
    saved = client.get(f"/jobs/{run.id}/chain.svg")
    assert (saved.status_code, saved.mimetype) == (200, "image/svg+xml")
    assert "DNSSEC chain" not in text_of(client, f"/jobs/{run_id}")
    assert text_of(client, f"/jobs/{run_id}/chain.svg", 404)


def test_results_are_exported(client: FlaskClient, run_id: str) -> None:
    text = text_of(client, f"/jobs/{run_id}/result.txt")
    assert text.startswith(f"xn--bcher-kva.example {run_id}\n")
    assert "WARNING" in text
    assert "\u202e" not in text
    page = text_of(client, f"/jobs/{run_id}")
    assert f"/api/v1/runs/{run_id}/result?locale=en" in page
    assert f"/api/v1/entries?run={run_id}&amp;format=csv" in page


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELED, RunStatus.EXPIRED])
def test_runs_without_result_say_why(client: FlaskClient, store: Store, status: RunStatus) -> None:
    run = make_run(store, "example.com", record(status=status, error="it was so"))
    message = {"failed": "it was so", "canceled": "was canceled", "expired": "expired before it could start"}[
        status.value
    ]
    assert message in text_of(client, f"/jobs/{run.id}")


def test_a_waiting_job_is_held_released_moved_and_canceled(client: FlaskClient, store: Store) -> None:
    first, second = (queue_job(store, name).id for name in ("first.example", "second.example"))
    text = text_of(client, f"/jobs/{second}")
    assert "Queued" in text
    assert 'data-refresh="2"' in text
    assert post(client, f"/jobs/{second}/front") == (303, f"/jobs/{second}?note=job-front")
    assert [job["id"] for job in client.get("/api/v1/queue").get_json()["items"]] == [second, first]
    assert post(client, "/jobs/hold", of=second) == (303, f"/jobs/{second}?note=job-held&of={second}")
    held = text_of(client, f"/jobs/{second}?note=job-held&of={second}")
    assert "On hold" in held
    assert "Undo" in held
    assert post(client, "/jobs/hold", of=second)[0] == 409
    assert post(client, "/jobs/release", of=second, next="/recent")[1].startswith("/recent?note=job-released")
    assert "Cancel the test of second.example?" in text_of(client, f"/jobs/{second}/cancel")
    assert post(client, f"/jobs/{second}/cancel")[0] in (200, 400)
    assert post(client, f"/jobs/{second}/cancel", confirmed="yes") == (303, f"/jobs/{second}?note=job-canceled")
    assert "was canceled" in text_of(client, f"/jobs/{second}")
    assert post(client, f"/jobs/{second}/cancel", confirmed="yes") == (303, f"/jobs/{second}?note=job-over")


def test_a_running_job_shows_its_progress_and_is_stopped(client: FlaskClient, store: Store) -> None:
    job = claim(store, queue_job(store, "example.com").id)
    text = text_of(client, f"/jobs/{job.id}", X_Partial="job")
    assert "Running" in text
    assert "<progress" in text
    assert post(client, f"/jobs/{job.id}/cancel", confirmed="yes")[1].endswith("note=job-stopping")
    assert "is being stopped" in text_of(client, f"/jobs/{job.id}")


def test_a_job_is_tested_again_with_its_options(client: FlaskClient, run_id: str) -> None:
    status, location = post(client, f"/jobs/{run_id}/again")
    assert status == 303
    job = location.removeprefix("/jobs/").partition("?")[0]
    assert job != run_id
    assert client.get(f"/api/v1/jobs/{job}").get_json()["domain"] == "xn--bcher-kva.example"


def test_a_deleted_run_is_not_found(client: FlaskClient) -> None:
    text = text_of(client, "/jobs/job_none", 404)
    assert "not_found" in text
    assert "<h1" in text


def test_a_reader_sees_no_button_that_changes_anything(make_app: Any, store: Store, run_id: str) -> None:
    app = make_app(admin_tokens=CONFIGURED)
    waiting = queue_job(store, "example.com").id
    for path in (f"/jobs/{run_id}", f"/jobs/{waiting}"):
        text = app.test_client().get(path, headers={**HTML, **bearer(READ)}).get_data(as_text=True)
        assert "<h1>" in text
        assert "Test again" not in text
        assert "<form" not in text.split("<main")[1].split("</main>")[0]


def test_a_run_with_thousands_of_findings_is_a_light_page_all_the_same(client: FlaskClient, store: Store) -> None:
    many = [
        EntryRecord(number / 100, "ZONE", "zone02", "REFRESH_MINIMUM_VALUE_LOWER", "NOTICE", {"refresh": number})
        for number in range(2000)
    ]
    worst = EntryRecord(99.0, "ZONE", "zone02", "REFRESH_MINIMUM_VALUE_LOWER", "CRITICAL", {"refresh": 424242})
    run = make_run(store, "example.com", record(entries=[*many, worst], at=NOON + timedelta(hours=1)))
    text = text_of(client, f"/jobs/{run.id}")
    assert "refresh=424242" in text
    assert "are not shown" in text
    assert len(text.encode()) < 153_000
    assert "are not shown" not in text_of(client, f"/jobs/{run.id}?all=yes&level=critical")
    assert len(text_of(client, f"/jobs/{run.id}/result.txt").splitlines()) > 4000


def test_the_log_of_a_failed_attempt_is_text(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "x.example", record(status=RunStatus.FAILED, error="RuntimeError: broken"))
    waiting = queue_job(store, "y.example")
    for job_id in (run.id, waiting.id):
        assert "Log of failed attempts" not in text_of(client, f"/jobs/{job_id}")
        with store.transaction() as session:
            lines = ["event='began'", "event='<script>alert(1)</script>'"]
            add_attempt_log(session, job_id, attempt=1, worker="w7@host", ended_at=NOON, lines=lines)
        text = text_of(client, f"/jobs/{job_id}")
        assert "Attempt 1 on w7@host" in text
        assert "event=&#39;began&#39;\nevent=&#39;&lt;script&gt;alert(1)&lt;/script&gt;&#39;" in text


def test_verdict_of_the_policy_is_shown_with_what_fails(client: FlaskClient, store: Store) -> None:
    config = {"policy": {"name": "registration", "version": "1"}}
    failing = EntryRecord(0.2, "DELEGATION", "delegation05", "NS_IS_CNAME", "ERROR", {"ns": "ns.a.example"})
    outcome = record(entries=[failing], verdict="fail", effective_profile='{"test_cases": []}')
    path = f"/jobs/{make_run(store, 'a.example', outcome, config=config).id}"
    text = text_of(client, path)
    assert "Verdict of the policy registration" in text
    assert "Failed by the policy" in text
    assert "delegation05 <code>NS_IS_CNAME</code>" in text
    assert "Utslag enligt policyn registration" in text_of(client, path, Accept_Language="sv")


def test_verdict_by_a_policy_of_another_release_is_shown_without_suites(client: FlaskClient, store: Store) -> None:
    config = {"policy": {"name": "registration", "version": "0"}}
    run = make_run(store, "a.example", record("INFO", verdict="pass"), config=config)
    text = text_of(client, f"/jobs/{run.id}")
    assert "Verdict of the policy registration" in text
    assert "NameServers" not in text


def test_public_result_shows_the_verdict_of_the_policy(client: FlaskClient, store: Store) -> None:
    config = {"policy": {"name": "registration", "version": "1"}}
    outcome = record("INFO", verdict="undecided", effective_profile='{"test_cases": []}')
    make_run(store, "a.example", outcome, config=config, public_id="4fT0aZq81LmX")
    text = text_of(client, "/public/result/4fT0aZq81LmX")
    assert "Verdict of the policy registration" in text
    assert "No verdict" in text
