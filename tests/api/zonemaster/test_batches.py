"""Users and batches of the JSON-RPC API."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from gonemaster_db.core.ids import public_id_of_test
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job
from gonemaster_db.service.access import has_tokens
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.queues import BATCH
from tests.api.conftest import MakeApp
from tests.api.web.test_rate_limits import from_elsewhere
from tests.api.zonemaster.calls import DS, answer, call, error, problems, stored
from tests.support.rows import claim, finish_job
from tests.support.tokens import ADMIN, CONFIGURED, OPERATE, READ, bearer

USER = {"username": "registry@example", "api_key": "snus-1_2"}
REFUSED = "User not authorized to use batch mode"


def add(client: FlaskClient, *domains: str, **params: Any) -> int:
    number: int = call(client, "add_batch_job", **({**USER, "domains": list(domains)} | params))
    return number


def status(client: FlaskClient, number: int | str, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = call(client, "batch_status", batch_id=number, **params)
    return found


def test_a_batch_runs_in_the_batch_tier(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    assert call(client, "add_api_user", **USER) == 1
    number = add(client, "a.example", "Ä.example", "a.example")
    assert 0 < number < 2**53
    assert queue.broker.lists.depth(BATCH) == 2
    found = status(client, str(number), list_waiting_tests=True, list_running_tests=True, list_finished_tests=True)
    assert (found["waiting_count"], found["running_count"], found["finished_count"]) == (2, 0, 0)
    assert found.keys() == {"waiting_count", "running_count", "finished_count", "waiting_tests"}
    first, second = found["waiting_tests"]
    job = stored(store, first)
    assert isinstance(job, Job)
    assert (job.domain, job.priority) == ("a.example", 1)
    assert call(client, "get_test_params", test_id=first)["priority"] == 5
    running = claim(store, job.id)
    assert status(client, number, list_running_tests="true", list_waiting_tests=None) == {
        "waiting_count": 1, "running_count": 1, "finished_count": 0, "running_tests": [first],
    }  # fmt: skip
    finish_job(store, running)
    found = status(client, number, list_finished_tests=1, list_waiting_tests=1)
    assert (found["finished_tests"], found["waiting_tests"]) == ([first], [second])
    (past,) = call(client, "get_test_history", frontend_params={"domain": "a.example"})
    assert past["id"] == first


def test_tests_of_batches_are_neither_reused_nor_reuse(client: FlaskClient) -> None:
    call(client, "add_api_user", **USER)
    single = call(client, "start_domain_test", domain="a.example")
    ids = {
        test_id
        for _ in range(2)
        for test_id in status(client, add(client, "a.example"), list_waiting_tests=True)["waiting_tests"]
    }
    assert len(ids | {single}) == 3
    assert call(client, "start_domain_test", domain="a.example") == single


def test_the_options_of_a_batch_are_those_of_a_test(client: FlaskClient, store: Store) -> None:
    call(client, "user_create", **USER)
    options = {
        "ipv4": False,
        "nameservers": [{"ns": "ns.example", "ip": ""}],
        "ds_info": [DS],
        "queue": "3",
        "priority": 1,
    }
    made = call(client, "batch_create", **USER, domains=["a.example"], job_params=options)
    (test_id,) = status(client, made["batch_id"], list_waiting_tests=True)["waiting_tests"]
    params = call(client, "job_params", job_id=test_id)
    assert params == {
        "domain": "a.example", "profile": "default", "ipv4": False, "ipv6": True, "priority": 1, "queue": 3,
        "nameservers": [{"ns": "ns.example"}], "ds_info": [DS],
    }  # fmt: skip
    assert stored(store, test_id).config["ipv4_disabled"] is True
    private = {"nameservers": [{"ns": "ns.example", "ip": "10.0.0.1"}]}
    wrong = problems(client, "add_batch_job", {**USER, "domains": ["a.example"], "test_params": private})
    assert wrong.keys() == {"/test_params/nameservers/0/ip"}


def test_invalid_names_are_named_and_nothing_is_queued(client: FlaskClient, queue: QueueParts) -> None:
    call(client, "add_api_user", **USER)
    domains = ["a.example", "a..b", 5, None, {"a": 1}, "b.example"]
    found = problems(client, "add_batch_job", {**USER, "domains": domains})
    assert found.keys() == {"/domains/1", "/domains/2", "/domains/3", "/domains/4"}
    assert queue.broker.lists.depth(BATCH) == 0


def test_an_unknown_user_cannot_submit(client: FlaskClient) -> None:
    call(client, "add_api_user", **USER)
    for user in ({**USER, "api_key": "snus"}, {**USER, "username": "other"}, {"username": "x", "api_key": "x"}):
        wrong = error(client, "add_batch_job", {**user, "domains": ["a.example"]})
        assert wrong == {"code": -32603, "message": REFUSED, "data": {"username": user["username"]}}


def test_a_user_exists_once(client: FlaskClient) -> None:
    call(client, "add_api_user", **USER)
    wrong = error(client, "add_api_user", {**USER, "api_key": "other"})
    assert wrong == {"code": -32603, "message": "User already exists", "data": {"username": USER["username"]}}
    assert call(client, "add_api_user", username="second", api_key=USER["api_key"]) == 1
    assert add(client, "a.example", username="second")


def test_users_are_added_on_this_host_only(client: FlaskClient, make_app: MakeApp) -> None:
    remote = from_elsewhere(client.application.test_client())
    wrong = error(remote, "add_api_user", USER)
    assert wrong["message"] == 'Call to "add_api_user" method not permitted from a remote IP'
    assert wrong["data"] == {"remote_ip": "192.0.2.1"}
    client.environ_base["HTTP_X_FORWARDED_FOR"] = "192.0.2.1"  # a proxy on this host, of which the settings do not know
    behind = error(client, "add_api_user", USER)
    assert "a proxy that is not in trusted_proxy_cidrs" in behind["message"]
    assert behind["data"] == {"proxy_ip": "127.0.0.1"}
    disabled = make_app(zonemaster_api=True).test_client()
    for name in ("add_api_user", "user_create"):
        assert answer(disabled, name, USER) == {"error": {"code": -32601, "message": f"Procedure '{name}' not found"}}


def test_a_user_opens_nothing_else(client: FlaskClient, store: Store) -> None:
    """An open service stays open: the key of a user is no admin token."""
    key = "gm_" + "a" * 43
    call(client, "add_api_user", username="u", api_key=key)
    assert client.get("/api/v1/whoami").get_json()["mode"] == "open"
    assert add(client, "a.example", username="u", api_key=key)
    assert not has_tokens(store)
    protected = client.application.extensions["gonemaster"].keyring
    assert protected.find(key) is None


def test_a_revoked_user_cannot_submit(make_app: MakeApp) -> None:
    client = make_app(zonemaster_api=True, zonemaster_add_api_user=True, admin_tokens=CONFIGURED).test_client()
    call(client, "add_api_user", **USER)
    assert add(client, "a.example")
    listed = client.get("/api/v1/tokens", headers=bearer(ADMIN)).get_json()["items"]
    (user,) = [token for token in listed if token["label"] == USER["username"]]
    assert user["scopes"] == ["zonemaster"]
    assert client.delete(f"/api/v1/tokens/{user['id']}", headers=bearer(ADMIN)).status_code == 204
    assert error(client, "add_batch_job", {**USER, "domains": ["a.example"]})["message"] == REFUSED


def test_a_token_is_a_key(make_app: MakeApp) -> None:
    client = make_app(zonemaster_api=True, admin_tokens=CONFIGURED).test_client()
    assert add(client, "a.example", api_key=OPERATE)
    assert call(client, "add_batch_job", batch_api_key=OPERATE, domains=["a.example"])
    for key in (READ, "gm_" + "b" * 43):
        assert error(client, "add_batch_job", {"batch_api_key": key, "domains": ["a.example"]})["message"] == REFUSED


def test_the_key_of_a_user_is_enough(client: FlaskClient) -> None:
    call(client, "add_api_user", **USER)
    assert call(client, "add_batch_job", batch_api_key=USER["api_key"], domains=["a.example"])


def test_keys_cannot_be_guessed(make_app: MakeApp) -> None:
    client = from_elsewhere(
        make_app(zonemaster_api=True, zonemaster_add_api_user=True, admin_tokens=CONFIGURED).test_client()
    )
    local = client.application.test_client()
    call(local, "add_api_user", **USER)
    wrong = [
        error(client, "add_batch_job", {**USER, "api_key": f"k{number}", "domains": ["a.b"]}) for number in range(32)
    ]
    assert wrong[0]["message"] == REFUSED
    assert wrong[-1]["data"]["code"] == "rate_limited"
    right = error(client, "add_batch_job", {**USER, "domains": ["a.b"]})
    assert right["data"]["code"] == "rate_limited", "even the right key is not looked at"
    assert add(client, "a.example", api_key=OPERATE), "a token cannot be guessed"
    assert add(local, "a.example"), "another client"


def test_unknown_batches(client: FlaskClient) -> None:
    wrong = error(client, "batch_status", {"batch_id": 17})
    assert wrong == {"code": -32603, "message": "Unknown batch", "data": {"batch_id": 17}}
    assert public_id_of_test("0" * 16) == "0" * 12
