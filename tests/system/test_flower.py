"""Flower beside the service, as `gonemaster-server flower` starts it."""

import base64
import importlib.util
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.support.service import Service, wait_for
from tests.system.conftest import StartService

needs_flower = pytest.mark.skipif(
    importlib.util.find_spec("flower") is None, reason="the extra [flower] is not installed"
)
LOGIN = "operator:correct horse"


def ready(start: StartService, redis: EmbeddedRedis, **environ: str) -> tuple[Service, str]:
    """Start Flower on a free port; gives it and its address."""
    shared = {"GONEMASTER_BROKER_URL": redis.url, "GONEMASTER_FLOWER_LISTEN": "127.0.0.1:0"}
    service = start("flower", ready=False, listen=None, environ=shared | environ)
    service.wait_for_log("flower is ready")
    found = re.search(r"http://127\.0\.0\.1:\d+", service.log)
    assert found, service.log
    return service, found[0]


def ask(url: str, login: str = "", *, method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(url, method=method)
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
def test_operations_are_refused_even_with_the_login(own_redis: EmbeddedRedis, start: StartService) -> None:
    _, url = ready(start, own_redis, GONEMASTER_FLOWER_BASIC_AUTH=LOGIN)
    status, text = ask(url + "/api/task/send-task/gonemaster.reap", LOGIN, method="POST")
    assert (status, "read" in text.lower()) == (403, True), text


@needs_flower
def test_it_stops_also_when_redis_is_gone(own_redis: EmbeddedRedis, start: StartService) -> None:
    service, _ = ready(start, own_redis, GONEMASTER_FLOWER_BASIC_AUTH=LOGIN)
    own_redis.stop()
    assert service.stop() == 0


@needs_flower
def test_workers_and_tasks_appear_by_their_names(own_redis: EmbeddedRedis, start: StartService) -> None:
    shared = {"GONEMASTER_BROKER_URL": own_redis.url}
    service = start(environ=shared, worker_processes=1)
    _, url = ready(start, own_redis, GONEMASTER_FLOWER_BASIC_AUTH=LOGIN)
    name = service.get("/queue")["workers"][0]["name"]
    wait_for(lambda: name in ask(url + "/api/workers?refresh=1", LOGIN)[1], what="the worker in Flower")

    def task_seen() -> bool:
        service.finished(service.submit("good.xa"))  # events begin when Flower has asked for them
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
