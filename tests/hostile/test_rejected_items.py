"""Invalid messages in a queue are set aside and reported; consumers and scripts continue."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gonemaster_db.core.clock import utcnow
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.events import JobEvent
from gonemaster_tasks.broker.keys import TYPES
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.broker.queue.messages import build_call, build_message, fault_of
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.control.order import move_jobs, reorder_queue
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.monitoring.health import find_issues
from gonemaster_tasks.queues import BATCH, MAINTENANCE, NORMAL, OPERATE, ORDER
from tests.hostile import LONG
from tests.support.examples import examples
from tests.support.redis import raw
from tests.support.workers import Farm, wait_until
from tests.tasks.rows import queue_batch

JOB = "job_0123456789"
DEEP = "[" * 200_000


def changed(**fields: Any) -> bytes:
    """Return a valid message with changed fields; None removes a field."""
    message = json.loads(build_message(JOB, NORMAL)) | fields
    return json.dumps({name: value for name, value in message.items() if value is not None}).encode()


def calling(*arguments: Any) -> str:
    return base64.b64encode(json.dumps([list(arguments), {}, None]).encode()).decode()


WRONG: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"no json",
    "no UTF-8": b"\xff\xfe\x00",
    "a number": b"1",
    "a list": b"[]",
    "null": b"null",
    "an object": b"{}",
    "deep": DEEP.encode(),
    "huge": b'"' + b"x" * 5_000_000 + b'"',
    "another job in the body": changed(body=calling("job_other")),
    "no job": changed(body=calling(1), headers={"task": "gonemaster.run", "id": 1}),
    "no headers": changed(headers=None),
    "headers that are a text": changed(headers="x"),
    "no properties": changed(properties=None),
    "no delivery tag": changed(properties={"delivery_info": {"exchange": "", "routing_key": NORMAL}}),
    "no body": changed(body=None),
    "a body that is no base64": changed(body="%"),
    "pickle": changed(**{"content-type": "application/x-python-serialize"}),
    "an unknown task": changed(headers={"task": "os.system", "id": JOB}),
    "of another tier": build_message(JOB, BATCH).encode(),
    "a NUL in the id": build_message("job_\0", NORMAL).encode(),
    "kombu's typed object": changed(extra={"__type__": "datetime", "__value__": "never"}),
}


@pytest.mark.parametrize("item", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_seen(item: bytes) -> None:
    assert fault_of(item, NORMAL)


def test_what_this_service_writes_is_taken() -> None:
    for tier in (NORMAL, BATCH):
        for form in (False, True):
            assert fault_of(build_message(JOB, tier, redelivered=form).encode(), tier) == ""
    assert fault_of(build_call(OPERATE, "operate_1").encode(), MAINTENANCE) == ""


def test_a_worker_puts_aside_what_is_no_message_and_goes_on(farm: Farm) -> None:
    worker = farm.start_worker("one", GONEMASTER_RECONCILE_INTERVAL_SECONDS="3600")
    for queue in ORDER:
        raw(farm.broker).lpush(queue, *WRONG.values())
    first = farm.submit("good.test")
    run = farm.run_of(first)
    assert (run.status, run.attempt, worker.poll()) == ("succeeded", 1, None)
    wait_until(lambda: not any(farm.broker.lists.depths().values()), what="all items are taken")
    # A message "of another tier" is valid in its tier: its job does not exist, so the claim drops it.
    wait_until(lambda: farm.broker.rejected.count() == min(100, 3 * len(WRONG) - 1), what="all are kept")
    wait_until(lambda: farm.broker.unacked.count() == 0, what="all are acknowledged")
    kinds = {issue.kind: issue for issue in find_issues(farm.parts, load_settings({}, {}))}
    assert kinds["item_rejected"].count == 3 * len(WRONG) - 1
    assert "gm:rejected" in kinds["item_rejected"].text
    assert farm.run_of(farm.submit("better.test")).status == "succeeded"


def test_what_is_published_as_a_broadcast_and_is_none_ends_no_worker(farm: Farm) -> None:
    worker = farm.start_worker("one")
    channels = [*raw(farm.broker).pubsub_channels(), "/0.celery.pidbox"]
    for text in ("x", "1", "[]", "{}", "null", '{"properties": {}}', '{"properties": {"delivery_tag": []}}', DEEP):
        for channel in channels:
            wait_until(partial(raw(farm.broker).publish, channel, text), what="somebody listens (again)")
    job_id = farm.submit("running-60000.test")
    wait_until(lambda: farm.started(job_id), what="the job runs")
    cancel_job(farm.parts, job_id)
    assert farm.run_of(job_id).status == "canceled"
    assert worker.poll() is None


@settings(max_examples=3000 if LONG else examples(15, 150), derandomize=False, print_blob=True)
@example(item=b'{"headers": {"task": [], "id": {}}}', queue=MAINTENANCE)
@given(
    item=st.one_of(
        st.binary(max_size=100),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(["headers", "properties", "body", "id", "task", "delivery_info", "delivery_tag"]),
                    inner,
                    max_size=5,
                )
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    queue=st.sampled_from(ORDER),
)
def test_no_item_is_too_strange_to_be_judged(item: bytes, queue: str) -> None:
    assert fault_of(item, queue)


@settings(max_examples=500 if LONG else examples(10, 40), derandomize=False, print_blob=True)
@given(
    name=st.sampled_from(["headers", "properties", "body", "content-type", "content-encoding", "other"]),
    value=st.none() | st.integers() | st.text(max_size=5) | st.lists(st.none(), max_size=2),
)
def test_a_message_with_another_field_is_not_ours(name: str, value: Any) -> None:
    message = json.loads(build_message(JOB, NORMAL))
    assert fault_of(json.dumps(message | {name: value}).encode(), NORMAL)


def test_scripts_and_readers_step_over_what_is_no_message(parts: QueueParts) -> None:
    ids = queue_batch(parts, 4)
    for item in (b"no json", b"\xff\xfe", b"[]", DEEP.encode()):
        raw(parts.broker).linsert(BATCH, "BEFORE", build_message(ids[1], BATCH), item)
    assert [job_id for job_id in parts.broker.lists.waiting_ids(BATCH) if job_id] == ids
    assert move_jobs(parts, [ids[3]], to="front") == [ids[3]]
    expected = [ids[2], ids[0], ids[1], ids[3]]
    reorder_queue(parts, expected)
    assert [job_id for job_id in parts.broker.lists.waiting_ids(BATCH) if job_id] == expected
    assert parts.broker.lists.remove([ids[0]], BATCH) == [ids[0]]


def test_a_rebuilt_tier_puts_aside_what_is_no_message(parts: QueueParts) -> None:
    ids = queue_batch(parts, 3)
    put_back = build_message(ids[0], BATCH, redelivered=True)
    ours = [put_back, kombus_form(put_back), build_message("job_gone", BATCH)]  # valid, even if the job does not wait
    raw(parts.broker).lpush(BATCH, *ours, *WRONG.values())
    reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    assert list(parts.broker.lists.waiting_ids(BATCH)) == ids
    # Messages of WRONG that are invalid only in the normal tier are valid here.
    assert parts.broker.rejected.count() == len(WRONG) - 1
    assert "item_rejected" in {issue.kind for issue in find_issues(parts, load_settings({}, {}))}
    assert not list(raw(parts.broker).scan_iter("gm:replaced:*"))


def test_a_rebuild_keeps_a_hundred_items_however_many_there_are(parts: QueueParts) -> None:
    ids = queue_batch(parts, 3)
    raw(parts.broker).lpush(BATCH, *(f"item {number}" for number in range(2500)))
    reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    assert list(parts.broker.lists.waiting_ids(BATCH)) == ids
    assert parts.broker.rejected.count() == 100


def kombus_form(message: str) -> str:
    """Return the same fields in another order, as another JSON writer produces them."""
    return json.dumps(dict(reversed(json.loads(message).items())))


MAKERS: dict[str, Callable[[Any, str], object]] = {
    "string": lambda client, key: client.set(key, "x"),
    "hash": lambda client, key: client.hset(key, "x", "y"),
    "set": lambda client, key: client.sadd(key, "x"),
    "zset": lambda client, key: client.zadd(key, {"x": 1}),
    "stream": lambda client, key: client.xadd(key, {"x": "y"}),
    "list": lambda client, key: client.lpush(key, "x"),
}


def test_keys_of_another_type_are_put_aside_by_the_reconciler(parts: QueueParts) -> None:
    ids = queue_batch(parts, 3)
    for name, kind in TYPES.items():
        client = raw(parts.broker)
        client.delete(name)
        MAKERS["stream" if kind == "list" else "list"](client, name)
    reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    assert list(parts.broker.lists.waiting_ids(BATCH)) == ids
    assert parts.broker.rejected.count() == len(TYPES)
    assert parts.broker.rejected.quarantine_wrong_types() == []
    assert len(list(raw(parts.broker).scan_iter("gm:rejected:*"))) == len(TYPES)


@pytest.mark.parametrize("kind", ["string", "hash", "zset"])
def test_a_worker_takes_jobs_although_a_queue_was_of_another_type(farm: Farm, kind: str) -> None:
    worker = farm.start_worker("one", GONEMASTER_RECONCILE_INTERVAL_SECONDS="3600")
    MAKERS[kind](raw(farm.broker), BATCH)
    MAKERS[kind](raw(farm.broker), NORMAL)
    wait_until(lambda: raw(farm.broker).type(NORMAL) == "none", what="the key is put aside")
    assert farm.run_of(farm.submit("good.test")).status == "succeeded"
    assert worker.poll() is None


def test_what_others_write_in_place_of_our_values_is_passed_over(broker: Broker) -> None:
    client = raw(broker)
    client.hset("gm:paused", mapping={NORMAL: "soon", BATCH: "1e3"})
    assert broker.marks.controls().paused == {NORMAL: 0.0, BATCH: 1000.0}
    good = WorkerState("good", "h", 1, (NORMAL,), 1, {}, 0.0)
    broker.workers.register(good, timedelta(seconds=60))
    for number, text in enumerate(("x", "[]", "{}", '{"queues": 1}', DEEP)):
        client.zadd("gm:worker-times", {f"bad{number}": 2e12})
        client.set(f"gm:worker:bad{number}", text)
    assert broker.workers.live() == [good]
    client.set("gm:progress:job_1", "half")
    client.set("gm:progress:job_2", "50")
    assert broker.events.progress(["job_1", "job_2"]) == {"job_2": 50}
    client.xadd("gm:events:job_1", {"type": "state", "data": "{"})
    client.xadd("gm:events:job_1", {"other": "x"})
    broker.events.publish("job_1", JobEvent("state", {"status": "running"}))
    assert [event.type for event in broker.events.read("job_1")] == ["state"]
