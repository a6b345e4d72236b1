"""Delivery attempts: many at a time in one event loop, few per receiver, each claimed in the database.

An attempt runs outside of transactions. The claim of a killed worker expires; the delivery is then attempted again
with the same id, so that its receiver can recognize the repetition.
"""

import asyncio
import json
import logging
import random
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from gonemaster_db.core.errors import StoreConflict, StoreUnavailable
from gonemaster_db.core.session import Store
from gonemaster_db.service.deliveries import (
    ClaimedDelivery,
    busy_hosts,
    claim_deliveries,
    failures_of,
    finish_delivery,
    has_due_delivery,
    release_delivery,
    renew_deliveries,
)
from gonemaster_engine.help.links import HELP_PATH
from gonemaster_engine.texts import Text, text_of
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.mail_types import read_smtp_url
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.maintenance.watches.messages import HELP_URL, PUBLIC_URL
from gonemaster_tasks.notifications.failures import DeliveryFailed
from gonemaster_tasks.notifications.mail import Mail, send_mail
from gonemaster_tasks.notifications.webhooks import Webhook, send_webhook
from gonemaster_tasks.queues import DELIVER

log = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(hours=24)
AT_ONCE = 16
_PER_HOST = 2
_WORK_FOR_S = 15.0  # Then the slot is released; the next call continues.
_CHECK_INTERVAL_S = 0.2
_FIRST_PAUSE = timedelta(minutes=1)
_MAX_PAUSE = timedelta(hours=1)


def pause_after(failures: int) -> timedelta:
    """Return the pause for a receiver after consecutive failures: 1, 2, 4 ... minutes, up to an hour."""
    pause = min(_MAX_PAUSE, _FIRST_PAUSE * (1 << min(failures, 20) - 1))
    return random.uniform(0.9, 1.1) * pause  # Deliveries that failed together are not retried together.


def notify_due_deliveries(store: Store, broker: Broker, *, now: datetime) -> None:
    """Notify a worker if a delivery is due."""
    with store.read_only() as session:
        due = has_due_delivery(session, now=now)
    if due:
        broker.lists.call(DELIVER)


def attempt_due_deliveries(
    store: Store,
    settings: Settings,
    *,
    worker: str,
    now: Callable[[], datetime],
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Attempt due deliveries for at most fifteen seconds, then finish started attempts; return their number."""
    lease = timedelta(seconds=settings.lease_seconds)
    holder = f"{worker[:200]}/{secrets.token_hex(8)}"
    return asyncio.run(_DeliveryAttempts(store, settings, holder, now, lease, stopped).run())


@dataclass
class _DeliveryAttempts:
    """The attempts of one call."""

    store: Store
    settings: Settings
    holder: str
    now: Callable[[], datetime]
    lease: timedelta
    stopped: Callable[[], bool]
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    running: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    number: int = 0

    async def run(self) -> int:
        start = renewed = time.monotonic()
        try:
            while not self.stopped():
                if time.monotonic() - start < _WORK_FOR_S and len(self.running) < AT_ONCE:
                    self._begin(self._claim(AT_ONCE - len(self.running)))
                if not self.running:
                    break
                await asyncio.wait(
                    self.running.values(), timeout=_CHECK_INTERVAL_S, return_when=asyncio.FIRST_COMPLETED
                )
                if time.monotonic() - renewed > self.lease.total_seconds() / 3:
                    self._renew()
                    renewed = time.monotonic()
        except (StoreUnavailable, StoreConflict) as error:
            log.warning("deliveries interrupted, will continue later", extra={"error": str(error)})
        finally:
            await self._cancel_all()
        return self.number

    def _claim(self, limit: int) -> list[ClaimedDelivery]:
        now = self.now()
        with self.store.read_only() as session:
            if not has_due_delivery(session, now=now):
                return []
            busy = busy_hosts(session, now=now, per_host=_PER_HOST)
        claim = partial(
            claim_deliveries,
            worker=self.holder,
            now=now,
            lease=self.lease,
            limit=limit,
            per_host=_PER_HOST,
            without=busy,
        )
        return self.store.run_in_transaction(claim)

    def _begin(self, claimed: list[ClaimedDelivery]) -> None:
        for delivery in claimed:
            task = asyncio.create_task(self._attempt(delivery))
            self.running[delivery.id] = task
            task.add_done_callback(partial(self._ended, delivery.id))

    def _ended(self, delivery_id: str, task: "asyncio.Task[None]") -> None:
        self.running.pop(delivery_id, None)
        if not task.cancelled() and (error := task.exception()):
            # The claim expires, and the delivery is attempted again.
            log.error("delivery attempt failed", extra={"delivery_id": delivery_id}, exc_info=error)

    def _renew(self) -> None:
        ids = list(self.running)
        until = self.now() + self.lease
        renewed = self.store.run_in_transaction(partial(renew_deliveries, ids=ids, worker=self.holder, until=until))
        for delivery_id in set(ids) - renewed:  # Another worker has claimed the delivery, or its watch was deleted.
            self.running[delivery_id].cancel()

    async def _cancel_all(self) -> None:
        """Cancel started attempts and release their claims, because the worker stops or has no database."""
        left = dict(self.running)
        for task in left.values():
            task.cancel()
        await asyncio.gather(*left.values(), return_exceptions=True)
        for delivery_id, task in left.items():
            if task.cancelled():
                self._release(delivery_id)

    def _release(self, delivery_id: str) -> None:
        try:
            self.store.run_in_transaction(partial(release_delivery, delivery_id=delivery_id, worker=self.holder))
        except (StoreUnavailable, StoreConflict):
            log.warning("delivery not released, its claim will expire", extra={"delivery_id": delivery_id})

    async def _attempt(self, delivery: ClaimedDelivery) -> None:
        self.number += 1
        start, status, failure = time.monotonic(), None, None
        try:
            status = await self._send(delivery)
        except DeliveryFailed as error:
            status, failure = error.status, error
        durations_ms = round(1000 * (time.monotonic() - start))
        about = {"delivery_id": delivery.id, "watch_id": delivery.watch_id, "event": delivery.event}
        if failure is None:
            log.info("delivered", extra=about | {"status": status})
        else:
            log.warning("not delivered", extra=about | {"attempt": delivery.attempts, "error": str(failure)})
        self.store.run_in_transaction(
            partial(self._finish, delivery=delivery, durations_ms=durations_ms, status=status, failure=failure)
        )

    def _finish(
        self,
        session: Any,
        *,
        delivery: ClaimedDelivery,
        durations_ms: int,
        status: int | None,
        failure: DeliveryFailed | None,
    ) -> None:
        now = self.now()
        too_old = now - delivery.created_at >= GIVE_UP_AFTER
        retry_at = now + pause_after(failures_of(session, delivery.watch_id) + 1) if failure else None
        finish_delivery(
            session,
            delivery,
            worker=self.holder,
            now=now,
            duration_ms=durations_ms,
            response_status=status,
            error=text_of(failure) if failure else "",
            final=failure is not None and (failure.final or too_old),
            retry_at=retry_at,
        )

    async def _send(self, delivery: ClaimedDelivery) -> int:
        settings = self.settings
        if delivery.email is not None:
            return await self._send_mail(delivery, delivery.email)
        body = self._body_of(delivery).encode()
        webhook = Webhook(delivery.url or "", body, delivery.event, delivery.id, delivery.secret)
        timestamp = int(self.now().timestamp())
        allowed = settings.allow_private_webhooks
        return await send_webhook(webhook, timestamp=timestamp, allow_private=allowed, tls=self.tls)

    def _body_of(self, delivery: ClaimedDelivery) -> str:
        """Return the body with complete links; without `public_url` they are only paths."""
        public, site = self.settings.public_url.rstrip("/"), self.settings.documentation_url.rstrip("/")
        body = (delivery.body or "").replace(HELP_URL, json.dumps(site or f"{public}{HELP_PATH}")[1:-1])
        return body.replace(PUBLIC_URL, json.dumps(public)[1:-1])  # bodies are JSON

    async def _send_mail(self, delivery: ClaimedDelivery, recipient: str) -> int:
        settings = self.settings
        if not settings.smtp_url:
            raise DeliveryFailed(Text("smtp_url is not set for this worker"))
        content = json.loads(self._body_of(delivery) or "{}")
        mail = Mail(
            id=delivery.id,
            sender=settings.smtp_from,
            recipient=recipient,
            subject=content["subject"],
            text=content["text"],
            event=delivery.event,
            created_at=delivery.created_at,
        )
        return await send_mail(read_smtp_url(settings.smtp_url), mail)
