"""Attempts to guess tokens: their cost, their effect on other clients, and the information in the responses."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from gonemaster_api.auth.failures import MAX_FAILURES, WINDOW_S, FailedAttempts
from gonemaster_api.auth.keyring import Keyring
from gonemaster_api.auth.tokens import digest_of, new_token
from gonemaster_api.web.clients import client_key
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.loader import load_settings
from tests.api.conftest import MakeApp
from tests.support.redis import raw
from tests.support.stores import MakeSettings
from tests.support.tokens import ADMIN, CONFIGURED, bearer

WRONG = bearer("gm_" + "0" * 43)


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: the queries do not differ here."""
    return make_store_settings("sqlite")


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(admin_tokens=CONFIGURED)


def ask(client: FlaskClient, address: str, headers: Any = WRONG, **more: str) -> int:
    response = client.get("/api/v1/locales", headers=headers | more, environ_base={"REMOTE_ADDR": address})
    response.close()
    return response.status_code


def exhaust(client: FlaskClient, address: str, **more: str) -> None:
    for _ in range(MAX_FAILURES):
        assert ask(client, address, **more) == 401


def test_failures_are_limited_in_all_processes_together_and_a_valid_token_is_served(make_app: MakeApp) -> None:
    one, other = (make_app(admin_tokens=CONFIGURED).test_client(use_cookies=False) for _ in range(2))
    exhaust(one, "192.0.2.1")
    for client in (one, other):
        response = client.get("/api/v1/locales", headers=WRONG, environ_base={"REMOTE_ADDR": "192.0.2.1"})
        assert response.status_code == 429
        assert response.get_json()["error"]["code"] == "rate_limited"
        assert 1 <= int(response.headers["Retry-After"]) <= WINDOW_S
        assert ask(client, "192.0.2.1", bearer(ADMIN)) == 200, "whoever is behind the same translator"
        assert ask(client, "192.0.2.2") == 401
    entered = one.post("/api/v1/session", json={"token": ADMIN}, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert entered.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "request_of"),
    [
        ("POST", "/api/v1/session", {"json": {"token": "gm_wrong"}}),
        ("POST", "/login", {"data": {"token": "gm_wrong"}}),
        ("GET", "/api/v1/whoami", {"headers": WRONG}),
        ("GET", "/api/v1/jobs", {"headers": {"Cookie": f"gm_admin={'x' * 43}"}}),
        ("GET", "/api/v1/nowhere", {}),
    ],
)
def test_every_way_to_try_a_token_counts(app: Flask, method: str, path: str, request_of: dict[str, Any]) -> None:
    client = app.test_client(use_cookies=False)
    statuses = [client.open(path, method=method, **request_of).status_code for _ in range(MAX_FAILURES + 1)]
    assert statuses[-1] == 429
    assert 429 not in statuses[:-1]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "local"),
        ("nonsense", "local"),
    ],
)
def test_a_client_is_an_address_or_the_network_of_its_site(address: str, key: str) -> None:
    assert client_key(address) == key


def test_other_addresses_of_one_ipv6_network_are_the_same_client(app: Flask) -> None:
    client = app.test_client(use_cookies=False)
    for number in range(MAX_FAILURES):
        assert ask(client, f"2001:db8:1:2::{number:x}") == 401
    assert ask(client, "2001:db8:1:2:ffff::1") == 429
    assert ask(client, "2001:db8:1:3::1") == 401


def test_forged_addresses_make_no_new_client(make_app: MakeApp) -> None:
    """Only a trusted proxy names its client; an address that the client itself adds does not count."""
    client = make_app(admin_tokens=CONFIGURED, trusted_proxy_cidrs="10.0.0.0/8").test_client(use_cookies=False)
    for number in range(MAX_FAILURES):
        forged = f"198.51.100.{number}"
        assert ask(client, "192.0.2.1", **{"X-Forwarded-For": forged, "Forwarded": f"for={forged}"}) == 401
        assert ask(client, "10.0.0.1", **{"X-Forwarded-For": f"{forged}, 192.0.2.9"}) == 401
    assert ask(client, "192.0.2.1", **{"X-Forwarded-For": "203.0.113.1"}) == 429
    assert ask(client, "192.0.2.1", **{"X-Real-IP": "203.0.113.1"}) == 429
    assert ask(client, "10.0.0.1", **{"X-Forwarded-For": "203.0.113.1, 192.0.2.9"}) == 429
    assert ask(client, "10.0.0.1", **{"X-Forwarded-For": "192.0.2.10"}) == 401


def test_without_redis_the_door_stays_closed_and_the_operator_gets_in(
    make_app: MakeApp, own_redis: EmbeddedRedis
) -> None:
    app = make_app(admin_tokens=CONFIGURED)
    broker = Broker.open(own_redis.url)
    object.__setattr__(app.extensions["gonemaster"], "failures", FailedAttempts(broker))
    client = app.test_client(use_cookies=False)
    assert ask(client, "192.0.2.1") == 401
    own_redis.stop()
    exhaust(client, "192.0.2.1")
    assert ask(client, "192.0.2.1") == 429
    assert ask(client, "192.0.2.1", bearer(ADMIN)) == 200
    assert client.post("/api/v1/session", json={"token": ADMIN}).status_code == 200
    assert ask(client, "192.0.2.3") == 401
    broker.close()


def test_a_window_ends_and_memory_is_bounded(own_redis: EmbeddedRedis) -> None:
    own_redis.stop()
    now = [1000.0]
    broker = Broker.open(own_redis.url)
    counted = FailedAttempts(broker, clock=lambda: now[0], max_clients=50)
    assert [counted.note("a") for _ in range(MAX_FAILURES)] == [0] * MAX_FAILURES
    assert counted.note("a") == WINDOW_S
    now[0] += WINDOW_S - 1
    assert counted.note("a") == 1
    now[0] += 1
    assert counted.note("a") == 0
    for number in range(200):
        for _ in range(MAX_FAILURES + 1):
            counted.note(f"client {number}")
    assert len(counted._own) <= 50
    assert len(counted._limited) <= 50
    broker.close()


def test_counts_in_redis_end_by_themselves(app: Flask) -> None:
    ask(app.test_client(use_cookies=False), "192.0.2.77")
    client = raw(app.extensions["gonemaster"].broker)
    assert 0 < client.ttl("gm:attempts:login:192.0.2.77") <= WINDOW_S


def test_many_guesses_write_one_separate_line(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    client = app.test_client(use_cookies=False)
    with capture_logs() as lines:
        for _ in range(MAX_FAILURES + 20):
            ask(client, "192.0.2.1")
    assert {line["event"] for line in lines} == {"http_request"}
    assert [record.message for record in caplog.records] == ["too many failed logins, client refused with 429"]
    assert not [line for line in lines if "000000" in repr(line)], "no line holds what was presented"


def test_each_guess_is_compared_with_every_token(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first, the last, an unknown and an invalid token take the same number of constant-time comparisons."""
    tokens = [new_token() for _ in range(20)]
    hashes = ",".join(f"t{number}={digest_of(token)}" for number, token in enumerate(tokens))
    keyring = Keyring(load_settings({"admin_tokens": hashes}, {}), store)
    keyring.refresh()
    compared = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    counts = []
    for secret, known in ((tokens[0], True), (tokens[-1], True), (new_token(), False), ("gm_wrong", False)):
        compared.clear()
        assert (keyring.find(secret) is not None) is known
        counts.append(len(compared))
    assert counts == [20] * 4
