"""The logs of a whole service: no secret in any failure, and the request id in all lines that the request causes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from gonemaster_api.auth.tokens import digest_of, new_token
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_db.service.access import add_token
from tests.support.postgres import PostgresServer
from tests.support.redis_addresses import free_port, redis_on_port
from tests.support.service import Service, open_url, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SECRETS = {
    "database": "Kn0ckDb-Zq7",
    "broker": "Kn0ckBroker-Zq7",
    "mail": "Kn0ckMail%2FZq7",
    "webhook": "Kn0ckHook-Zq7-long-enough-to-sign",
    "webhook key": "Kn0ckKey-Zq7",
    "webhook login": "Kn0ckLogin-Zq7",
    "flower": "Kn0ckFlower-Zq7",
    "token": new_token(),
    "wrong token": new_token(),
    "session": new_token(),
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server that may be stopped."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def service(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory, in_demo_world: dict[str, str], tmp_path: Path
) -> Iterator[Service]:
    """A service with secret URLs and tokens, at the most verbose log level."""
    name = postgres.create_database()
    with_password = postgres.url(name).replace("@", f":{SECRETS['database']}@")
    store = open_store(StoreSettings(driver="postgres", dsn=with_password))
    upgrade(store)
    with store.transaction() as session:
        add_token(session, digest_of(SECRETS["token"]), label="root", scopes=(), now=utcnow())
    store.close()
    directory = tmp_path_factory.mktemp("r", numbered=True)
    with redis_on_port(directory) as port:
        redis.Redis(port=port).config_set("requirepass", SECRETS["broker"])
        environ = in_demo_world | {
            "GONEMASTER_DB_DRIVER": "postgres",
            "GONEMASTER_DB_DSN": with_password,
            "GONEMASTER_BROKER_URL": f"redis://:{SECRETS['broker']}@127.0.0.1:{port}/0",
            "GONEMASTER_SMTP_URL": f"smtp://mailer:{SECRETS['mail']}@127.0.0.1:{free_port()}",
            "GONEMASTER_SMTP_FROM": "dns@example.net",
            "GONEMASTER_FLOWER_BASIC_AUTH": f"someone:{SECRETS['flower']}",
            "GONEMASTER_ALLOW_PRIVATE_WEBHOOKS": "true",
            "GONEMASTER_LOG_FORMAT": "json",
            "GONEMASTER_LOG_LEVEL": "debug",
        }
        with Service(environ=environ) as made:
            wait_for(lambda: '"gonemaster is ready"' in made.log or made.process.poll() is not None, timeout_s=120)
            yield made


def lines(service: Service) -> list[dict[str, Any]]:
    """Return the log lines of all processes."""
    found = [line for line in service.log.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in found]


def ask(url: str, token: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with open_url(request) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


def test_no_secret_is_written_and_the_id_of_a_request_leads_to_its_job(
    service: Service, postgres: PostgresServer
) -> None:
    (ready,) = [line for line in lines(service) if line["event"] == "gonemaster is ready"]
    api, token = f"{ready['url']}/api/v1", SECRETS["token"]
    status, job = ask(f"{api}/jobs", token, "POST", {"domain": "good.xa"})
    assert status == 201
    status, batch = ask(f"{api}/jobs/batch", token, "POST", {"domains": ["plain.xa"]})
    assert status == 202
    _use_secrets(api, token)
    wait_for(lambda: ask(f"{api}/jobs/{job['id']}", token)[1]["finished_at"], timeout_s=90)
    wait_for(lambda: ask(f"{api}/batches/{batch['batch_id']}", token)[1]["status"] == "done", timeout_s=90)
    _check_ids(lines(service), job["id"], batch["batch_id"])

    postgres.stop()  # every process logs the failure
    assert ask(f"{api}/jobs", token, "POST", {"domain": "good.xa"})[0] >= 500
    assert ask(f"{api}/readyz", token)[0] == 503
    postgres.start()
    wait_for(lambda: ask(f"{api}/queue", token)[0] == 200, timeout_s=60)
    service.stop()
    written = service.log
    assert written.count("\n") > 50
    leaks = {name: written[at - 200 : at + 100] for name, text in SECRETS.items() if (at := written.find(text)) >= 0}
    assert leaks == {}
    assert "Kn0ck" not in written


def _use_secrets(api: str, token: str) -> None:
    assert ask(f"{api}/queue", SECRETS["wrong token"])[0] == 401
    assert ask(f"{api}/session", "", "POST", {"token": SECRETS["session"]})[0] == 401
    assert ask(f"{api}/session", "", "POST", {"token": token})[0] in (200, 201, 204)
    assert ask(f"{api}/tags", token, "POST", {"name": "mine"})[0] == 201
    hook = f"http://127.0.0.1:{free_port()}/?key={SECRETS['webhook key']}"
    watch = {"tag": "mine", "events": ["batch.finished"], "secret": SECRETS["webhook"]}
    login = f"http://user:{SECRETS['webhook login']}@127.0.0.1/"
    assert ask(f"{api}/watches", token, "POST", watch | {"url": login})[0] == 400
    mail = {"tag": "mine", "events": ["batch.finished"], "email": "someone@example.net"}
    for document in (watch | {"url": hook}, mail):
        status, made = ask(f"{api}/watches", token, "POST", document)
        assert status == 201, made
        assert ask(f"{api}/watches/{made['id']}/test", token, "POST")[0] < 500


def _check_ids(found: list[dict[str, Any]], job_id: str, batch_id: str) -> None:
    (request,) = [line for line in found if line["event"] == "http_request" and line.get("job_id") == job_id
                  and line["method"] == "POST"]  # fmt: skip
    about = [line for line in found if line.get("request_id") == request["request_id"] and line is not request]
    assert {"test begins", "test ended"} <= {line["event"] for line in about}
    assert {line["job_id"] for line in about} == {job_id}
    of_batch = [line for line in found if line.get("batch_id") == batch_id]
    assert {"http_request", "test begins", "test ended"} <= {line["event"] for line in of_batch}
    assert len({line["request_id"] for line in of_batch if line["event"] in {"http_request", "test begins"}}) == 1
