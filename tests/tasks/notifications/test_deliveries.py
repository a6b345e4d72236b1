"""Deliveries to real receivers: retried until accepted or given up, few at a time to one receiver."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import Delivery, DeliveryStatus, Watch, WatchEvent
from gonemaster_db.service import deliveries as rows
from gonemaster_db.service.watches import change_watch, delete_watch, get_watch
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.maintenance.watches import deliveries as module
from gonemaster_tasks.maintenance.watches.deliveries import (
    GIVE_UP_AFTER,
    attempt_due_deliveries,
    notify_due_deliveries,
    pause_after,
)
from gonemaster_tasks.maintenance.watches.messages import queue_test
from gonemaster_tasks.notifications import webhooks
from gonemaster_tasks.notifications.webhooks import signature_of
from gonemaster_tasks.queues import MAINTENANCE
from gonemaster_tasks.worker.main import node_name
from tests.db.service.test_watches import make_watch
from tests.support.mail_server import Mailbox, open_mail_server
from tests.support.receivers import Receiver, answer, open_receiver
from tests.support.rows import make_run, record
from tests.support.threads import together
from tests.support.workers import Farm, wait_until

HOUR = timedelta(hours=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mail_server() as opened:
        yield opened


def settings(**options: Any) -> Settings:
    return load_settings({"allow_private_webhooks": True, "lease_seconds": 30} | options, {})


def attempt(store: Store, *, now: Callable[[], datetime] = utcnow, **options: Any) -> int:
    return attempt_due_deliveries(store, settings(**options), worker="w", now=now)


def watch_at(store: Store, receiver: Receiver, **fields: Any) -> Watch:
    host = f"127.0.0.1:{receiver.port}"
    return make_watch(store, WatchEvent.BATCH_FINISHED, url=receiver.url(), host=host, **fields)


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def queue(store: Store, watch: Watch, *, event: str = "batch.finished", begin: datetime | None = None) -> str:
    with store.transaction() as session:
        return rows.add_delivery(session, watch.id, event=event, body='{"n":1}', now=begin or utcnow()).id


def read(store: Store, watch: Watch) -> list[Delivery]:
    with store.read_only() as session:
        return list(reversed(rows.list_deliveries(session, watch.id).items))


def watch_now(store: Store, watch: Watch) -> Watch:
    with store.read_only() as session:
        return get_watch(session, watch.id)


def test_what_is_due_is_sent_once_with_its_signature(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver, secret="s3cret")
    delivery_id = queue(store, watch)
    assert attempt(store) == 1
    assert attempt(store) == 0
    (got,) = receiver.received
    assert got.headers["X-Gonemaster-Delivery"] == delivery_id
    timestamp = got.headers["X-Gonemaster-Timestamp"]
    assert got.headers["X-Gonemaster-Signature"] == signature_of("s3cret", timestamp, b'{"n":1}')
    (delivery,) = read(store, watch)
    assert (delivery.status, delivery.attempts, delivery.response_status) == (DeliveryStatus.SUCCEEDED, 1, 204)
    assert (delivery.body, delivery.error, delivery.lease_until) == (None, "", None)
    assert delivery.finished_at is not None
    assert delivery.duration_ms is not None


@pytest.mark.parametrize("public_url", ["https://dns.example/", ""])
def test_links_begin_with_the_public_url_of_the_attempt(store: Store, receiver: Receiver, public_url: str) -> None:
    watch = watch_at(store, receiver)
    with store.transaction() as session:
        queue_test(session, watch, now=utcnow())
    assert attempt(store, public_url=public_url) == 1
    (event,) = json.loads(receiver.received[0].body)["events"]
    assert event["url"] == f"{public_url.rstrip('/')}/watches/{watch.id}"


def test_a_failure_is_retried_later_and_later_until_the_receiver_comes_back(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver)
    receiver.behaviour = answer(503)
    begin = utcnow()
    queue(store, watch, begin=begin)
    now = begin
    pauses = []
    for _ in range(9):
        assert attempt(store, now=at(now)) == 1
        assert attempt(store, now=at(now)) == 0
        (delivery,) = read(store, watch)
        pauses.append((delivery.next_attempt_at - now).total_seconds() / 60)
        now = delivery.next_attempt_at
    assert [round(pause / 2**place) for place, pause in enumerate(pauses[:6])] == [1] * 6
    assert all(54 <= pause <= 66 for pause in pauses[6:])
    assert (delivery.status, delivery.attempts, delivery.response_status) == (DeliveryStatus.WAITING, 9, 503)
    assert delivery.error == "the receiver answered with status 503"
    assert watch_now(store, watch).failures == 9
    receiver.behaviour = answer(200)
    assert attempt(store, now=at(now)) == 1
    (delivery,) = read(store, watch)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.SUCCEEDED, 10)
    assert (watch_now(store, watch).failures, watch_now(store, watch).retry_at) == (0, None)
    assert len({got.headers["X-Gonemaster-Delivery"] for got in receiver.received}) == 1


def test_a_delivery_is_given_up_after_a_day(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver)
    receiver.behaviour = answer(500)
    old, young = queue(store, watch, begin=utcnow() - GIVE_UP_AFTER), queue(store, watch)
    attempt(store)
    found = {delivery.id: delivery for delivery in read(store, watch)}
    assert (found[old].status, found[old].body) == (DeliveryStatus.FAILED, None)
    assert found[young].status == DeliveryStatus.WAITING


def test_a_receiver_that_is_gone_gets_no_second_attempt(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver)
    receiver.behaviour = answer(410)
    queue(store, watch)
    attempt(store)
    assert [delivery.status for delivery in read(store, watch)] == [DeliveryStatus.FAILED]


def test_after_a_failure_all_deliveries_of_the_watch_wait_but_for_a_test(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver)
    receiver.behaviour = answer(500)
    for _ in range(20):
        queue(store, watch)
    failed = attempt(store)
    assert failed <= 2  # those that were in progress at the same time
    assert attempt(store) == 0
    receiver.behaviour = answer(200)
    with store.transaction() as session:
        queue_test(session, watch, now=utcnow())
    receiver.received.clear()
    assert attempt(store) == 21 - failed  # the test delivery has shown that the receiver is back
    assert receiver.received[0].headers["X-Gonemaster-Event"] == "test"


@pytest.mark.parametrize("how", ["hang", "drip"])
@pytest.mark.thorough
def test_a_slow_receiver_does_not_delay_the_others(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 5.0)
    monkeypatch.setattr(module, "AT_ONCE", 4)
    slow = watch_at(store, receiver)
    receiver.behaviour = getattr(receiver, how)
    for _ in range(30):
        queue(store, slow, begin=utcnow() - HOUR)
    with open_receiver() as quick:
        watch = watch_at(store, quick)
        for _ in range(30):
            queue(store, watch)
        done = threading.Event()

        def release(handler: BaseHTTPRequestHandler) -> None:
            answer(204)(handler)
            if len(quick.received) >= 30:
                done.set()
                receiver.behaviour = answer(204)
                receiver.released.set()

        quick.behaviour = release
        attempt(store)
        assert done.is_set()
        assert {delivery.status for delivery in read(store, watch)} == {DeliveryStatus.SUCCEEDED}


def test_two_workers_send_each_delivery_once(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver)
    ids = [queue(store, watch) for _ in range(30)]
    together(*[lambda: attempt(store)] * 3)
    attempt(store)
    assert sorted(got.headers["X-Gonemaster-Delivery"] for got in receiver.received) == sorted(ids)


def test_a_worker_that_stops_gives_back_what_is_under_way(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver)
    receiver.behaviour = receiver.hang
    queue(store, watch)
    attempt_due_deliveries(store, settings(), worker="w", now=utcnow, stopped=lambda: bool(receiver.received))
    (delivery,) = read(store, watch)
    assert (delivery.status, delivery.attempts, delivery.lease_until) == (DeliveryStatus.WAITING, 0, None)
    receiver.behaviour = answer(204)
    assert attempt(store) == 1


def test_a_claim_is_renewed_while_the_attempt_lasts(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver)
    receiver.behaviour = receiver.hang
    queue(store, watch)
    leases: set[datetime] = set()

    def stopped() -> bool:
        (delivery,) = read(store, watch)
        if delivery.lease_until:
            leases.add(delivery.lease_until)
        return len(leases) == 3

    attempt_due_deliveries(store, settings(lease_seconds=2), worker="w", now=utcnow, stopped=stopped)
    assert len(leases) == 3


def test_an_attempt_whose_watch_is_removed_ends(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver)
    receiver.behaviour = receiver.hang
    queue(store, watch)

    def stopped() -> bool:
        if receiver.received:
            with store.transaction() as session:
                if session.get(Watch, watch.id):
                    delete_watch(session, watch.id)
        return False

    assert attempt_due_deliveries(store, settings(lease_seconds=2), worker="w", now=utcnow, stopped=stopped) == 1
    assert read(store, watch) == []


def test_a_disabled_watch_gets_no_more_notifications(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver)
    queue(store, watch)
    with store.transaction() as session:
        change_watch(session, watch.id, {"enabled": False}, now=utcnow())
    assert attempt(store) == 0
    (delivery,) = read(store, watch)
    assert (delivery.status, delivery.error) == (DeliveryStatus.FAILED, "the watch was disabled")


def test_a_private_address_needs_the_setting(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver)
    queue(store, watch)
    attempt(store, allow_private_webhooks=False)
    (delivery,) = read(store, watch)
    assert "allow_private_webhooks" in delivery.error
    assert receiver.received == []


def mail_watch(store: Store) -> Watch:
    return make_watch(store, WatchEvent.BATCH_FINISHED, url=None, host="", email="ops@example.com")


def test_mail_is_retried_until_the_server_is_back(store: Store, mailbox: Mailbox) -> None:
    watch = mail_watch(store)
    with store.transaction() as session:
        delivery = queue_test(session, watch, now=utcnow())
    mail = {"smtp_url": f"smtp://127.0.0.1:{mailbox.port}", "smtp_from": "dns@example.net"}
    now = utcnow()
    attempt(store, now=at(now))
    assert read(store, watch)[0].error == "smtp_url is not set for this worker"
    mailbox.refusal = "451 later"
    now += HOUR
    attempt(store, now=at(now), **mail)
    assert (read(store, watch)[0].response_status, read(store, watch)[0].status) == (451, DeliveryStatus.WAITING)
    mailbox.refusal = ""
    now += HOUR
    attempt(store, now=at(now), **mail)
    assert read(store, watch)[0].status == DeliveryStatus.SUCCEEDED
    (got,) = mailbox.mails
    assert got["Message-ID"] == f"<{delivery.id}@example.net>"
    assert got["Subject"] == "gonemaster: test of a watch"


def test_permanently_refused_mail_fails_at_once(store: Store, mailbox: Mailbox) -> None:
    watch = mail_watch(store)
    with store.transaction() as session:
        queue_test(session, watch, now=utcnow())
    mailbox.recipient_refusal = "550 no such user"
    attempt(store, smtp_url=f"smtp://127.0.0.1:{mailbox.port}", smtp_from="dns@example.net")
    (delivery,) = read(store, watch)
    assert (delivery.status, delivery.response_status) == (DeliveryStatus.FAILED, 550)


def test_a_worker_is_called_once_while_something_is_due(store: Store, broker: Broker, receiver: Receiver) -> None:
    notify_due_deliveries(store, broker, now=utcnow())
    assert broker.lists.depth(MAINTENANCE) == 0
    queue(store, watch_at(store, receiver))
    for _ in range(2):
        notify_due_deliveries(store, broker, now=utcnow())
    assert broker.lists.depth(MAINTENANCE) == 1


def test_pauses_grow_to_an_hour() -> None:
    assert timedelta(seconds=54) <= pause_after(1) <= timedelta(seconds=66)
    assert timedelta(minutes=54) <= pause_after(500) <= timedelta(minutes=66)


def test_records_of_deliveries_are_removed_in_steps(store: Store, receiver: Receiver) -> None:
    watch = watch_at(store, receiver)
    for _ in range(3):
        queue(store, watch)
    attempt(store)
    waiting = queue(store, watch)
    with store.transaction() as session:
        assert rows.purge_deliveries(session, finished_before=utcnow() - HOUR, limit=2) == 0
        assert rows.purge_deliveries(session, finished_before=utcnow() + HOUR, limit=2) == 2
        assert rows.purge_deliveries(session, finished_before=utcnow() + HOUR, limit=2) == 1
    assert [delivery.id for delivery in read(store, watch)] == [waiting]


def test_neither_secret_nor_address_is_in_what_logs_print(store: Store, receiver: Receiver) -> None:
    queue(store, watch_at(store, receiver, secret="s3cret"))
    with store.transaction() as session:
        (claimed,) = rows.claim_deliveries(
            session, worker="w", now=utcnow(), lease=HOUR, limit=1, per_host=1, without=["other"]
        )
    assert claimed.secret == "s3cret"
    assert "s3cret" not in repr(claimed)
    assert "hook" not in repr(claimed)


@pytest.mark.slow
def test_a_delivery_outlives_the_worker_that_is_killed_in_the_middle(farm: Farm, receiver: Receiver) -> None:
    watch = make_watch(farm.store, WatchEvent.DOMAIN_REGRESSED, tag=None, domain="a.example", url=receiver.url())
    receiver.behaviour = receiver.hang
    farm.environ["GONEMASTER_ALLOW_PRIVATE_WEBHOOKS"] = "true"
    severe = [EntryRecord(0.0, "DNSSEC", "dnssec01", "DS01_X", "ERROR", {})]
    for entries, hours in (((), 2), (severe, 1)):
        make_run(farm.store, "a.example", record(entries=entries, at=utcnow() - hours * HOUR, grade="A", score=95))
    # There is no beat: the reconciler of the worker finds that there are watches.
    farm.start_worker("one", "--queues", "maintenance", ready=False)
    wait_until(lambda: receiver.received, what="the first attempt")
    inspect = farm.parts.celery.control.inspect(destination=[node_name("one")], timeout=30)
    wait_until(lambda: inspect.active() == {node_name("one"): []}, what="free slots beside a receiver that hangs")
    farm.stop("one", signal.SIGKILL)
    receiver.behaviour = answer(200)
    farm.start_worker("two", "--queues", "maintenance", ready=False)
    wait_until(lambda: read(farm.store, watch)[0].finished_at, what="the second attempt")
    (delivery,) = read(farm.store, watch)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.SUCCEEDED, 2)
    first, second = receiver.received
    assert first.headers["X-Gonemaster-Delivery"] == second.headers["X-Gonemaster-Delivery"] == delivery.id
    assert first.body == second.body
    assert [event["domain"] for event in json.loads(second.body)["events"]] == ["a.example"]
