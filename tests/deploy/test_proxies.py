"""The nginx and Caddy examples in front of a real API: TLS, forwarded headers, body sizes, live events."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gonemaster_api.web.body_limits import _LARGE
from tests.deploy.files import DEPLOY
from tests.support.certificates import Certificates, make_certificates
from tests.support.redis_addresses import free_port
from tests.support.service import Service, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("proxies")]  # one server

HOST = "dns.example"
CLIENT = "127.0.0.2"  # the proxy, which is trusted, has 127.0.0.1


@dataclass(frozen=True)
class Door:
    """A running proxy, and the service behind it."""

    service: Service
    port: int
    plain_port: int
    trust: ssl.SSLContext

    @contextmanager
    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> Iterator[http.client.HTTPResponse]:
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=(CLIENT, 0))
        connection = http.client.HTTPConnection(HOST, timeout=30)
        connection.sock = self.trust.wrap_socket(raw, server_hostname=HOST)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(connection):
            connection.request(method, path, body, {"Content-Type": "application/json", **fields})
            with closing(connection.getresponse()) as answer:
                yield answer

    def document(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        with self.ask(method, path, None if body is None else json.dumps(body).encode(), **headers) as answer:
            return answer.status, json.loads(answer.read())


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    settings: dict[str, Any] = {"public_url": f"https://{HOST}", "trusted_proxy_cidrs": "127.0.0.1/32"}
    with Service(**settings) as running:
        running.wait_until_ready()
        running.post("/queue/pause", {})
        yield running


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def door(request: pytest.FixtureRequest, service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp(request.param)
    certificates = make_certificates(folder, HOST)
    ports = (free_port(), free_port())
    start = {"nginx": nginx, "caddy": caddy}[request.param]
    trust = ssl.create_default_context(cafile=str(certificates.authority))
    with start(folder, certificates, service.url.removeprefix("http://"), ports):
        wait_for(lambda: _listens(ports[0]), what="a listening proxy")
        yield Door(service, *ports, trust)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


@contextmanager
def nginx(folder: Path, certificates: Certificates, api: str, ports: tuple[int, int]) -> Iterator[None]:
    program = _program("nginx", "/usr/sbin/nginx")
    text = (DEPLOY / "nginx" / "gonemaster.conf").read_text(encoding="utf-8")
    text = re.sub(r" *listen \[::\].*\n", "", text)
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{ports[0]} ssl").replace(
        "listen 80;", f"listen 127.0.0.1:{ports[1]};"
    )
    text = text.replace("/etc/nginx/tls/dns.example.pem", str(certificates.chain))
    text = text.replace("/etc/nginx/tls/dns.example.key", str(certificates.key)).replace("127.0.0.1:8080", api)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; events {{}}\nhttp {{ access_log off; {temporary}\n{text}\n}}\n"
    )
    folder.chmod(0o755)
    command = [program, "-e", "stderr", "-p", str(folder), "-g", "user root;", "-c", str(folder / "nginx.conf")]
    with _running(command, folder):
        yield


@contextmanager
def caddy(folder: Path, certificates: Certificates, api: str, ports: tuple[int, int]) -> Iterator[None]:
    program = _program("caddy")
    text = (DEPLOY / "caddy" / "Caddyfile").read_text(encoding="utf-8")
    text = text.replace(
        "{\n\tservers", f"{{\n\tadmin off\n\thttp_port {ports[1]}\n\thttps_port {ports[0]}\n\tservers", 1
    )
    site = f"\n{HOST} {{\n\tbind 127.0.0.1\n\ttls {certificates.chain} {certificates.key}\n"
    text = text.replace(f"\n{HOST} {{\n", site, 1).replace("127.0.0.1:8080", api)
    (folder / "Caddyfile").write_text(text)
    with _running([program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")], folder):
        yield


def _program(name: str, *places: str) -> str:
    found = next(filter(None, map(shutil.which, (name, *places))), None)
    if not found:
        pytest.skip(f"NOT RUN: no {name} on this machine: .ci/apt-tools installs it")
    return found


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[None]:
    environ = {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "PATH": "/usr/bin:/bin",
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def test_the_api_answers_over_tls(door: Door) -> None:
    with door.ask("GET", "/api/v1/readyz") as answer:
        assert (answer.status, json.loads(answer.read())["status"]) == (200, "ok")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_plain_http_is_sent_to_tls(door: Door) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", door.plain_port, timeout=30)
    with closing(connection):
        connection.request("GET", "/somewhere?a=b", headers={"Host": HOST})
        answer = connection.getresponse()
        answer.close()
    assert answer.status in (301, 308)
    assert answer.headers["Location"].startswith(f"https://{HOST}")
    assert answer.headers["Location"].endswith("/somewhere?a=b")


def test_what_a_client_claims_about_itself_is_not_believed(door: Door) -> None:
    lies = {
        "X_Forwarded_For": "203.0.113.9",
        "X_Forwarded_Host": "evil.example",
        "X_Forwarded_Proto": "http",
        "Forwarded": "for=203.0.113.9;host=evil.example",
        "X_Real_IP": "203.0.113.9",
        "X_Request_Id": f"lie-{door.port}",
    }
    path = f"/api/v1/jobs/job_lie{door.port}/cancel"
    refused, document = door.document("POST", path, Origin="https://evil.example", **lies)
    assert (refused, document["error"]["code"]) == (403, "csrf_origin_mismatch")
    accepted, _ = door.document("POST", path, Origin=f"https://{HOST}", **lies)
    assert accepted == 404  # the origin is ours; the job does not exist
    door.service.wait_for_log(path)
    lines = [line for line in door.service.log.splitlines() if path in line]
    assert lines
    assert all(f"remote='{CLIENT}'" in line for line in lines)
    assert not [line for line in lines if f"lie-{door.port}" in line or "203.0.113.9" in line]


@pytest.mark.parametrize("path", ["/api/v1/jobs", *sorted(_LARGE)])
def test_bodies_have_the_limits_of_the_server(door: Door, path: str) -> None:
    status, document = door.document("POST", path, {"domain": "x" * 1_500_000})
    if path in _LARGE:
        assert status in {400, 415}, document  # the server read the body, or wants JSON lines
    else:
        assert (status, document["error"]["code"]) == (413, "body_too_large")


def test_events_come_while_the_job_runs(door: Door) -> None:
    _, job = door.document("POST", "/api/v1/jobs", {"domain": "example.org"})
    with door.ask("GET", f"/api/v1/jobs/{job['id']}/events") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert _next_event(stream) == "state"  # a proxy that buffers the stream would wait here for the end
        door.document("POST", f"/api/v1/jobs/{job['id']}/cancel")
        while (event := _next_event(stream)) != "done":
            assert event in {"state", "progress"}


def _next_event(stream: http.client.HTTPResponse) -> str:
    for line in stream:
        if line.startswith(b"event: "):
            return line[7:].decode().strip()
    raise AssertionError("the stream ended without an event")
