"""Malicious bodies and headers: each gets a regular API response, on both databases."""

import gzip
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, run_wsgi_app

from gonemaster_db.core.session import Store
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.rows import queue_job

HUGE = 2**64
PATHS = ("jobs", "jobs/batch", "jobs/purge", "queue/pause", "queue/move", "tags", "tags/x/domains", "profiles")


def post(client: FlaskClient, path: str, body: bytes | str, **headers: str) -> tuple[int, str]:
    raw = body if isinstance(body, bytes) else body.encode()
    response = client.post(f"/api/v1/{path}", data=raw, headers={"Content-Type": "application/json", **headers})
    return response.status_code, "" if response.status_code < 400 else error_of(response)["code"]


def test_number_beyond_all_limits(client: FlaskClient) -> None:
    numbers: dict[str, Any] = {
        "profile_id": HUGE,
        "expires_in": HUGE,
        "ds_info": [{"keytag": HUGE, "algorithm": 1, "digtype": 1, "digest": "ab"}],
        "profile_overrides": {"resolver": {"defaults": {"retry": HUGE}}},
    }
    for field, value in numbers.items():
        status, code = post(client, "jobs", json.dumps({"domain": "a.example", field: value}))
        assert (status, code.partition("_")[0]) == (400, "invalid"), field
    largest = json.dumps({"domain": "a.example", "profile_id": 2**63 - 1})
    assert post(client, "jobs", largest) == (400, "profile_not_found")


def test_what_json_or_a_database_does_not_have(client: FlaskClient) -> None:
    for rest in (
        '"profile_overrides": {"resolver": {"defaults": {"timeout": 1e999}}}',
        '"expires_in": -1e999',
        '"expires_in": Infinity',
        '"profile_overrides": {"a\\u0000b": 1}',
        '"profile_overrides": {"net": {"\\udc00": true}}',
        '"tags": ["a\\u0000"]',
        '"tags": ["\\ud83d"]',
        '"tags": ["\\udca9\\ud83d"]',
        '"nameservers": [{"ns": "\\u0000"}]',
        '"profile_overrides": {"x": ' + "[" * 200 + "]" * 200 + "}",
        '"profile_overrides": ' + '{"a":' * 200 + "1" + "}" * 200,
        '"tags": ' + "[" * 99_000,
        "'tags': []",
        '"tags": [],',
        '"tags": []}{',
        '"tags": [}',
    ):
        for path in PATHS:
            assert post(client, path, f'{{"domain": "a.example", {rest}}}') == (400, "invalid_json"), (path, rest[:90])
    assert client.get("/api/v1/jobs").get_json()["total"] == 0


def test_body_that_is_not_utf8(client: FlaskClient) -> None:
    body = '{"domain": "a.example"}'
    for path in PATHS:
        for raw in (b'{"domain": "\xe9.example"}', body.encode("utf-16"), body.encode("utf-8-sig"), b"\0", b"\xc0\x80"):
            assert post(client, path, raw) == (400, "invalid_json"), (path, raw)


def test_body_of_another_type(client: FlaskClient) -> None:
    for path in PATHS:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"):
            headers = {"Content-Type": kind}
            assert post(client, path, b'{"name": "a"}', **headers) == (415, "unsupported_media_type"), (path, kind)


def test_body_that_is_packed(client: FlaskClient) -> None:
    packed = gzip.compress(b'{"domain": "a.example"}')
    headers = {"Content-Encoding": "gzip"}
    assert post(client, "jobs", packed, **headers) == (415, "unsupported_media_type")


def test_body_that_is_too_large(make_app: MakeApp) -> None:
    client = make_app(max_body_size=1000, max_batch_body_size=2000).test_client()
    for path in PATHS:
        assert post(client, path, b" " * 2001) == (413, "body_too_large"), path


def test_halves_of_a_surrogate_pair_that_belong_together_are_text(client: FlaskClient) -> None:
    made = client.post("/api/v1/tags", data=b'{"name": "\\ud83d\\udca9"}', content_type="application/json")
    assert made.get_json()["name"] == "\U0001f4a9"
    assert client.get("/api/v1/tags/%f0%9f%92%a9/domains").get_json()["total"] == 0


def test_tag_with_a_name_that_no_address_can_carry(client: FlaskClient) -> None:
    for name in ("a/b", "/", ".", "..", "a\nb", "a\tb", "\x7f", "a\u0085b", "__none__", "x" * 256):
        assert post(client, "tags", json.dumps({"name": name})) == (400, "invalid_name"), name
        single, many = {"domain": "a.example", "tags": [name]}, {"domains": ["a.example"], "tags": [name]}
        assert post(client, "jobs", json.dumps(single)) == (400, "invalid_tags"), name
        assert post(client, "jobs/batch", json.dumps(many)) == (400, "invalid_tags"), name
    assert client.get("/api/v1/tags").get_json() == []


def test_address_of_a_tag_that_there_cannot_be(client: FlaskClient) -> None:
    for name in ("x" * 256, "%0a", "%20", "%20a", "%7f", "__none__"):
        assert post(client, f"tags/{name}/domains", '{"domains": ["a.example"]}') == (400, "invalid_name"), name
        assert client.get(f"/api/v1/tags/{name}/domains").status_code == 404, name


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nX: 1", "\x00"])
def test_no_header_of_an_answer_comes_from_a_request(make_app: MakeApp, value: str) -> None:
    client = make_app(trusted_proxy_cidrs="10.0.0.0/8").test_client()
    names = ("X_REQUEST_ID", "IDEMPOTENCY_KEY", "HOST", "ORIGIN", "LAST_EVENT_ID", "ACCEPT", "X_FORWARDED_HOST")
    for path in ("/api/v1/jobs/job_x", "/api/v1", "/api/v1/tags"):
        for name in names:
            environ = EnvironBuilder(path=path).get_environ() | {"REMOTE_ADDR": "10.0.0.1", f"HTTP_{name}": value}
            _, status, headers = run_wsgi_app(client.application, environ, buffered=True)
            assert not status.startswith("5"), (path, name)
            for header, content in headers:
                assert "x=1" not in content, (path, name)
                assert not set("\r\n\0") & set(header + content), (path, name)


def test_redirects_stay_on_this_host(client: FlaskClient) -> None:
    for path in ("/api/v1", "/api/v1/"):
        assert client.get(path).headers["Location"].startswith("/api/v1/")


def test_head_of_a_stream_leaves_no_stream_open(client: FlaskClient, store: Store) -> None:
    job = queue_job(store, "a.example")
    for _ in range(50):  # more than the number of bodies that may be open at the same time
        with client.head(f"/api/v1/jobs/{job.id}/events") as response:
            assert response.status_code == 200


def test_answers_are_packed_from_256_octets(client: FlaskClient) -> None:
    bare = client.post("/api/v1/tags", json={"name": "n", "description": ""})
    for size in (255, 256, 300):
        body = {"description": "x" * (size - len(bare.data))}
        answer = client.put("/api/v1/tags/n", json=body, headers={"Accept-Encoding": "gzip"})
        assert answer.headers.get("Content-Encoding") == ("gzip" if size >= 256 else None), size
        assert len(gzip.decompress(answer.data) if size >= 256 else answer.data) == size
