"""Proxies, request ids, origins, headers and compression."""

import gzip
import io
import logging
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from gonemaster_api.web.proxies import TrustedProxies
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.logs import configure_logging
from tests.api.conftest import MakeApp
from tests.support.stores import MakeSettings


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: the queries do not differ here."""
    return make_store_settings("sqlite")


PROXY = {"REMOTE_ADDR": "10.0.0.1"}


@pytest.fixture
def behind_proxy(make_app: MakeApp) -> FlaskClient:
    return make_app(trusted_proxy_cidrs="10.0.0.0/8, 2001:db8::/32", allowed_hosts="dns.example").test_client()


def remote_of(client: FlaskClient, peer: str, forwarded_for: str) -> str:
    """Return the client address in the access log."""
    with capture_logs() as lines:
        client.get(
            "/api/v1/healthz", environ_base={"REMOTE_ADDR": peer}, headers={"X-Forwarded-For": forwarded_for}
        ).close()
    return next(str(line["remote"]) for line in lines if line["event"] == "http_request")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client_address"),
    [
        ("192.0.2.9", "198.51.100.1", "192.0.2.9"),  # not trusted: its headers are removed
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        # the first address from the right that is not trusted
        ("10.0.0.1", "203.0.113.5, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("::ffff:10.0.0.1", "2001:db8::7, 2a00::1", "2a00::1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", "198.51.100.1"),  # the client's claim does not count
        ("10.0.0.1", "198.51.100.1, ", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5, unknown, 10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2a00::1]:4711, 10.9.9.9:80", "2a00::1"),
        ("10.0.0.1", "[2a00::1]", "2a00::1"),
        ("10.0.0.1", "198.51.100.1:4711:1", "10.0.0.1"),
    ],
)
def test_address_of_the_client(behind_proxy: FlaskClient, peer: str, forwarded_for: str, client_address: str) -> None:
    assert remote_of(behind_proxy, peer, forwarded_for) == client_address


def test_forged_headers_are_removed_and_counted() -> None:
    seen: dict[str, Any] = {}
    peers = TrustedProxies(lambda environ, _: [repr(seen.update(environ)).encode()], ["10.0.0.0/8"])
    peers({"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_HOST": "evil", "HTTP_X_FORWARDED_PROTO": "https"}, None)  # type: ignore[arg-type]
    assert not [name for name in seen if "FORWARDED" in name]
    assert peers.stripped == 1


def test_request_id_is_believed_of_a_trusted_proxy_only(behind_proxy: FlaskClient) -> None:
    values = {"X-Request-Id": "abc-123"}
    assert behind_proxy.get("/", environ_base=PROXY, headers=values).headers["X-Request-Id"] == "abc-123"
    assert behind_proxy.get("/", headers=values).headers["X-Request-Id"] != "abc-123"
    strange = {"X-Request-Id": "a b<script>"}
    assert behind_proxy.get("/", environ_base=PROXY, headers=strange).headers["X-Request-Id"] != "a b<script>"


def test_each_request_has_a_unique_id(client: FlaskClient) -> None:
    ids = {client.get("/api/v1/nowhere").headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 404),
        ("http://localhost", 404),
        ("http://localhost:80", 404),
        ("http://LOCALHOST", 404),
        ("https://localhost", 403),
        ("http://localhost:8080", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("http://localhost@evil.example", 403),
        ("http://[", 403),
    ],
)
def test_page_of_another_origin_changes_nothing(client: FlaskClient, origin: str | None, status: int) -> None:
    response = client.post("/api/v1/jobs/job_none/cancel", headers={"Origin": origin} if origin else {})
    assert response.status_code == status
    if status == 403:
        assert response.get_json()["error"]["code"] == "csrf_origin_mismatch"


def test_reading_is_open_to_other_origins(client: FlaskClient) -> None:
    assert client.get("/api/v1/healthz", headers={"Origin": "http://evil.example"}).status_code == 200


def test_own_origin_behind_a_proxy_is_what_the_proxy_says(behind_proxy: FlaskClient) -> None:
    forwarded = {"X-Forwarded-Host": "dns.example", "X-Forwarded-Proto": "https"}
    for origin, status in (("https://dns.example", 404), ("http://localhost", 403)):
        response = behind_proxy.post(
            "/api/v1/jobs/job_none/cancel", environ_base=PROXY, headers=forwarded | {"Origin": origin}
        )
        assert response.status_code == status


@pytest.mark.parametrize("path", ["/api/v1/healthz", "/", "/nowhere", "/static/app.css", "/api/v1/docs"])
def test_security_headers_are_everywhere(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "camera=()" in response.headers["Permissions-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    response.close()


def test_api_answers_load_nothing(client: FlaskClient) -> None:
    assert client.get("/api/v1/healthz").headers["Content-Security-Policy"] == "default-src 'none'"


def test_compression_where_it_is_asked_for_and_worth_it(client: FlaskClient) -> None:
    asked = {"Accept-Encoding": "gzip"}
    packed = client.get("/api/v1/openapi.json", headers=asked)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert b'"openapi"' in gzip.decompress(packed.data)
    assert "Content-Encoding" not in client.get("/api/v1/openapi.json").headers
    assert "Content-Encoding" not in client.get("/api/v1/healthz", headers=asked).headers
    assert packed.headers["Vary"] == "Accept-Encoding"
    for refused in ("gzip;q=0", "gzip;q=0, *", "identity, gzip;q=0", "br, *;q=0"):
        plain = client.get("/api/v1/openapi.json", headers={"Accept-Encoding": refused})
        assert "Content-Encoding" not in plain.headers, refused
        assert plain.headers["Vary"] == "Accept-Encoding"


def test_answer_without_content_has_neither_type_nor_coding(client: FlaskClient) -> None:
    client.post("/api/v1/tags", json={"name": "mine"})
    answer = client.delete("/api/v1/tags/mine", headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.data) == (204, b"")
    assert not {"Content-Type", "Content-Encoding", "Content-Length"} & set(answer.headers.keys())


def test_access_log_has_one_line_for_each_request_and_none_for_assets(client: FlaskClient) -> None:
    with capture_logs() as lines:
        client.get("/api/v1/jobs/job_x").close()
        client.get("/api/v1/nowhere").close()
        client.get("/static/app.css").close()
    facts = [line for line in lines if line["event"] == "http_request"]
    assert [(line["method"], line["route"], line["status"], line["log_level"]) for line in facts] == [
        ("GET", "/api/v1/jobs/<job_id>", 404, "warning"),
        ("GET", "/api/v1/unknown", 404, "warning"),
    ]
    assert {"path", "duration_ms", "bytes", "remote", "request_id"} <= set(facts[0])


@pytest.mark.parametrize("form", ["text", "json"])
def test_paths_and_headers_of_requests_stay_in_their_value(client: FlaskClient, form: str) -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(form=form, stream=stream)
    paths = [
        "/api/v1/jobs/%0d%0aevent=forged",
        "/%1b%5b2J%e2%80%ae%e2%80%a8%ff",
        "/" + "%0a" * 2000,
        "/a?token=hush-hush",
    ]
    headers = {"X-Request-Id": "forged", "User-Agent": "\x1b[2J", "Referer": "http://a.example/?hush-hush"}
    for path in paths:
        client.get(path, headers=headers).close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    lines = [line for line in stream.getvalue().splitlines() if "http_request" in line]
    assert len(lines) == len(paths)
    for line in lines:
        assert line.isprintable()
        assert "hush-hush" not in line
        assert "'forged'" not in line
        assert '"forged"' not in line
