"""Tokens of the whole service: the how-to, SIGHUP, revocation in all processes, and the logs."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gonemaster_api.auth.tokens import digest_of, new_token
from tests.support.service import Service, is_overloaded, open_url, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HOWTO = Path(__file__).parent.parent.parent / "docs/howto/tokens.md"
ROOT_TOKEN = new_token()
TOKEN = re.compile(r"gm_[A-Za-z0-9_-]{40,}")


def configure(home: Path, *tokens: tuple[str, str]) -> Path:
    """Write the configuration file with labels and tokens."""
    file = home / "settings.json"
    entries = [{"label": label, "hash": digest_of(token)} for label, token in tokens]
    file.write_text(json.dumps({"auth": {"admin_tokens": entries}}))
    return file


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A whole server with two API processes on a public address, which requires tokens."""
    home = tmp_path_factory.mktemp("home", numbered=True)
    environ = {"HOME": str(home), "GONEMASTER_DATA_DIR": str(home / ".local/share/gonemaster")}
    config = configure(home, ("root", ROOT_TOKEN))
    with Service(home=home, environ=environ, config=config, api_processes=2, listen="0.0.0.0:0") as shared:
        yield shared.wait_until_ready()


def ask(service: Service, token: str = "", path: str = "/api/v1/queue") -> int:
    """Send a request on a separate connection, so that any process may answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with open_url(urllib.request.Request(service.url + path, headers=headers)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def wait_for_status(service: Service, token: str, status: int) -> None:
    """Wait until all processes respond like this; frequent refusals get 429."""
    expected = {status, 429} if status == 401 else {status}
    wait_for(lambda: {ask(service, token) for _ in range(16)} <= expected, what=f"{status} of all processes")


def command(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gonemaster_api.server", *arguments],
        env=service.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def add(service: Service, label: str, *scopes: str) -> str:
    done = command(service, "auth", "add-token", "--label", label, *(f"--scope={scope}" for scope in scopes))
    assert done.returncode == 0, done.stderr
    return str(TOKEN.findall(done.stdout)[0])


def hang_up(service: Service) -> None:
    service.process.send_signal(signal.SIGHUP)


def steps() -> list[tuple[str, str]]:
    """Return the shell blocks and JSON blocks of the how-to in order."""
    found = re.findall(r"((?:^    \S.*\n)+)|^```json\n([^`]*)```", HOWTO.read_text(), re.MULTILINE)
    return [
        ("sh", re.sub("^    ", "", shell, flags=re.MULTILINE)) if shell else ("json", text) for shell, text in found
    ]


def test_the_commands_of_the_howto_work(service: Service) -> None:
    """Run one shell block after another, with the printed token in place of the dots on the page."""
    last, hashed = "", ""
    environ = service.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GONEMASTER_CONFIG": str(service.home / "settings.json"),
    }
    kinds = []
    for kind, text in steps():
        kinds.append(kind)
        if kind == "json":
            document = json.loads(text.replace("sha256:...", hashed))
            document["auth"]["admin_tokens"].append({"label": "root", "hash": digest_of(ROOT_TOKEN)})
            (service.home / "settings.json").write_text(json.dumps(document))
            continue
        if "auth clear" in text:  # the configured tokens, which are to be removed first
            assert command(service, "--config", str(service.home / "settings.json"), "auth", "clear").returncode == 2
            continue
        if last and "GONEMASTER_TOKEN=" in text:
            wait_for_status(service, last, 200)
        text = text.replace("gm_...", last).replace("http://127.0.0.1:8080", service.url)
        if "$GONEMASTER_TOKEN" in text and "export" not in text:
            text = f"GONEMASTER_TOKEN={last}\n{text}"
        done = subprocess.run(
            ["bash", "-euc", text],
            cwd=service.home,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (text, done.stdout, done.stderr)
        if printed := TOKEN.findall(done.stdout):
            last, hashed = printed[-1], re.findall("sha256:[0-9a-f]{64}", done.stdout)[-1]
        if "auth list" in text:
            assert re.search(r"monitoring +read +database", done.stdout), done.stdout
    assert kinds.count("json") == 1
    assert len(kinds) > 7
    wait_for_status(service, last, 200)  # the token of the file, after SIGHUP
    configure(service.home, ("root", ROOT_TOKEN))
    hang_up(service)
    wait_for_status(service, last, 401)


def test_sighup_loses_no_request_and_no_stream(service: Service) -> None:
    stop, answers = threading.Event(), []
    address = urlsplit(service.url)
    headers = {"Authorization": f"Bearer {ROOT_TOKEN}"}

    def keep_asking() -> None:
        with closing(http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)) as connection:
            connection.connect()
            connection.auto_open = 0  # opening another connection would lose this one
            while not stop.is_set():
                connection.request("GET", "/api/v1/queue", headers=headers)
                with connection.getresponse() as answer:
                    if not is_overloaded(answer.status, answer.read()):  # a busy machine may refuse
                        answers.append(answer.status)
                stop.wait(0.02)

    workers = api_workers(service)
    late = new_token()
    with ThreadPoolExecutor(2) as threads:
        asking = [threads.submit(keep_asking) for _ in range(2)]
        try:
            for labels in ([("late", late)], [], [("late", late)]):
                configure(service.home, ("root", ROOT_TOKEN), *labels)
                hang_up(service)
                wait_for_status(service, late, 200 if labels else 401)
            (service.home / "settings.json").write_text("{")
            hang_up(service)
            service.wait_for_log("tokens not reloaded, the previous ones stay valid")
            wait_for_status(service, late, 200)
        finally:
            stop.set()
        for each in asking:
            each.result()
    configure(service.home, ("root", ROOT_TOKEN))
    assert len(answers) > 20
    assert set(answers) == {200}
    assert api_workers(service) == workers, "no process was replaced"


def api_workers(service: Service) -> set[int]:
    """Return the processes that serve the API."""
    return {pid for name in ("api", "api-1", "api-2") for pid in service.pids(name)}


def test_a_revoked_token_ends_everywhere_with_its_sessions_and_streams(service: Service) -> None:
    token = add(service, "short", "operate")
    wait_for_status(service, token, 200)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    assert service.call("POST", "/api/v1/queue/pause", None, **headers)[0] == 200
    status, job = service.call("POST", "/api/v1/jobs", {"domain": "good.xa"}, **headers)
    assert status == 201
    cookie = cookie_of(service, token)
    assert status_with_cookie(service, cookie) == 200
    request = urllib.request.Request(f"{service.url}/api/v1/jobs/{job['id']}/events", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as stream:
        assert stream.readline()  # the page is accessible without a token
        assert command(service, "auth", "revoke", "short").returncode == 0
        assert status_with_cookie(service, cookie) in (401, 429), "sessions are looked up in the database"
        wait_for_status(service, token, 401)
        try:
            rest = stream.read()  # the stream ends without a client: the job stays paused
        except (http.client.IncompleteRead, ConnectionError):
            rest = b""
        assert b"event: done" not in rest
    assert "was revoked before" in command(service, "auth", "revoke", digest_of(token)[7:19]).stdout


def cookie_of(service: Service, token: str) -> str:
    body = json.dumps({"token": token}).encode()
    request = urllib.request.Request(
        f"{service.url}/api/v1/session", data=body, headers={"Content-Type": "application/json"}
    )
    with open_url(request) as answer:
        return str(answer.headers["Set-Cookie"]).partition(";")[0]


def status_with_cookie(service: Service, cookie: str) -> int:
    return service.call("GET", "/api/v1/jobs", None, Cookie=cookie)[0]


def test_two_operators_at_the_same_time_lose_no_update(service: Service) -> None:
    def work(number: int) -> tuple[int, str]:
        done = command(service, "auth", "add-token", "--label", f"twice{number // 2}")
        return done.returncode, done.stdout

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(work, range(4)))
    assert sorted(status for status, _ in found) == [0, 0, 2, 2]
    for token in (TOKEN.findall(text)[0] for status, text in found if status == 0):
        wait_for_status(service, token, 200)


def test_no_token_and_no_digest_is_in_what_was_logged(service: Service) -> None:
    assert ask(service, ROOT_TOKEN) == 200
    assert ask(service, "gm_" + "S3cret" * 8) in (401, 429)
    service.wait_for_log("http_request")
    assert "token='root'" in service.log
    for secret in (ROOT_TOKEN, "S3cret", digest_of(ROOT_TOKEN)[7:], "Bearer gm_"):
        assert secret not in service.log
    assert not TOKEN.search(service.log)
    assert not re.search("sha256:[0-9a-f]{64}", service.log)
