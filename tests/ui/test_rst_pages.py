"""The pages of rehearsals of Registry System Testing: the form, the list, the state and the reports."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.models import Job
from gonemaster_engine.rst import codes
from gonemaster_tasks.control.parts import QueueParts
from tests.api.v1.test_rst_checks import GLOBAL
from tests.support.rows import claim, finish_job, record


def test_a_rehearsal_is_started_listed_and_reported(client: FlaskClient, queue: QueueParts) -> None:
    assert "No rehearsals" in client.get("/rst").text
    response = client.post("/rst", data={"inputs": json.dumps(GLOBAL)})
    assert response.status_code == 303
    page = client.get(response.location).text
    assert "Rehearsal queued." in page
    assert "Rehearsal of one, two" in page
    assert 'data-refresh="3"' in page
    assert "report?format" not in page
    with queue.store.read_only() as session:
        job_ids = session.scalars(select(Job.id).order_by(Job.position)).all()
    assert all(f"/jobs/{job_id}" in page for job_id in job_ids)
    assert "one, two" in client.get("/rst").text
    for job_id in job_ids:
        client.post(f"/api/v1/jobs/{job_id}/cancel")
    page = client.get(response.location).text
    assert "Undecided" in page
    for shape in ("html", "json", "txt"):
        assert f"report?format={shape}" in page
    assert "data-refresh" not in page.partition("<main")[2].partition("</main>")[0]


def test_the_page_shows_what_fails_with_advice(client: FlaskClient, queue: QueueParts) -> None:
    page = client.post("/rst", data={"inputs": json.dumps(GLOBAL)}).location
    with queue.store.read_only() as session:
        one, two = session.scalars(select(Job.id).order_by(Job.position)).all()
    made = [
        *(codes.make_entry(case, "RST_CASE_FINISHED") for case in (codes.SIGNING_ALGORITHMS, codes.DS_DIGESTS)),
        codes.make_entry(codes.DS_DIGESTS, "DNSSEC_INVALID_DIGEST_ALGORITHM", keytag=1, digest_type=1),
    ]
    entries = [
        EntryRecord(each.timestamp, each.module, each.testcase, each.tag, each.level.name, each.args) for each in made
    ]
    for job_id, found in ((one, entries), (two, entries[:2])):
        finish_job(queue.store, claim(queue.store, job_id), record(entries=found))
    shown = client.get(page).text.partition('data-partial="suites"')[2]
    assert "StandardDNSSEC" in shown
    assert "12 of 14 test cases passed" in shown  # dnssec-92 fails, and dnssec-93 did not finish
    row = next(row for row in shown.split("<tr ") if ">dnssec-92<" in row)
    assert "Fail" in row
    assert "one: <code>DNSSEC_INVALID_DIGEST_ALGORITHM</code>" in " ".join(row.split())
    assert "Submit DS records with digest type 2 or 4." in row
    assert ">dnssec-91<" not in shown  # it passed for both TLDs


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The text is not valid JSON"),
        ("{", "The text is not valid JSON"),
        ("[]", "must be a JSON object"),
        (json.dumps(GLOBAL | {"dns.gluePolicy": "all"}), "dns.gluePolicy: must be narrow or wide, not &#39;all&#39;"),
        (json.dumps(GLOBAL).replace("198.41.0.4", "10.0.0.1"), "is not a globally reachable address"),
    ],
)
def test_invalid_inputs_are_explained_kept_and_not_queued(
    client: FlaskClient, queue: QueueParts, text: str, said: str
) -> None:
    response = client.post("/rst", data={"inputs": text})
    assert response.status_code == 400
    assert said in response.text
    with queue.store.read_only() as session:
        assert session.scalars(select(Job.id)).all() == []


def test_an_unknown_rehearsal_is_not_found(client: FlaskClient) -> None:
    assert client.get("/rst/rst_0").status_code == 404
