"""A request that is repeated with its key takes effect once."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.web.body_limits import JsonDigest
from gonemaster_db.core.session import Store
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.queues import BATCH, NORMAL
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.threads import together
from tests.support.tokens import ADMIN, CONFIGURED, OPERATE, bearer

KEY = {"Idempotency-Key": "5f6c-1"}
REQUESTS: dict[str, dict[str, Any]] = {
    "/api/v1/jobs": {"domain": "a.example"},
    "/api/v1/jobs/batch": {"domains": ["a.example", "b.example"]},
}


@pytest.mark.parametrize(("path", "status", "depth"), [("/api/v1/jobs", 201, 1), ("/api/v1/jobs/batch", 202, 2)])
def test_repeated_request_gets_the_first_answer(
    client: FlaskClient, queue: QueueParts, path: str, status: int, depth: int
) -> None:
    first, again = (client.post(path, json=REQUESTS[path], headers=KEY) for _ in range(2))
    assert first.status_code == again.status_code == status
    assert first.get_json() == again.get_json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert queue.broker.lists.depth(NORMAL) + queue.broker.lists.depth(BATCH) == depth


@pytest.mark.parametrize("path", REQUESTS)
def test_same_key_with_another_body_or_address_is_refused(client: FlaskClient, path: str) -> None:
    client.post("/api/v1/jobs", json={"domain": "other.example"}, headers=KEY)
    response = client.post(path, json=REQUESTS[path], headers=KEY)
    assert (response.status_code, error_of(response)["code"]) == (409, "idempotency_conflict")


def test_the_same_document_in_other_spaces_is_the_same_request(client: FlaskClient) -> None:
    written = ('{"domain": "a.example", "tags": ["a b", "\\""]}', '{"domain":"a.example",\n\t"tags":["a b","\\""]}\r\n')
    headers = {**KEY, "Content-Type": "application/json"}
    first, again = (client.post("/api/v1/jobs", data=text, headers=headers) for text in written)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client.post("/api/v1/jobs", data=written[0].replace("a b", "a  b"), headers=headers)
    assert error_of(other)["code"] == "idempotency_conflict"


def test_the_digest_of_a_document_does_not_depend_on_its_blocks() -> None:
    written = rb'{"a \\": [ 1 , "\\\" x", "\\" ], "b" : "\"" }'
    close = json.dumps(json.loads(written), separators=(",", ":")).encode()

    def digest(text: bytes, size: int) -> str:
        made = JsonDigest(b"")
        for start in range(0, len(text), size):
            made.update(text[start : start + size])
        return made.hexdigest()

    assert {digest(text, size) for text in (written, close) for size in range(1, len(written) + 1)} == {
        digest(close, len(close))
    }
    assert digest(close.replace(b" x", b"x"), 3) != digest(close, 3)


def test_without_key_or_with_another_one_everything_is_done_again(client: FlaskClient) -> None:
    ids = {
        client.post("/api/v1/jobs", json={"domain": "a.example"}, headers=headers).get_json()["id"]
        for headers in ({}, {}, KEY, {"Idempotency-Key": "other"})
    }
    assert len(ids) == 4


def test_keys_belong_to_the_token_that_used_them(make_app: MakeApp) -> None:
    client = make_app(admin_tokens=CONFIGURED).test_client()

    def post(token: str, domain: str = "a.example") -> Any:
        return client.post("/api/v1/jobs", json={"domain": domain}, headers={**KEY, **bearer(token)})

    first, again, other = post(OPERATE), post(OPERATE), post(ADMIN, "b.example")
    assert [response.status_code for response in (first, again, other)] == [201] * 3
    assert first.get_json() == again.get_json() != other.get_json()
    assert "Idempotency-Replayed" not in other.headers
    assert error_of(post(OPERATE, "b.example"))["code"] == "idempotency_conflict"


def test_refused_request_does_not_use_the_key_up(client: FlaskClient) -> None:
    assert client.post("/api/v1/jobs", json={"domain": "a..b"}, headers=KEY).status_code == 400
    assert client.post("/api/v1/jobs", json={"domain": "a.b"}, headers=KEY).status_code == 201


@pytest.mark.parametrize("path", REQUESTS)
def test_same_request_several_times_at_once_is_done_once(make_app: MakeApp, store: Store, path: str) -> None:
    app = make_app()

    def post() -> str:
        response = app.test_client().post(path, json=REQUESTS[path], headers=KEY)
        assert response.status_code in (201, 202), response.data
        document = response.get_json()
        return str(document.get("batch_id") or document["id"])

    answers = together(*[post] * 4)
    assert len(set(answers)) == 1, answers
    with store.read_only() as session:
        jobs = session.connection().exec_driver_sql("SELECT id FROM jobs").all()
    assert len(jobs) == len(REQUESTS[path].get("domains", "1"))


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "\u00e4"])
def test_key_that_is_none(client: FlaskClient, key: str) -> None:
    response = client.post("/api/v1/jobs", json={"domain": "a.example"}, headers={"Idempotency-Key": key})
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_idempotency_key")
