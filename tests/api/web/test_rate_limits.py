"""The sliding windows of the rate limits, in Redis and without it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from flask.testing import FlaskClient
from limits import RateLimitItemPerSecond
from limits.strategies import MovingWindowRateLimiter

from gonemaster_api.app import create_app
from gonemaster_api.web.rate_limits import SharedWindows
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.broker.keys import ATTEMPTS
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.control.parts import QueueParts
from tests.api.conftest import MakeApp
from tests.support.redis import raw
from tests.support.service import wait_for
from tests.support.threads import together

CLIENT = "read:192.0.2.1"


def from_elsewhere(client: FlaskClient) -> FlaskClient:
    """Let a client send from an address that is not loopback, because loopback is not limited."""
    client.environ_base["REMOTE_ADDR"] = "192.0.2.1"
    return client


def windows(queue: QueueParts) -> SharedWindows:
    return SharedWindows("gonemaster://", connection_pool=queue.broker.connections, key_prefix=ATTEMPTS)


def is_taken(storage: SharedWindows, most: int, *, window_s: int = 60) -> bool:
    item = RateLimitItemPerSecond(most, window_s)
    return MovingWindowRateLimiter(storage).hit(item, CLIENT, "application")


def test_at_the_same_moment_no_more_are_taken(queue: QueueParts) -> None:
    answers = together(*[partial(is_taken, windows(queue), 7) for _ in range(24)])
    assert (answers.count(True), answers.count(False)) == (7, 17)
    assert queue.broker.count_rate_limits() == 1


def test_there_is_room_again_as_time_goes_by(queue: QueueParts) -> None:
    storage = windows(queue)
    assert [is_taken(storage, 2, window_s=1) for _ in range(3)] == [True, True, False]
    wait_for(lambda: is_taken(storage, 2, window_s=1), what="room in the window")
    wait_for(lambda: not raw(queue.broker).exists(f"{ATTEMPTS}:{CLIENT}"), what="end of the window")


def test_what_was_counted_counts_under_another_limit(queue: QueueParts) -> None:
    storage = windows(queue)
    assert all(is_taken(storage, 4) for _ in range(4))
    assert not is_taken(storage, 2)
    assert [is_taken(storage, 6) for _ in range(3)] == [True, True, False]


def test_a_refusal_is_no_failure_of_redis(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    client = make_app(public_api_rate_limit_get_max=2).test_client()
    from_elsewhere(client)
    responses = [client.get("/pub/api/v1/jobs/AAAAAAAAAAAA") for _ in range(5)]
    assert [response.status_code for response in responses] == [404, 404, 429, 429, 429]
    assert responses[-1].get_json()["error"]["details"] == {"limit": 2, "window_s": 600}
    assert 1 <= int(responses[-1].headers["Retry-After"]) <= 601
    assert caplog.records == []


def test_without_redis_each_process_counts_alone(queue: QueueParts, own_redis: EmbeddedRedis) -> None:
    flags = {"broker_url": own_redis.url, "public_api_rate_limit_get_max": 2}
    broker = Broker.open(own_redis.url)
    app = create_app(load_settings(flags, {}), queue=replace(queue, broker=broker))
    client, path = from_elsewhere(app.test_client()), "/pub/api/v1/jobs/AAAAAAAAAAAA"
    own_redis.stop()
    assert [client.get(path).status_code for _ in range(3)] == [404, 404, 429]
    broker.close()


@pytest.mark.parametrize(
    ("address", "is_limited"),
    [
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("", False),
        ("192.0.2.1", True),
        ("10.0.0.1", True),
        ("2001:db8::1", True),
        ("::ffff:192.0.2.1", True),
    ],
)
def test_by_default_every_client_is_limited_but_this_host(make_app: MakeApp, address: str, *, is_limited: bool) -> None:
    client = make_app(public_api_rate_limit_get_max=1).test_client()
    client.environ_base["REMOTE_ADDR"] = address
    last = [client.get("/pub/api/v1/jobs/AAAAAAAAAAAA").status_code for _ in range(3)][-1]
    assert last == (429 if is_limited else 404)


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "192.0.2.9"),
        ("127.0.0.1", ""),
        ("10.0.0.1", "127.0.0.1, 192.0.2.9"),
        ("10.0.0.1", "127.0.0.1, ::1, localhost"),
        ("10.0.0.1", "10.0.0.1, 192.0.2.9, 10.0.0.1"),
    ],
)
def test_no_header_makes_a_client_one_of_this_host(make_app: MakeApp, peer: str, forwarded: str) -> None:
    """A proxy that is not trusted may be on this host; one that is trusted appends the address of the client."""
    client = make_app(public_api_rate_limit_get_max=1, trusted_proxy_cidrs="10.0.0.0/8").test_client()
    client.environ_base["REMOTE_ADDR"] = peer
    headers = {"X-Forwarded-For": forwarded}
    last = [client.get("/pub/api/v1/jobs/AAAAAAAAAAAA", headers=headers).status_code for _ in range(3)][-1]
    assert last == 429
