"""While an API process has no free descriptors or has been killed, the others respond, and later it responds again."""

import os
import re
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.hostile._http import code_of, connect, exchange, get, parse, post, read_to_end, serving
from tests.support.service import Service, wait_for

pytestmark = pytest.mark.thorough

PROCESSES = 3
QUEUE = get(b"/api/v1/queue")
STATIC = get(b"/static/app.css")


@pytest.fixture
def store_settings(sqlite_template: Path, tmp_path: Path) -> StoreSettings:
    path = tmp_path / "store.db"
    shutil.copyfile(sqlite_template, path)
    return StoreSettings(dsn=str(path))


@pytest.fixture
def service(store_settings: StoreSettings, redis_server: EmbeddedRedis) -> Iterator[Service]:
    with serving(store_settings, redis_server) as service:
        assert exchange(service, QUEUE)[0] == 200  # the permanent descriptors are open
        yield service


def workers_of(service: Service) -> list[int]:
    return [int(pid) for pid in re.findall(r"event='serving' pid=(\d+)", service.log)]


def descriptors_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def is_answered(service: Service) -> bool:
    """Request the queue; a connection that gets no descriptor may be closed."""
    with connect(service, QUEUE) as connection:
        connection.settimeout(2)
        with suppress(OSError):
            return connection.recv(12) == b"HTTP/1.1 200"
    return False


def allow_descriptors(pid: int, number: int) -> None:
    """Set the soft limit of a process: open descriptors stay open."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (number, hard))


def test_silent_connections_that_take_all_descriptors_make_way(service: Service) -> None:
    (pid,) = workers_of(service)
    allow_descriptors(pid, descriptors_of(pid) + 12)
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connect(service, b"GET /"))
        wait_for(lambda: is_answered(service), what="an answer once the silent connections are closed")
    lacks = ("Too many open files", "unable to open database file")  # a parallel thread may fail in the same way
    others = [
        line for line in service.log.splitlines() if "Traceback" in line and not any(lack in line for lack in lacks)
    ]
    assert others == []


def test_process_without_any_descriptor_answers_when_there_is_one(service: Service) -> None:
    (pid,) = workers_of(service)
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    allow_descriptors(pid, 0)
    assert not is_answered(service)
    allow_descriptors(pid, hard)
    wait_for(lambda: is_answered(service), what="an answer with descriptors")


def test_body_for_which_there_is_no_file_is_refused_for_now(service: Service) -> None:
    (pid,) = workers_of(service)
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    head = post(b"Content-Length: 900000", b"Expect: 100-continue", body=b"", path=b"/api/v1/jobs/batch")
    with connect(service, head) as connection:
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        allow_descriptors(pid, 0)
        connection.sendall(b" " * 200_000)
        answer = parse(read_to_end(connection))
        allow_descriptors(pid, hard)  # the process needs a descriptor to stop
    assert (answer[0], code_of(answer)) == (503, "too_many_bodies")
    assert answer[1]["retry-after"]
    assert "Traceback" not in service.log


def test_processes_serve_together_and_are_replaced(store_settings: StoreSettings, redis_server: EmbeddedRedis) -> None:
    with serving(store_settings, redis_server, api_processes=PROCESSES) as service, ExitStack() as stack:
        wait_for(lambda: len(workers_of(service)) == PROCESSES, what="all processes")
        for _ in range(100):
            stack.enter_context(connect(service))
            stack.enter_context(connect(service, post(b"Content-Length: 1000", body=b"{")))
        os.kill(workers_of(service)[0], signal.SIGKILL)
        wait_for(lambda: len(workers_of(service)) == PROCESSES + 1, what="a process in its place")
        for _ in range(30):
            assert exchange(service, QUEUE)[0] == 200
        assert "Traceback" not in service.log
