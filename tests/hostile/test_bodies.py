"""Bodies that are made to exhaust memory, the interpreter or the parser: a clear refusal at a bounded cost."""

import io
import json
import os
import random
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import settings as exploring
from hypothesis import strategies as st

from gonemaster_api.errors import BadRequest
from gonemaster_api.rest.parsing import parse_json
from gonemaster_api.use_cases.submission.name_set import NameSet
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import Batch, Job
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.api.conftest import MakeApp
from tests.hostile import LONG
from tests.hostile._http import Answer, code_of, connect, exchange, parse, post, read_to_end, serving
from tests.support.examples import examples
from tests.support.service import Service, wait_for
from tests.support.stores import MakeSettings, opened

MIB = 1024 * 1024
LARGEST = (64 if LONG else 12) * MIB
MAX_NAMES = LARGEST * 1_000_000 // (64 * MIB)  # in the same proportion as the defaults
EXAMPLES = 20_000 if LONG else examples(30, 300)


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One kind of database is enough: the tests hardly use it."""
    return make_store_settings("sqlite")


@pytest.fixture
def service(store_settings: StoreSettings, redis_server: EmbeddedRedis) -> Iterator[Service]:
    with serving(store_settings, redis_server, max_batch_body_size=LARGEST, max_batch_size=MAX_NAMES) as service:
        yield service


def filled(size: int, unit: bytes, *, begin: bytes = b'{"domains": [', end: bytes = b"1]}") -> bytes:
    return begin + unit * ((size - len(begin) - len(end)) // len(unit)) + end


SHAPES: dict[str, Callable[[int], bytes]] = {
    "arrays": lambda size: filled(size, b"[],"),
    "objects": lambda size: filled(size, b"{},"),
    "objects with a member": lambda size: filled(size, b'{"a":1},'),
    "members": lambda size: b"{" + b",".join(b'"%d":1' % number for number in range(size // 12)) + b"}",
    "arrays within arrays": lambda size: filled(size, b"[", end=b""),
    "closing brackets": lambda size: filled(size, b"]", end=b""),
    "short strings": lambda size: filled(size, b'"ab",'),
    "numbers": lambda size: filled(size, b"1000,"),
    "commas": lambda size: filled(size, b","),
    "quotation marks": lambda size: filled(size, b'"'),
    "escapes": lambda size: filled(size, b"\\u0041", begin=b'{"domains": ["', end=b'"]}'),
    "backslashes": lambda size: filled(size, b"\\\\", begin=b'{"domains": ["', end=b'"]}'),
    "a long string": lambda size: filled(size, b"x", begin=b'{"domains": ["', end=b'"]}'),
    "a wide character among others": lambda size: filled(
        size, b"x", begin='{"domains": ["\U0001f4a9'.encode(), end=b'"]}'
    ),
    "digits": lambda size: filled(size, b"9", begin=b'{"domains": [', end=b"]}"),
    "spaces": lambda size: filled(size, b" "),
    "not JSON": lambda size: b"x" * size,
    "not UTF-8": lambda size: filled(size, b'"\xff",'),
}


def test_large_bodies_are_refused_in_bounded_memory(service: Service) -> None:
    size = LARGEST - MIB
    pid = worker_of(service)
    for name, shape in SHAPES.items():
        body = shape(size)
        (Path("/proc") / str(pid) / "clear_refs").write_text("5")  # resets the peak
        before = memory_of(pid, "VmRSS")
        answer = exchange(service, post(b"Content-Length: %d" % len(body), body=body, path=b"/api/v1/jobs/batch"))
        assert (answer[0], code_of(answer)) == (400, "invalid_json"), name
        assert memory_of(pid, "VmHWM") - before < 3 * LARGEST, name
    assert "Traceback" not in service.log


def worker_of(service: Service) -> int:
    """Return the id of the process that serves the API."""
    service.wait_for_log("event='serving'")
    return int(re.findall(r"event='serving' pid=(\d+)", service.log)[0])


def memory_of(pid: int, name: str) -> int:
    """Return a memory value of a process in bytes."""
    lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(name)))


GOOD: dict[str, Callable[[int], str]] = {
    "short": lambda number: f"{number:x}.de",
    "U-labels": lambda number: f"\u00e4{number:x}.de",
    "long": lambda number: f"{number:x}.{'x' * 45}.example",  # a million domains are just below 64 MiB
}
FLOOR = 64 * MIB  # the limit of a process for any batch: buffers of the database, chunks of rows


@pytest.mark.parametrize("kind", GOOD)
def test_large_batch_of_good_names_is_taken_in_bounded_memory(service: Service, kind: str) -> None:
    number = MAX_NAMES if LONG else 60_000
    names = [GOOD[kind](name) for name in range(number)]
    body = json.dumps({"domains": names, "tags": ["t"]}, ensure_ascii=False).encode()
    pid = worker_of(service)
    (Path("/proc") / str(pid) / "clear_refs").write_text("5")  # resets the peak
    before = memory_of(pid, "VmRSS")
    answer = submit_to(service, body)
    assert (answer[0], json.loads(answer[2])["job_count"]) == (202, number)
    assert memory_of(pid, "VmHWM") - before < max(3 * len(body), FLOOR)


def submit_to(service: Service, body: bytes) -> Answer:
    with connect(service, post(b"Content-Length: %d" % len(body), body=body, path=b"/api/v1/jobs/batch")) as connection:
        connection.settimeout(3_600 if LONG else 300)  # a million rows, possibly on a busy host
        return parse(read_to_end(connection))


@pytest.mark.parametrize("size", [MIB, 2 * MIB, 8 * MIB] if LONG else [2 * MIB])
def test_batch_of_a_process_that_is_killed_is_whole_or_not_at_all(
    store_settings: StoreSettings, redis_server: EmbeddedRedis, size: int
) -> None:
    number = 100_000 if LONG else 30_000
    body = json.dumps({"domains": [f"{name:x}.de" for name in range(number)]}).encode()
    request = post(b"Content-Length: %d" % len(body), body=body, path=b"/api/v1/jobs/batch")
    log = Path(f"{store_settings.dsn}-wal")
    with serving(store_settings, redis_server) as service, opened(store_settings) as store:
        pid = worker_of(service)
        with connect(service, request):
            wait_for(lambda: log.exists() and log.stat().st_size > size, what="rows in the log of the database")
            os.kill(pid, signal.SIGKILL)
        wait_for(
            lambda: service.process.poll() is not None or service.log.count("event='serving'") == 2,
            what="the end of the process",
        )
        with store.read_only() as session:
            batches, jobs = (session.scalar(sa.select(sa.func.count()).select_from(each)) for each in (Batch, Job))
        assert jobs == number * (batches or 0)


REFUSED = {
    "a member twice": (b'{"domain": "a.example", "domain": "b.example"}', "two members"),
    "a member twice inside": (b'{"domain": "a.example", "profile_overrides": {"a": 1, "a": 2}}', "two members"),
    "a large exponent": (b'{"profile_id": 1e999999}', "too large"),
    "a million digits": (b'{"profile_id": ' + b"9" * 1_000_000 + b"}", "digits"),
    "a million digits after the point": (b'{"expires_in": 1' + b"0" * 1_000_000 + b".0}", "too large"),
    "a byte order mark": (b'\xef\xbb\xbf{"domain": "a.example"}', "BOM"),
    "depth": (b'{"tags": ' + b"[" * 101 + b"]" * 101 + b"}", "nested"),
    "a missing value": (b'{"tags": ["a",,"b"]}', "not JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_says_why(make_app: MakeApp, name: str) -> None:
    body, reason = REFUSED[name]
    answer = (
        make_app(max_body_size=4 * MIB).test_client().post("/api/v1/jobs", data=body, content_type="application/json")
    )
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_json")
    assert reason in error["message"]
    assert len(error["message"]) < 300


class _HeldBody(io.BytesIO):
    """A body that no process reads until the test releases it."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.reading, self.go_on = threading.Event(), threading.Event()

    def readinto(self, buffer: Any, /) -> int:
        self.reading.set()
        self.go_on.wait(60)
        return super().readinto(buffer)


def test_large_bodies_are_worked_on_one_at_a_time(make_app: MakeApp) -> None:
    client = make_app(max_body_size=1000, max_batch_body_size=300_000).test_client()
    body = json.dumps({"domains": [f"n{number}.example" for number in range(10_000)]}).encode()
    assert 75_000 < len(body) < 300_000
    held = _HeldBody(body)
    statuses: list[int] = []

    def first() -> None:
        statuses.append(submit(client, input_stream=held).status_code)

    thread = threading.Thread(target=first)
    thread.start()
    assert held.reading.wait(60)
    second = submit(client, data=body)
    assert (second.status_code, second.get_json()["error"]["code"]) == (503, "too_many_bodies")
    assert second.headers["Retry-After"]
    assert submit(client, data=b'{"domains": ["small.example"]}').status_code == 202
    held.go_on.set()
    thread.join()
    assert statuses == [202]
    assert submit(client, data=body).status_code == 202


def submit(client: FlaskClient, **request: Any) -> Any:
    return client.application.test_client().post("/api/v1/jobs/batch", content_type="application/json", **request)


plain = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.text(st.characters(exclude_categories=["Cs"]))
)
documents = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text('ab\\",:[]{}\u20ac'), inner),
    max_leaves=40,
)


def in_blocks(text: bytes, seed: int) -> Iterator[bytes]:
    """Split a text at random positions, mostly into small pieces."""
    cuts = random.Random(seed)
    while text:
        size = cuts.choice((1, 2, 3, 7, 40))
        yield text[:size]
        text = text[size:]


@exploring(max_examples=EXAMPLES, derandomize=False, print_blob=True)
@given(documents, st.integers(0, 2**32), st.sampled_from([None, 0, 3]))
@example({"domains": ["a,b", "c\\", '"', "d"] * 20, "tags": ["t", "u"]}, 1, None)
@example([*[None] * 5, [None] * 6], 0, None)
@example([["a", 1, None, True], ["b"] * 30, {"a": ["c"] * 30}], 2, 3)
def test_document_is_the_same_however_it_is_cut(document: Any, seed: int, indent: int | None) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=bool(seed % 2)).encode()
    if b"\\u0000" in text:
        return  # refused: no database can store it
    assert parse_json(in_blocks(text, seed)) == document


@exploring(max_examples=EXAMPLES, derandomize=False, print_blob=True)
@given(st.lists(documents, max_size=60), st.dictionaries(st.text("ab\\"), documents), st.integers(0, 2**32))
@example(["a", "b"] * 50, {"b": ["c"] * 50}, 3)
@example(["a", ["b"] * 30, "c", "d", {"e": ["f"] * 30}], {}, 5)
def test_list_that_is_read_later_is_the_same(values: list[Any], others: dict[str, Any], seed: int) -> None:
    text = json.dumps({"names": values} | others).encode()
    if b"\\u0000" in json.dumps(others).encode():
        return
    document = parse_json(in_blocks(text, seed), unread="names")
    names = document.pop("names")
    assert len(names) == len(values)
    assert list(names) == values
    assert document == others


def test_text_that_cannot_be_stored_is_found_at_every_cut() -> None:
    for seed in range(200):
        with pytest.raises(BadRequest, match="lone surrogate"):
            parse_json(in_blocks(b'["a","b","\\ud800","c"]', seed))
        later = parse_json(in_blocks(b'{"n":["a","b","\\ud800","c"]}', seed), unread="n")
        assert list(later["n"]) == ["a", "b", "\ud800", "c"]
        with pytest.raises(BadRequest, match="lone surrogate"):
            parse_json(in_blocks(b'{"n":["a"],"m":["a","\\ud800","c"]}', seed), unread="n")


@given(st.lists(st.text("abc.", min_size=1, max_size=4)))
def test_set_of_names_has_each_once_in_order(names: list[str]) -> None:
    found = NameSet(len(names))
    assert [found.add(name) for name in names] == [name not in names[:at] for at, name in enumerate(names)]
    assert list(found) == list(dict.fromkeys(names))
    assert len(found) == len(set(names))


@exploring(max_examples=EXAMPLES, derandomize=False, print_blob=True)
@given(st.text('[]{},:" \\1a\n\u20ac').map(str.encode) | st.binary(), st.integers(0, 2**32))
@example(b"[1,,2]", 0)
@example(b'["a","b",]', 0)
@example(b'{"a":1,"b","c"}', 0)
@example(b'[1,2,"\\",3]', 0)
@example(b'[1\\,"a",2]', 0)
def test_what_is_not_json_is_refused_however_it_is_cut(text: bytes, seed: int) -> None:
    try:
        expected = json.loads(text.decode(), parse_constant=lambda name: [][len(name)])
    except (ValueError, IndexError):
        expected = BadRequest
    try:
        found = parse_json(in_blocks(text, seed))
    except BadRequest as error:
        found = BadRequest
        if any(reason in error.message for reason in ("two members", "NUL", "too large")):
            return  # stricter than json.loads
    assert found == expected
