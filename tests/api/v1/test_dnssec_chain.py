"""The chain of trust over HTTP: as built by the engine, stored with the run, deleted with it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from gonemaster_api.v1.runs.chain_schemas import DnssecChainSchema
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunDocument
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.worker.execute.engine_runner import EngineRunner
from gonemaster_tasks.worker.execute.runner import Listeners, TestOrder
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.support.dnssec_worlds import ZONE, secure
from tests.support.dnsworld import World
from tests.support.rows import claim, finish_job, make_run, record

Serve = Callable[[World], World]


@pytest.fixture
def chain(loopback_dns: Serve, tmp_path: Path) -> dict[str, Any]:
    """The chain of a signed zone, as a worker gets it from the engine."""
    world = loopback_dns(secure())
    settings = Settings(
        root_hints_path=world.write_hints(tmp_path / "hints"), dns_port=world.port, allow_non_global=True
    )

    async def whole() -> Any:
        runner = EngineRunner(LiveSettings(settings))
        await runner.open()
        try:
            order = TestOrder("job_1", ZONE, {"tests": ["basic", "dnssec"], "origin": "admin"}, None, 60.0)
            return await runner.run(order, Listeners(lambda _: None, lambda _: None))
        finally:
            await runner.close()

    found = asyncio.run(whole()).dnssec_chain
    assert found is not None
    return dict(found)


def test_chain_is_given_as_it_was_made(client: FlaskClient, store: Store, chain: dict[str, Any]) -> None:
    run = make_run(store, ZONE, record("INFO", dnssec_chain=chain))
    answer = client.get(f"/api/v1/runs/{run.id}/dnssec-chain")
    assert answer.get_json() == chain
    assert set(chain) == set(DnssecChainSchema().fields)
    assert client.get(f"/api/v1/runs/{run.id}/result").get_json()["has_dnssec_chain"] is True


def test_chain_goes_with_its_run(client: FlaskClient, store: Store) -> None:
    answer = submit(client, "a.example")
    (job_id,) = answer["job_ids"]
    finish_job(store, claim(store, job_id), record("INFO", dnssec_chain={"version": 3, "zone": "a.example"}))
    assert client.get(f"/api/v1/runs/{job_id}/dnssec-chain").get_json()["zone"] == "a.example"
    assert client.delete(f"/api/v1/batches/{answer['batch_id']}").status_code == 204
    with store.read_only() as session:
        assert session.scalar(select(func.count()).select_from(RunDocument)) == 0


def test_run_without_chain(client: FlaskClient, store: Store) -> None:
    run = make_run(store)
    response = client.get(f"/api/v1/runs/{run.id}/dnssec-chain")
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")
    assert client.get(f"/api/v1/runs/{run.id}/result").get_json()["has_dnssec_chain"] is False
