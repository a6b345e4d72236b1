"""Values of request headers are refused above a length, and below it take linear time."""

from __future__ import annotations

import time

import pytest
from flask.testing import FlaskClient

from gonemaster_api.web.header_lengths import LONGEST
from gonemaster_api.web.proxies import TrustedProxies
from gonemaster_db.core.settings import StoreSettings
from tests.api.web.test_swapped_requests import read_headers
from tests.support.stores import MakeSettings

PARTS = ("a", ",", ";", " ", "=", '"', "a,", "a;", 'W/"a",', "a=b;", "0-1,", "*;q=0.1,", "en-a,", "::1,", "%", "\\")
FLOOR_S = 0.02  # processor time of a request without the header
GROWTH = 8.0  # from once to four times the length; quadratic time grows by 16
CHECKED_ELSEWHERE = {"x-partial", "x-request-id", "idempotency-key"}  # a name of a list; at most 128; at most 255
OF_PROXIES = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}  # removed for other clients
OF_SERVER = {"transfer-encoding", "x-forwarded-port", "x-forwarded-prefix", "x-real-ip"}  # not read by the application


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: no request reads the database."""
    return make_store_settings("sqlite")


def seconds(client: FlaskClient, name: str, value: str) -> float:
    """Return the shortest processor time of three requests."""
    times = []
    for _ in range(3):
        begun = time.thread_time()
        status = client.get("/api/v1/healthz", headers={name: value}).status_code
        times.append(time.thread_time() - begun)
        assert status < 500
    return min(times)


@pytest.mark.parametrize("name", sorted(LONGEST.keys() - OF_PROXIES))
def test_a_longer_value_is_refused(client: FlaskClient, name: str) -> None:
    client = client.application.test_client(use_cookies=False)
    value = "a" * (LONGEST[name] + 1)
    response = client.get("/api/v1/healthz", headers={name: value})
    assert (response.status_code, response.get_json()["error"]["code"]) == (431, "headers_too_large")
    assert client.get("/api/v1/healthz", headers={name: value[1:]}).status_code != 431


@pytest.mark.parametrize("name", [*LONGEST, "X-Partial", "X-Request-Id", "Idempotency-Key"])
def test_a_value_takes_linear_time(client: FlaskClient, name: str) -> None:
    longest = LONGEST.get(name, 8_000)
    client.get("/api/v1/healthz")
    for part in PARTS:
        times = [seconds(client, name, (part * longest)[: longest // share].strip()) for share in (4, 2, 1)]
        assert times[2] <= max(FLOOR_S, GROWTH * times[0]), (part, times)


def test_each_header_that_the_code_reads_has_a_limit() -> None:
    read = {name.lower() for name in read_headers()} - CHECKED_ELSEWHERE - OF_SERVER
    assert read <= {name.lower() for name in LONGEST}


def test_only_the_end_of_a_long_list_of_proxies_is_read() -> None:
    """The server refuses the request before the application can."""
    proxies = TrustedProxies(lambda *_: [], ["127.0.0.0/8"])
    for count, client in ((150, "192.0.2.1"), (1_000, "127.0.0.2")):
        environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1," + ",".join(["127.0.0.2"] * count)}
        proxies(environ, lambda *_: lambda _: None)
        assert environ["REMOTE_ADDR"] == client
