"""Heavy work lets light requests pass, but not for ever, and few threads do it at a time."""

import threading

import pytest
from gonemaster_api.server.request_threads import RequestThreads
from gonemaster_api.web.light_requests import HEAVY_AT_ONCE, LightRequests, be_heavy, give_way, heavy, heavy_step, light

from gonemaster_api.web import light_requests


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> LightRequests:
    """Requests that wait for others as long as it takes."""
    monkeypatch.setattr(light_requests, "_LONGEST_S", 3600.0)
    return LightRequests()


class Light:
    """A light request in a thread of its own; it lasts until it is told to end."""

    def __init__(self, requests: LightRequests, *, streams: bool = False) -> None:
        self._begun, self._end = threading.Event(), threading.Event()
        self.has_ended = False
        self._thread = threading.Thread(target=self._run, args=(requests, streams))
        self._thread.start()
        assert self._begun.wait(60)

    def _run(self, requests: LightRequests, streams: bool) -> None:
        with light(requests):
            if streams:
                be_heavy()
            self._begun.set()
            self._end.wait(60)
            self.has_ended = True

    def end(self) -> None:
        self._end.set()
        self._thread.join(60)


def test_a_part_begins_when_no_light_request_is_worked_on(requests: LightRequests) -> None:
    held = [Light(requests) for _ in range(3)]
    found: list[bool] = []

    def part() -> None:
        with heavy(requests):
            give_way()
            found.append(all(each.has_ended for each in held))

    thread = threading.Thread(target=part)
    thread.start()
    for each in held:
        each.end()
    thread.join(60)
    assert found == [True]


def test_a_part_does_not_wait_for_ever(requests: LightRequests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light_requests, "_LONGEST_S", 0.01)
    held = Light(requests)
    with heavy(requests):
        give_way()
        assert not held.has_ended
    held.end()


def test_a_stream_is_not_waited_for(requests: LightRequests) -> None:
    held = Light(requests, streams=True)
    with heavy(requests):
        give_way()
        assert not held.has_ended
    held.end()
    assert requests._count == 0


def test_light_requests_and_threads_that_serve_none_do_not_wait(requests: LightRequests) -> None:
    held = Light(requests)
    give_way()
    with heavy_step():
        pass
    with light(requests):
        give_way()
    held.end()


def test_an_error_ends_a_light_request(requests: LightRequests) -> None:
    with pytest.raises(ValueError, match="broken"), light(requests):
        raise ValueError("broken")
    assert requests._count == 0


def test_steps_of_streams_and_large_responses_share_the_slots(requests: LightRequests) -> None:
    go_on, lock = threading.Event(), threading.Lock()
    at_once: list[int] = [0]
    seen: list[int] = []

    def work() -> None:
        with lock:
            at_once[0] += 1
            seen.append(at_once[0])
        go_on.wait(0.01)
        with lock:
            at_once[0] -= 1

    def large() -> None:
        with heavy(requests):
            work()

    def stream() -> None:
        with light(requests):
            be_heavy()
            with heavy_step():
                work()

    threads = [threading.Thread(target=kind) for kind in [large, stream] * 10]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(seen) == 20
    assert max(seen) <= HEAVY_AT_ONCE


def test_light_requests_never_wait_behind_large_responses() -> None:
    """Whatever number of large responses is wanted: so many are built at once, and no thread of the others is used."""
    threads, go_on, lock = RequestThreads(4), threading.Event(), threading.Lock()
    building: list[int] = [0, 0]  # now, most

    def build() -> None:
        with lock:
            building[0] += 1
            building[1] = max(building)
        go_on.wait(60)
        with lock:
            building[0] -= 1

    large = [threads.submit(build, large=True) for _ in range(50)]
    for _ in range(20):  # each is begun and done while none of the large ones ends
        threads.submit(lambda: None, large=False).result(60)
    assert not any(each.done() for each in large)
    go_on.set()
    for each in large:
        each.result(60)
    threads.stop()
    assert building[1] == HEAVY_AT_ONCE


@pytest.mark.usefixtures("requests")
def test_streams_that_wait_for_their_clients_leave_threads_and_slots() -> None:
    """Between its parts a stream has no slot, however long its client takes, and is not waited for."""
    threads, go_on = RequestThreads(4), threading.Event()
    waiting = threading.Barrier(4)

    def stream() -> None:
        be_heavy()
        with heavy_step():
            pass
        waiting.wait(60)
        go_on.wait(60)

    streams = [threads.submit(stream, large=False) for _ in range(3)]  # the most that four threads may have
    waiting.wait(60)
    threads.submit(lambda: None, large=False).result(60)
    threads.submit(give_way, large=True).result(60)
    assert not any(each.done() for each in streams)
    go_on.set()
    for each in streams:
        each.result(60)
    threads.stop()
