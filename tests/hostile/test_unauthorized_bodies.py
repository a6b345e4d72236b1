"""Large bodies without a token are not received, and take no space from authorized bodies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gonemaster_api.server.bodies import Bodies
from gonemaster_api.state import NAME
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.loader import load_settings
from tests.api.conftest import MakeApp
from tests.hostile._http import Answer, connect, exchange, parse, read_to_end, serving
from tests.support.service import Service
from tests.support.stores import MakeSettings
from tests.support.tokens import ADMIN, CONFIGURED, READ

LARGE = 200 * 1024
LIMIT = 1024 * 1024


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: the queries do not differ here."""
    return make_store_settings("sqlite")


@pytest.fixture
def service(store_settings: StoreSettings, redis_server: EmbeddedRedis) -> Iterator[Service]:
    """An API with tokens, and space for four bodies of one megabyte."""
    sizes = {"max_body_size": LIMIT, "max_batch_body_size": LIMIT}
    flags = {"admin_token_hashes": CONFIGURED, "read_timeout": "5s", **sizes}
    with serving(store_settings, redis_server, **flags) as running:
        yield running


def head(length: int, *fields: str, path: str = "/api/v1/jobs/batch") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Connection: close", *fields]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def batch(size: int) -> bytes:
    """Return a batch with one name, padded with spaces to a size."""
    return json.dumps({"domains": ["example.com"]}).encode().ljust(size)


def code_of(answer: Answer) -> tuple[int, str]:
    status, _, content = answer
    return status, json.loads(content).get("error", {}).get("code", "")


def test_what_may_not_be_sent_is_not_waited_for(service: Service) -> None:
    """The server responds to the header alone."""
    for fields in ([], ["Authorization: Bearer gm_wrong"], ["Cookie: other=1"]):
        assert code_of(exchange(service, head(LIMIT, *fields))) == (401, "unauthorized")
    assert code_of(exchange(service, head(LARGE, path="/api/v1/session"))) == (503, "too_many_bodies")
    chunked = head(0, "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
    pieces = b"".join(b"%x\r\n%s\r\n" % (1024, b" " * 1024) for _ in range(100))
    assert code_of(exchange(service, chunked + pieces)) == (401, "unauthorized")
    small = head(100, "Authorization: Bearer gm_wrong") + b" " * 100
    assert code_of(exchange(service, small)) == (401, "unauthorized")
    assert code_of(exchange(service, head(LARGE, f"Authorization: Bearer {READ}") + batch(LARGE))) == (403, "forbidden")


def test_bodies_of_unknown_clients_leave_space_to_operators(service: Service) -> None:
    """With an invalid cookie a body is received, but in a separate space for such bodies."""
    made_up = f"Cookie: gm_admin={'x' * 43}"
    with ExitStack() as stack:
        waiting = []
        for _ in range(8):
            connection = stack.enter_context(connect(service, head(LIMIT, made_up)))
            connection.sendall(b" " * (LIMIT - 1))
            waiting.append(connection)
        answer = exchange(service, head(LARGE, f"Authorization: Bearer {ADMIN}") + batch(LARGE))
        assert answer[0] == 202, answer
        refused = [code_of(parse(read_to_end(connection))) for connection in waiting]
        assert set(refused) <= {(503, "too_many_bodies"), (408, "request_timeout")}
        assert refused.count((503, "too_many_bodies")) >= 7, "there is space for one of them"


def test_without_tokens_every_body_has_the_space_of_all(make_app: MakeApp) -> None:
    keyring = make_app().extensions[NAME].keyring
    bodies = Bodies(load_settings({}, {}), keyring)
    environ = {"PATH_INFO": "/api/v1/jobs/batch"}
    _, *flags = bodies.room(environ)
    assert flags == [False, False], "not read yet"
    keyring.refresh()
    longest, is_known, _ = bodies.room(environ)
    assert (longest, is_known) == (64 * 1024 * 1024, True)
