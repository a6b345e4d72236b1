"""The rate limits of the public API on a real server with several processes, and attempts to exceed them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.dnsworld import World
from tests.support.service import Service, open_url, wait_for
from tests.support.threads import together

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MOST = 5
WINDOW_S = 600


class Answer(NamedTuple):
    status: int
    code: str
    headers: Message
    document: Any


@pytest.fixture(scope="module")
def service(demo_world: World, demo_hints: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server with three API processes behind a proxy, which the tests simulate."""
    environ = {
        "GONEMASTER_ROOT_HINTS": str(demo_hints),
        "GONEMASTER_DNS_PORT": str(demo_world.port),
        "GONEMASTER_ALLOW_NON_GLOBAL": "true",
    }
    config = tmp_path_factory.mktemp("limits") / "settings.json"  # the test may change the file while the server runs
    limits = {"rate_limit_enabled": True, "rate_limit_max": MOST, "rate_limit_get_max": MOST}
    config.write_text(json.dumps({f"public_api.{name}": value for name, value in limits.items()}))
    with Service(
        environ=environ,
        api_processes=3,
        trusted_proxy_cidrs="127.0.0.1/32",
        config=config,
    ) as shared:
        yield shared.wait_until_ready()


def ask(
    service: Service, client: str, path: str = "/jobs", *, method: str | None = None, body: Any = None, **headers: str
) -> Answer:
    """Send a request of a client on a separate connection, so that any process may answer."""
    octets = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{service.url}/pub/api/v1{path}",
        method=method or ("GET" if body is None else "POST"),
        data=octets,
        headers={"X-Forwarded-For": client, "Content-Type": "application/json", "Connection": "close", **headers},
    )
    try:
        with open_url(request) as response:
            return Answer(response.status, "", response.headers, json.loads(response.read() or b"null"))
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
            return Answer(error.code, json.loads(text)["error"]["code"] if text else "", error.headers, None)


def submit(service: Service, client: str, **headers: str) -> Answer:
    return ask(service, client, body={"domain": "good.xa", "tests": ["syntax01"]}, **headers)


def test_of_many_at_once_exactly_as_many_are_accepted(service: Service) -> None:
    answers = together(*[partial(submit, service, "198.51.100.1") for _ in range(24)])
    found = [answer for answer in answers if isinstance(answer, Answer)]
    assert Counter((answer.status, answer.code) for answer in found) == {
        (201, ""): MOST,
        (429, "rate_limited"): 24 - MOST,
    }
    waits = [int(answer.headers["Retry-After"]) for answer in found if answer.status == 429]
    assert all(0 < wait_s <= WINDOW_S + 1 for wait_s in waits), waits
    ids = {answer.document["public_id"] for answer in found if answer.status == 201}
    assert len(ids) == MOST
    assert submit(service, "198.51.100.2").status == 201, "the limit of one client is not that of another"


def test_addresses_that_are_one_client(service: Service) -> None:
    claims = [f"10.0.{number}.1, 203.0.113.{number}, 198.51.100.77" for number in range(1, MOST + 1)]
    assert [submit(service, claim).status for claim in claims] == [201] * MOST
    assert submit(service, "198.51.100.77").status == 429, "what stands left of the client's address is its own claim"
    assert submit(service, "::ffff:198.51.100.77").status == 429
    assert submit(service, "[::ffff:198.51.100.77]:4711").status == 429
    hosts = [f"2001:db8:1:2:{number:x}::1" for number in range(1, MOST + 1)]
    assert [submit(service, host).status for host in hosts] == [201] * MOST
    assert submit(service, "2001:db8:1:2:ffff::1").status == 429
    assert submit(service, "2001:db8:1:3::1").status == 201


def test_guessed_ids_are_read_requests(service: Service) -> None:
    client = "198.51.100.10"
    for path in ("/jobs/AAAAAAAAAAAA", "/jobs/AAAAAAAAAAAB/result", "/jobs/AAAAAAAAAAAC/dnssec-chain"):
        assert ask(service, client, path).status == 404
    assert ask(service, client, "/jobs/AAAAAAAAAAAD/asn-names", method="HEAD").status == 404
    assert ask(service, client, "/analysis/domains").status in (404, 503)
    for path in ("/jobs/AAAAAAAAAAAE", "/lookup/good.xa", "/analysis/cohorts/any/diff", "/analysis/report"):
        assert ask(service, client, path).code == "rate_limited", path
    for path in ("/info", "/version", "/locales", "/profiles"):
        assert ask(service, client, path).status == 200
    assert ask(service, client, "/jobs/AAAAAAAAAAAA", method="OPTIONS").status == 200
    assert submit(service, client).status == 201, "submissions are counted apart"


def test_what_is_refused_before_is_not_counted(service: Service) -> None:
    client = "198.51.100.20"
    for _ in range(MOST + 1):
        assert submit(service, client, Origin="https://evil.example").code == "csrf_origin_mismatch"
        assert submit(service, client, Host="evil.example").code == "unknown_host"
    assert submit(service, client).status == 201
    assert ask(service, client, body=b"x" * (1024 * 1024 + 1)).code == "body_too_large"
    assert ask(service, client, body=b"[" * 1000).code == "invalid_json"


def test_repeated_request_gets_its_first_answer(service: Service) -> None:
    key = {"Idempotency-Key": "one"}
    answers = together(*[partial(submit, service, "198.51.100.30", **key) for _ in range(MOST)])
    ids = {answer.document["public_id"] for answer in answers if isinstance(answer, Answer) and answer.status == 201}
    assert len(ids) == 1, answers


def test_a_change_of_the_limit_applies_at_once(service: Service) -> None:
    """This test is last because it changes the server. Earlier requests count; every process applies the new limit."""
    client = "198.51.100.40"
    assert [submit(service, client).status for _ in range(MOST + 1)] == [201] * MOST + [429]
    changed = {"public_api.rate_limit_max": MOST + 2}
    assert service.call("PUT", "/api/v1/settings", changed)[0] == 200
    wait_for(lambda: submit(service, client).status == 201, what="the new limit")
    wait_for(lambda: submit(service, client).status == 201, what="the new limit in another process")
    assert {submit(service, client).status for _ in range(6)} == {429}
    assert service.call("PUT", "/api/v1/settings", {"public_api.rate_limit_enabled": False})[0] == 200
    wait_for(lambda: [submit(service, client).status for _ in range(9)] == [201] * 9, what="no limit")
