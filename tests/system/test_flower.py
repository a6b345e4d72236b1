"""Flower together with the service, as `gonemaster-server flower` starts it."""

import base64
import importlib.util
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from gonemaster_api.auth.keyring import Keyring
from gonemaster_api.auth.sessions import Sessions
from gonemaster_api.auth.tokens import digest_of, new_token
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_db.service.access import revoke_token
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.loader import load_settings
from tests.support.service import Service, wait_for
from tests.support.tokens import ADMIN, CONFIGURED, OPERATE, READ
from tests.system.conftest import StartService

needs_flower = pytest.mark.skipif(
    importlib.util.find_spec("flower") is None, reason="the extra [flower] is not installed"
)
LOGIN = "operator:correct horse"


def ready(start: StartService, redis: EmbeddedRedis, **environ: str) -> tuple[Service, str]:
    """Start Flower on a free port; return it and its URL."""
    shared = {"GONEMASTER_BROKER_URL": redis.url, "GONEMASTER_FLOWER_LISTEN": "127.0.0.1:0"}
    service = start("flower", ready=False, listen=None, environ=shared | environ)
    service.wait_for_log("flower is ready")
    found = re.search(r"http://127\.0\.0\.1:\d+", service.log)
    assert found, service.log
    return service, found[0]


def ask(url: str, login: str = "", *, method: str = "GET", **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, method=method, headers=headers)
    if login:
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@needs_flower
def test_nothing_is_shown_without_the_login(own_redis: EmbeddedRedis, start: StartService) -> None:
    service, url = ready(start, own_redis, GONEMASTER_FLOWER_BASIC_AUTH=LOGIN)
    for path in ("/", "/tasks", "/broker", "/api/workers", "/metrics", "/healthcheck", "/static/css/flower.css"):
        assert ask(url + path)[0] == 401, path
        assert ask(url + path, "operator:wrong")[0] == 401, path
    assert ask(url + "/api/task/send-task/gonemaster.reap", method="POST")[0] == 401
    assert ask(url + "/", LOGIN)[0] == 200
    assert ask(url + "/metrics", LOGIN)[0] == 200
    assert "correct horse" not in service.log
    assert "401" not in service.log
    assert service.stop() == 0


@needs_flower
def test_without_a_configured_login_a_password_is_made_and_shown_once(
    own_redis: EmbeddedRedis, start: StartService
) -> None:
    service, url = ready(start, own_redis)
    found = re.findall(r"password='?([\w-]+)", service.log)
    assert len(found) == 1, service.log
    assert ask(url + "/")[0] == 401
    assert ask(url + "/", f"gonemaster:{found[0]}")[0] == 200


@needs_flower
def test_tokens_and_sessions_open_it(own_redis: EmbeddedRedis, start: StartService, tmp_path: Path) -> None:
    tokens = {"GONEMASTER_ADMIN_TOKEN_HASHES": CONFIGURED, "GONEMASTER_DATA_DIR": str(tmp_path)}
    with closing(open_store(StoreSettings(dsn=str(tmp_path / "gonemaster.db")))) as store:
        upgrade(store)
        keyring = Keyring(load_settings({"admin_tokens": CONFIGURED}, {}), store)
        found = keyring.find(OPERATE)
        assert found
        session = Sessions(store, keyring).open(found)
        service, url = ready(start, own_redis, **tokens)
        assert "password=" not in service.log
        for path in ("/", "/metrics", "/api/workers", "/static/css/flower.css"):
            assert ask(url + path)[0] == 401, path
            assert ask(url + path, f"any:{new_token()}")[0] == 401, path
            assert ask(url + path, f"any:{READ}")[0] == 403, path
            assert ask(url + path, f"any:{OPERATE}")[0] == 200, path
            assert ask(url + path, Authorization=f"Bearer {ADMIN}")[0] == 200, path
            assert ask(url + path, Cookie=f"gm_admin={session}")[0] == 200, path
            assert ask(url + path, Cookie=f"gm_admin={OPERATE}")[0] == 401, path
        assert ask(url + "/api/task/send-task/gonemaster.reap", f"any:{ADMIN}", method="POST")[0] == 403
        with store.transaction() as database:
            revoke_token(database, digest_of(OPERATE), label="operator", scopes=[], now=utcnow())
        assert ask(url, Cookie=f"gm_admin={session}")[0] == 401
        wait_for(lambda: ask(url, f"any:{OPERATE}")[0] == 401, what="the end of the revoked token")
        while ask(url)[0] == 401:
            pass  # until the limit of failures
        assert ask(url)[0] == 429
        assert ask(url, f"any:{ADMIN}")[0] == 200
        service.process.send_signal(signal.SIGHUP)
        assert ask(url, f"any:{ADMIN}")[0] == 200
        assert not [token for token in (READ, OPERATE, ADMIN, session) if token in service.log]
        assert service.stop() == 0


@needs_flower
def test_operations_are_refused_even_with_the_login(own_redis: EmbeddedRedis, start: StartService) -> None:
    _, url = ready(start, own_redis, GONEMASTER_FLOWER_BASIC_AUTH=LOGIN)
    status, text = ask(url + "/api/task/send-task/gonemaster.reap", LOGIN, method="POST")
    assert (status, "read" in text.lower()) == (403, True), text


@needs_flower
def test_it_stops_also_when_redis_is_gone(own_redis: EmbeddedRedis, start: StartService) -> None:
    service, _ = ready(start, own_redis, GONEMASTER_FLOWER_BASIC_AUTH=LOGIN)
    service.may_fail = True  # Celery's event receiver logs the lost connection with a traceback
    own_redis.stop()
    assert service.stop() == 0


@needs_flower
def test_workers_and_tasks_appear_by_their_names(own_redis: EmbeddedRedis, start: StartService) -> None:
    shared = {"GONEMASTER_BROKER_URL": own_redis.url}
    # kombu cannot describe a broker on a Unix socket to Flower, and the worker logs that as an error.
    service = start(environ=shared, worker_processes=1, may_fail=True)
    _, url = ready(start, own_redis, GONEMASTER_FLOWER_BASIC_AUTH=LOGIN)
    name = service.get("/queue")["workers"][0]["name"]
    wait_for(lambda: name in ask(url + "/api/workers?refresh=1", LOGIN)[1], what="the worker in Flower")

    def task_seen() -> bool:
        service.finished(service.submit("good.xa"))  # events start when Flower has requested them
        return "gonemaster.run" in ask(url + "/api/tasks", LOGIN)[1]

    wait_for(task_seen, what="a task in Flower")


def test_without_the_package_the_start_says_what_to_install(own_redis: EmbeddedRedis, tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['flower'] = None; from gonemaster_api.server.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", hidden, "flower", "--broker-url", own_redis.url, "--data-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "pip install 'gonemaster[flower]'" in done.stderr


def test_login_without_a_password_is_refused() -> None:
    command = [sys.executable, "-m", "gonemaster_api.server", "flower", "--flower-basic-auth", "only-a-name"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "user:password" in done.stderr
    assert "only-a-name" not in done.stderr
