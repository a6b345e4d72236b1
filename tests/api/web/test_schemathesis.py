"""Generated requests from the OpenAPI document, valid and invalid, to a real server, which responds as documented."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.domains.profiles import create_profile
from gonemaster_db.domains.tags import create_tag
from gonemaster_db.queue.jobs import create_jobs
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.support.analysis_world import Chance, make_cohort, make_snapshot
from tests.support.examples import examples
from tests.support.rows import NOON, claim, make_run, queue_job, record
from tests.support.service import Service

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
)
# Streams of a job that has not ended stay open; tests/api/streams/test_events.py reads them. The catalogue is 503 if
# nothing is public, which other requests may cause; tests/api/analysis reads it. DNS lookups leave this machine. After
# the first token all requests need one; tests/api/v1/test_tokens.py creates it. Schemathesis cannot write JSON lines;
# tests/api/v1/test_checks.py sends them.
LEFT_OUT = "/events$|/catalog$|/lookup/|/tokens|/checks/batch$"
# Strict types let it try the limits of every parameter; random values are tried if they are quick.
PHASES = {"postgres": "coverage", "sqlite": "examples,fuzzing"}
ROUNDS = int(os.environ.get("SCHEMATHESIS_ROUNDS", examples(4, 8)))  # random requests per operation; more take minutes
TAGS = ["mine", "yours", "a b", "caf\u00e9"]


@pytest.fixture
def known(store: Store) -> dict[str, list[Any]]:
    """Existing objects: jobs in each state, runs, batches, domains, tags; with names and ids."""
    runs = [make_run(store, f"d{number % 3}.example", record("INFO", "ERROR")) for number in range(5)]
    public_ids = [new_public_id() for _ in range(3)]
    make_run(store, "p0.example", record("INFO"), public_id=public_ids[0])
    make_run(store, "p1.example", public_id=public_ids[1])
    queue_job(store, "p2.example", public_id=public_ids[2])
    jobs = [queue_job(store, f"q{number}.example").id for number in range(5)]
    claim(store, jobs[0])
    batches = [fill_batch(store, number) for number in range(3)]
    with store.transaction() as session:
        for name in TAGS:
            create_tag(session, name, now=NOON)
        profiles = [create_profile(session, name, config={}, schema_version="0", now=NOON).id for name in TAGS]
    facts = Chance(1).snapshot(12)
    make_snapshot(store, make_cohort(store, is_default=True), facts)
    return {
        "tag": ["se"],
        "slug": [facts.slug],
        "domain": [domain.name for domain in facts.domains],
        "message_tag": sorted({finding[0] for finding in facts.levels}),
        "asn": ["64500", "AS64501"],
        "address": sorted(facts.networks),
        "public_id": public_ids,
        "job_id": [run.id for run in runs] + jobs,
        "run_id": [run.id for run in runs],
        "other_id": [*batches, *(run.id for run in runs)],
        "batch_id": batches,
        "domain_id": sorted({run.domain_id for run in runs}),
        "name": TAGS,
        "profile_id": profiles,
        "testcase_id": ["basic01", "zone09"],
    }


def fill_batch(store: Store, number: int) -> str:
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(domain_count=3, tag="mine"), now=NOON)
        names = (f"b{number}-{part}.example" for part in range(3))
        list(create_jobs(session, (NewJob(name, batch_id=batch.id, priority=1) for name in names), now=NOON))
        return batch.id


@pytest.fixture
def server(store_settings: StoreSettings, redis_server: EmbeddedRedis) -> Iterator[str]:
    """The URL of an API process on the database of this test."""
    settings: dict[str, Any] = {
        "db_driver": store_settings.driver,
        "db_dsn": store_settings.dsn,
        "broker_url": redis_server.url,
    }
    with Service("api", worker_processes=None, api_processes=1, **settings) as service:
        service.wait_for_log("event='serving'", timeout_s=60)
        yield str(re.search(r"event='listening' url='(\S+)'", service.log)[1])  # type: ignore[index]  # waited for
        assert service.process.poll() is None, service.log
        assert "request failed" not in service.log


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_whole_document(
    server: str, known: dict[str, list[Any]], store_settings: StoreSettings, tmp_path: Path
) -> None:
    (tmp_path / "schemathesis.toml").write_text(configuration(known))
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server}/api/v1/openapi.json"]
    done = subprocess.run(
        [*command, *arguments(PHASES[store_settings.driver])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=840,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"Tested: (\d+)", done.stdout)[1]) > 50  # type: ignore[index]


def arguments(phases: str) -> list[str]:
    return [
        *("--exclude-path-regex", LEFT_OUT),
        *("--checks", ",".join(CHECKS)),
        *("--phases", phases),
        *("--max-examples", str(ROUNDS)),
        "--generation-deterministic",
        *("--request-timeout", "120", "--suppress-health-check", "all"),  # a slow machine must not fail the test
        *("--continue-on-failure", "--no-color"),
    ]


def configuration(known: dict[str, list[Any]]) -> str:
    """Three of four path parameters name an existing object."""
    lines = []
    for name, values in known.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values, ensure_ascii=False)}"]
    lines.append("[parameters]")
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.75 }}' for name in known]
    return "\n".join(lines)
