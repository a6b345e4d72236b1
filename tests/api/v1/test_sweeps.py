"""Uploads in parts and batches from them over HTTP."""

import base64
import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from gonemaster_db.core.clock import utcnow
from gonemaster_db.models import Job, Upload
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.operations import perform_due_operations
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of

API = "/api/v1"


def json_of(response: Any) -> Any:
    return response.json


def digest_of(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def put(client: FlaskClient, upload_id: str, number: int, content: bytes, **headers: str) -> Any:
    named = {"Content-Digest": digest_of(content)} | headers
    path = f"{API}/uploads/{upload_id}/parts/{number}"
    return client.put(path, data=content, content_type="application/octet-stream", headers=named)


def begin(client: FlaskClient) -> str:
    response = client.post(f"{API}/uploads", json={"name": "se.txt"})
    assert response.status_code == 201
    return str(json_of(response)["upload_id"])


def perform(queue: QueueParts) -> None:
    perform_due_operations(queue, worker="w", now=queue.clock.now, lease=timedelta(seconds=30))


def test_an_upload_becomes_a_batch(make_app: MakeApp, queue: QueueParts) -> None:
    client = make_app().test_client()
    upload_id = begin(client)
    assert put(client, upload_id, 2, b"le\nb.example\n").status_code == 200
    assert put(client, upload_id, 1, b"a.examp").json == {
        "number": 1, "size": 7, "sha256": hashlib.sha256(b"a.examp").hexdigest(),
    }  # fmt: skip
    shown = json_of(client.get(f"{API}/uploads/{upload_id}"))
    assert ([part["number"] for part in shown["parts"]], shown["size"], shown["is_complete"]) == ([1, 2], 20, False)
    assert [each["upload_id"] for each in json_of(client.get(f"{API}/uploads"))] == [upload_id]
    request = {"upload_id": upload_id, "parts": 2, "name": "se", "tags": ["se"], "snapshot_intent": True}
    response = client.post(f"{API}/sweeps", json=request, headers={"Idempotency-Key": "k"})
    assert response.status_code == 202
    again = client.post(f"{API}/sweeps", json=request, headers={"Idempotency-Key": "k"})
    assert (json_of(again), again.headers["Location"]) == (json_of(response), response.headers["Location"])
    assert client.delete(f"{API}/uploads/{upload_id}").status_code == 409
    perform(queue)
    done = json_of(client.get(response.headers["Location"]))
    assert (done["status"], done["result"]["job_count"]) == ("succeeded", 2)
    batch = json_of(client.get(f"{API}/batches/{json_of(response)['target']}"))
    assert (batch["name"], batch["tags"], batch["total"], batch["status"]) == ("se", ["se"], 2, "running")
    assert sorted(item["domain"] for item in batch["items"]) == ["a.example", "b.example"]
    assert client.get(f"{API}/uploads/{upload_id}").status_code == 404


def test_a_batch_shows_the_names_that_have_no_job_yet(make_app: MakeApp, queue: QueueParts) -> None:
    client = make_app().test_client()
    upload_id = begin(client)
    put(client, upload_id, 1, "".join(f"n{number}.example\n" for number in range(9000)).encode())
    batch_id = json_of(client.post(f"{API}/sweeps", json={"upload_id": upload_id, "parts": 1}))["target"]

    def has_jobs() -> bool:
        with queue.store.read_only() as session:
            return bool(session.scalar(select(func.count()).select_from(Job)))

    perform_due_operations(queue, worker="w", now=queue.clock.now, lease=timedelta(seconds=30), stopped=has_jobs)
    batch = json_of(client.get(f"{API}/batches/{batch_id}"))
    listed = json_of(client.get(f"{API}/batches"))["items"][0]
    assert (batch["domain_count"], batch["status_counts"]["queued"], batch["status"]) == (9000, 9000, "running")
    assert (listed["total"], listed["status"]) == (9000, "running")
    canceled = json_of(client.post(f"{API}/batches/{batch_id}/cancel"))
    perform(queue)
    batch = json_of(client.get(f"{API}/batches/{batch_id}"))
    assert batch["status"] == "done"
    assert batch["status_counts"]["canceled"] == batch["domain_count"] == canceled["canceled"]


@pytest.mark.parametrize(
    ("number", "content", "headers", "status", "code"),
    [
        (0, b"a", {}, 400, "invalid_part"),
        (10_001, b"a", {}, 400, "invalid_part"),
        (1, b"", {}, 400, "invalid_part"),
        (1, b"a", {"Content-Digest": ""}, 400, "invalid_digest"),
        (1, b"a", {"Content-Digest": "md5=:AAAA:"}, 400, "invalid_digest"),
        (1, b"a", {"Content-Digest": "sha-256=:AAAA:"}, 400, "invalid_digest"),
        (1, b"a", {"Content-Digest": digest_of(b"b")}, 400, "digest_mismatch"),
        (1, b"x" * (8 * 1024 * 1024 + 1), {}, 413, "body_too_large"),
    ],
)
def test_invalid_parts_are_refused(
    make_app: MakeApp, number: int, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    client = make_app().test_client()
    upload_id = begin(client)
    response = put(client, upload_id, number, content, **headers)
    assert (response.status_code, error_of(response)["code"]) == (status, code)
    assert json_of(client.get(f"{API}/uploads/{upload_id}"))["parts"] == []


def test_a_part_twice_or_in_another_form_and_a_missing_one(make_app: MakeApp) -> None:
    client = make_app().test_client()
    upload_id = begin(client)
    assert put(client, upload_id, 1, b"a.example").status_code == 200
    assert put(client, upload_id, 1, b"a.example").status_code == 200
    assert error_of(put(client, upload_id, 1, b"b.example"))["code"] == "part_differs"
    as_json = client.put(f"{API}/uploads/{upload_id}/parts/2", json={})
    assert (as_json.status_code, error_of(as_json)["code"]) == (415, "unsupported_media_type")
    refused = client.post(f"{API}/sweeps", json={"upload_id": upload_id, "parts": 3})
    assert (refused.status_code, error_of(refused)["code"]) == (409, "upload_incomplete")
    assert "2, 3" in error_of(refused)["message"]
    assert client.post(f"{API}/sweeps", json={"upload_id": upload_id, "parts": 1}).status_code == 202
    assert error_of(client.post(f"{API}/sweeps", json={"upload_id": upload_id, "parts": 1}))["code"] == "upload_in_use"
    assert error_of(put(client, upload_id, 2, b"late"))["code"] == "upload_complete"


@pytest.mark.parametrize(
    ("request_body", "status", "code"),
    [
        ({}, 400, "ambiguous_source"),
        ({"upload_id": "u", "parts": 1, "file": "f"}, 400, "ambiguous_source"),
        ({"upload_id": "u"}, 400, "missing_parts"),
        ({"upload_id": "upload_none", "parts": 1}, 404, "not_found"),
        ({"file": "se.txt"}, 400, "invalid_file"),
        ({"upload_id": "u", "parts": 0}, 400, "invalid_parts"),
        ({"upload_id": "u", "parts": 1, "profile_id": 99}, 400, "profile_not_found"),
        ({"upload_id": "u", "parts": 1, "tests": ["none"]}, 400, "invalid_tests"),
    ],
)
def test_invalid_requests_are_refused(make_app: MakeApp, request_body: dict[str, Any], status: int, code: str) -> None:
    response = make_app().test_client().post(f"{API}/sweeps", json=request_body)
    assert (response.status_code, error_of(response)["code"]) == (status, code)


def test_a_file_of_the_server_becomes_a_batch(make_app: MakeApp, queue: QueueParts, tmp_path: Path) -> None:
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "se.txt").write_text("a.example\nb.example\n")
    client = make_app(sweep_files=str(tmp_path / "names")).test_client()
    for name in ("../secret", "absent", "/etc/passwd"):
        assert error_of(client.post(f"{API}/sweeps", json={"file": name}))["code"] == "invalid_file"
    response = client.post(f"{API}/sweeps", json={"file": "se.txt"})
    assert response.status_code == 202


def test_all_uploads_together_are_limited(make_app: MakeApp) -> None:
    client = make_app(max_upload_size=1024).test_client()
    upload_id = begin(client)
    assert put(client, upload_id, 1, os.urandom(1000)).status_code == 200
    response = put(client, upload_id, 2, os.urandom(100))
    assert (response.status_code, error_of(response)["code"]) == (413, "uploads_too_large")
    assert client.delete(f"{API}/uploads/{upload_id}").status_code == 204
    assert put(client, begin(client), 1, os.urandom(1000)).status_code == 200


def test_an_expired_upload_is_not_found(make_app: MakeApp, queue: QueueParts) -> None:
    client = make_app().test_client()
    upload_id = begin(client)
    with queue.store.transaction() as session:
        upload = session.get(Upload, upload_id)
        assert upload is not None
        upload.expires_at = utcnow() - timedelta(seconds=1)
    assert put(client, upload_id, 1, b"a").status_code == 404
