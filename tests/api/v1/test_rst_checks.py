"""Rehearsals of Registry System Testing over HTTP: queued for each TLD, run by the engine of a worker, reported."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from gonemaster_api.use_cases.submission import rst_checks
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job, RstCheck, RunStatus
from gonemaster_db.service import rst_checks as stored_checks
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.worker.execute.engine_runner import EngineRunner
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder
from tests.api.web.test_errors import error_of
from tests.engine.rst.code_zones import ZONES, healthy
from tests.support.dnsworld import World
from tests.support.rows import claim, finish_job, record
from tests.support.rst_worlds import TLD, counted_network, input_of

PATH = "/api/v1/rst-checks"
GLOBAL = {
    "dns.nameservers": [
        {
            "name": name,
            "nameservers": [
                {"name": f"ns1.nic.{name}", "v4Addrs": ["198.41.0.4"]},
                {"name": f"ns2.nic.{name}", "v6Addrs": ["2001:503:ba3e::2:30"]},
            ],
        }
        for name in ("one", "two")
    ],
    "dnssec.dsRecords": [
        {"name": name, "dsRecords": [{"keyTag": 1, "alg": 13, "digestType": 2, "digest": "AB" * 32}]}
        for name in ("one", "two")
    ],
}


def submit(client: FlaskClient, inputs: Any, **fields: Any) -> Any:
    response = client.post(PATH, json={"inputs": inputs, **fields})
    assert response.status_code == 201, response.text
    return response.get_json()


def count(store: Store, table: type[Any]) -> int:
    with store.read_only() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_each_tld_is_a_single_job_of_the_normal_tier(client: FlaskClient, queue: QueueParts) -> None:
    check = submit(client, GLOBAL | {"epp.hostModel": "objects"})
    assert (check["state"], check["result"]) == ("queued", None)
    assert [tld["name"] for tld in check["tlds"]] == ["one", "two"]
    with queue.store.read_only() as session:
        jobs = session.scalars(select(Job).order_by(Job.position)).all()
        assert [(job.domain, job.priority, job.batch_id) for job in jobs] == [("one", 0, None), ("two", 0, None)]
        assert [tld["job_id"] for tld in check["tlds"]] == [job.id for job in jobs]
    assert client.get(f"{PATH}/{check['id']}").get_json() == check
    listed = client.get(PATH).get_json()
    assert (listed["total"], [item["id"] for item in listed["items"]]) == (1, [check["id"]])


def test_repeated_request_with_a_key_queues_once(client: FlaskClient, queue: QueueParts) -> None:
    answers = [
        client.post(PATH, json={"inputs": GLOBAL}, headers={"Idempotency-Key": "mine"}).get_json() for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert (count(queue.store, RstCheck), count(queue.store, Job)) == (1, 2)


def _changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = deepcopy(GLOBAL)
    change(document)
    return document


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ({}, "missing_inputs", None),
        ({"inputs": []}, "invalid_rst_inputs", None),
        ({"inputs": {}}, "invalid_rst_inputs", "dns.nameservers"),
        ({"inputs": GLOBAL, "policy": "x"}, "unknown_field", None),
        ({"inputs": GLOBAL | {"dns.gluePolicy": "all"}}, "invalid_rst_inputs", "dns.gluePolicy"),
        (
            {"inputs": _changed(lambda d: d["dns.nameservers"][1].update(name="two.example"))},
            "invalid_rst_inputs",
            "dns.nameservers[1].name",
        ),
        (
            {"inputs": _changed(lambda d: d["dns.nameservers"][0]["nameservers"][0].update(v4Addrs=["10.0.0.1"]))},
            "private_undelegated_ip",
            None,
        ),
    ],
)
def test_bad_inputs_are_refused_and_nothing_is_queued(
    client: FlaskClient, queue: QueueParts, body: Any, code: str, path: str | None
) -> None:
    response = client.post(PATH, json=body)
    assert response.status_code == 400
    error = error_of(response)
    assert error["code"] == code
    if path:
        assert error["details"]["path"] == path
    assert (count(queue.store, RstCheck), count(queue.store, Job)) == (0, 0)


def test_excluded_test_case_of_rst_is_refused(make_app: Any, queue: QueueParts) -> None:
    response = make_app(exclude="connectivity01").test_client().post(PATH, json={"inputs": GLOBAL})
    assert (response.status_code, error_of(response)["code"]) == (400, "testcase_excluded")
    assert count(queue.store, Job) == 0


def test_number_of_unfinished_checks_is_limited(
    client: FlaskClient, queue: QueueParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rst_checks, "MAX_UNFINISHED", 1)
    first = submit(client, GLOBAL)
    response = client.post(PATH, json={"inputs": GLOBAL})
    assert (response.status_code, error_of(response)["code"]) == (503, "too_many_rst_checks")
    assert (count(queue.store, RstCheck), count(queue.store, Job)) == (1, 2)
    for tld in first["tlds"]:
        client.post(f"/api/v1/jobs/{tld['job_id']}/cancel")
    submit(client, GLOBAL)


def test_oldest_checks_are_deleted(client: FlaskClient, queue: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_checks, "MAX_CHECKS", 2)
    checks = [submit(client, GLOBAL)["id"] for _ in range(3)]
    listed = client.get(f"{PATH}?limit=1&offset=1").get_json()
    assert (listed["total"], [item["id"] for item in listed["items"]]) == (2, [checks[1]])
    assert client.get(f"{PATH}/{checks[0]}").status_code == 404


def test_unfinished_and_unknown_checks_have_no_report(client: FlaskClient, queue: QueueParts) -> None:
    check = submit(client, GLOBAL)
    response = client.get(f"{PATH}/{check['id']}/report")
    assert (response.status_code, error_of(response)["code"]) == (409, "not_finished")
    for path in ("rst_0", "rst_0/report"):
        assert client.get(f"{PATH}/{path}").status_code == 404
    assert client.get(f"{PATH}/{check['id']}/report?format=pdf").status_code == 400


def test_canceled_job_leaves_the_check_undecided(client: FlaskClient, queue: QueueParts) -> None:
    check = submit(client, GLOBAL)
    for tld in check["tlds"]:
        client.post(f"/api/v1/jobs/{tld['job_id']}/cancel")
    found = client.get(f"{PATH}/{check['id']}").get_json()
    assert (found["state"], found["result"]) == ("finished", "undecided")
    report = client.get(f"{PATH}/{check['id']}/report").get_json()
    reasons = {reason for suite in report["suites"] for case in suite["testCases"] for reason in case["reasons"]}
    assert reasons == {"The run of the TLD was canceled."}


def run_job(world: World, job: Job, directory: Path) -> RunOutcome:
    """Run a job with the engine of a worker."""
    settings = Settings(
        root_hints_path=world.write_hints(directory / "hints"),
        dns_port=world.port,
        allow_non_global=True,
        ipv6_mode="on",
    )

    async def whole() -> RunOutcome:
        runner = EngineRunner(LiveSettings(settings))
        await runner.open()
        try:
            order = TestOrder(job.id, job.domain, job.config, None, 90.0, is_urgent=True)
            return await runner.run(order, Listeners(lambda _: None, lambda _: None))
        finally:
            await runner.close()

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("world", "result", "codes"),
    [
        (healthy(), "pass", []),
        (
            ZONES["dnssec-93", "DNSSEC_NSEC3_SALT_IS_NOT_EMPTY"].world(),
            "fail",
            ["DNSSEC_NSEC3_SALT_IS_NOT_EMPTY", "ZM_DS03_ILLEGAL_SALT_LENGTH"],
        ),
    ],
    ids=["healthy", "salt"],
)
def test_finished_check_has_a_report_as_json_page_and_text(
    client: FlaskClient, queue: QueueParts, tmp_path: Path, world: World, result: str, codes: list[str]
) -> None:
    with counted_network(), world:
        check = submit(client, input_of(world))
        (tld,) = check["tlds"]
        job = claim(queue.store, tld["job_id"])
        assert client.get(f"{PATH}/{check['id']}").get_json()["state"] == "running"
        outcome = run_job(world, job, tmp_path)
    finish_job(queue.store, job, record(entries=list(outcome.entries), effective_profile=outcome.effective_profile))
    found = client.get(f"{PATH}/{check['id']}").get_json()
    assert (found["state"], found["result"], found["error_codes"]) == ("finished", result, codes)
    report = client.get(f"{PATH}/{check['id']}/report").get_json()
    assert (report["result"], report["errorCodes"]) == (result, codes)
    assert report["inputs"]["dns.nameservers"][0]["name"] == TLD
    page = client.get(f"{PATH}/{check['id']}/report?format=html&locale=sv")
    assert page.mimetype == "text/html"
    assert "attachment" in page.headers["Content-Disposition"]
    assert "Genrep" in page.text
    assert all(code in page.text for code in codes)
    text = client.get(f"{PATH}/{check['id']}/report?format=txt").text
    assert "StandardDNSSEC" in text
    assert client.get(f"/api/v1/jobs/{tld['job_id']}/result").get_json()["status"] == RunStatus.SUCCEEDED


def test_inputs_and_jobs_are_stored_with_the_check(client: FlaskClient, queue: QueueParts) -> None:
    check = submit(client, GLOBAL)
    with queue.store.read_only() as session:
        stored = session.scalars(select(RstCheck)).one()
        assert json.loads(stored.inputs)["dns.gluePolicy"] == "wide"
        assert stored.job_ids == [tld["job_id"] for tld in check["tlds"]]
