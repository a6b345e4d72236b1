"""Changes of the queue order in rows and messages, and the rebuild of a tier from its rows.

Invariants:

1. The rows define the order: the queued rows of a tier sorted by (position, id). Each tier has one list in Redis with
   one message per queued row, in a windowed tier only per queued row up to its cut; the list is a copy that may differ
   for a moment, and is rebuilt from the rows if lost.
2. A job starts only by the claim of its row, not by its message: a missing message is restored, a stale or duplicate
   one is dropped. Damage to a list therefore never loses a job or runs it twice.
3. An order change is written to the rows first and then to the list, both under the lock QUEUE_ORDER: rows and
   messages see the same sequence of changes.
4. From before the commit until its messages are written, a mark in Redis lists the tiers. If the process is killed in
   between, or loses Redis or the lock, the mark remains, and the reconciler rebuilds these tiers.
5. Without the lock, messages are only added at the ends: at the back after the commit of a submission (messages of two
   simultaneous submissions may be in a different order than the rows), at the front by workers that put a message
   back; the first messages are then reordered by their rows, under the lock.
6. One command or one script changes a list, so a consumer finds each message at its old or its new position.
7. No message changes its tier, and consumers take from normal first: no change lets a batch job overtake a normal one.
8. Workers take jobs only from a Redis whose replication id is the epoch: `rebuild_outdated` sets it.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import StoreError, StoreUnavailable
from gonemaster_db.core.session import Store
from gonemaster_db.queue.queue import first_queued_ids, iter_queued_ids
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.queue.lists import MAX_NAMED
from gonemaster_tasks.broker.queue.window import WINDOWED
from gonemaster_tasks.control.messages.window import LOW, rebuild_window, refill
from gonemaster_tasks.errors import BrokerFull, BrokerUnavailable
from gonemaster_tasks.queues import ORDER, TIERS

T = TypeVar("T")
_HEAD = 500  # More than the slots of thirty workers.
_LOCK_TIMEOUT = timedelta(seconds=2)
QUEUE_ORDER = "queue-order"  # Without this lock, the messages of one change could follow the rows of another change.

log = logging.getLogger(__name__)


def change_order(
    store: Store,
    broker: Broker,
    write_rows: Callable[[Session], T],
    write_messages: Callable[[T], object],
    *,
    tiers: Sequence[str] = TIERS,
) -> T:
    """Write rows in a transaction, then the messages that depend on them; return the result of `write_rows`.

    Meanwhile a mark in Redis lists the tiers that may differ. If the process is killed or loses Redis, the mark remains
    and the reconciler rebuilds these tiers: once the rows are stored, the order is final.


    Raises:
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    with broker.locks.exclusive(QUEUE_ORDER) as lock:
        # Set before the commit: a process killed right after it would leave rows and messages in different orders,
        # and no mark would notify the reconciler.
        marked = broker.marks.begin_change(tiers)
        try:
            written = store.run_in_transaction(write_rows)
        except StoreUnavailable:  # The rows may be stored although the reply was lost, so the mark remains.
            raise
        except StoreError:
            broker.marks.end_change(marked)
            raise
        try:
            lock.check()  # The lock may have expired during the commit, and another process may have changed the order.
            write_messages(written)
            broker.marks.end_change(marked)
        except BrokerUnavailable as error:
            log.warning("order stored, messages follow once Redis answers", extra={"error": str(error)})
            broker.reconciliation.post()
        return written


def rebuild_tier(store: Store, broker: Broker, tier: str) -> int:
    """Replace all waiting messages of a tier with those of its queued rows, or of the first ones; return their number.

    The caller holds the lock QUEUE_ORDER. If the caller is killed halfway, the mark makes the reconciler start over.
    """
    broker.marks.begin_change([tier])
    if tier in WINDOWED:
        count = rebuild_window(store, broker, tier)
    else:
        with store.read_only() as session:
            count = broker.lists.rebuild(iter_queued_ids(session, TIERS.index(tier)), tier)
    broker.marks.end_change([tier])
    return count


def rebuild_outdated(store: Store, broker: Broker, replication_id: str) -> dict[str, int]:
    """Rebuild all tiers of a Redis that lost its content or returned with older files; return the message counts.

    Workers start no job until the epoch is set: no older message is left, and the tiers before the last are rebuilt.
    """
    *urgent, last = (tier for tier in ORDER if tier in TIERS)
    with broker.locks.exclusive(QUEUE_ORDER):
        broker.marks.begin_change(TIERS)  # The mark remains if the process is killed after the epoch is set.
        broker.window.reset(last)
        broker.lists.set_aside(last)
        try:
            counts = {tier: rebuild_tier(store, broker, tier) for tier in urgent}
        except BrokerFull:
            # Redis has memory for the first messages only; when they have run, there is space for others.
            broker.marks.set_epoch(replication_id)
            raise
        broker.marks.set_epoch(replication_id)
        return counts | {last: rebuild_tier(store, broker, last)}


def restore_head_order(store: Store, broker: Broker, tier: str) -> None:
    """Sort the first messages of a tier by their rows, after slots put back messages that may not start now.

    Each slot puts its message at the front, in arbitrary order. They stay in that order if another process holds the
    lock QUEUE_ORDER for a long time, or a server is unavailable.
    """
    try:
        with broker.locks.exclusive(QUEUE_ORDER, timeout=_LOCK_TIMEOUT):
            _restore_head_order(store, broker, tier)
    except (BrokerUnavailable, StoreError) as error:
        log.warning("order of the first messages not restored", extra={"error": str(error)})


def _restore_head_order(store: Store, broker: Broker, tier: str) -> None:
    end = broker.window.end(tier)
    with store.read_only() as session:
        ids = first_queued_ids(session, TIERS.index(tier), limit=_HEAD, until=end)
    if ids != list(islice(broker.lists.waiting_ids(tier), len(ids))):
        broker.lists.restore_head_order(ids, tier)


def refill_tier(store: Store, broker: Broker, tier: str) -> int:
    """Write messages of further jobs if a windowed tier has few; return their number.

    Nothing happens while another process holds the lock QUEUE_ORDER: it refills the tier, or changes the order.
    """
    if broker.window.cut(tier) is None or broker.lists.depth(tier) >= LOW * broker.window.size:
        return 0
    with broker.locks.attempt(QUEUE_ORDER) as lock:
        return 0 if lock is None else sum(refill(store, broker, tier))


def remove_messages(store: Store, broker: Broker, job_ids: Sequence[str], tier: str) -> None:
    """Remove the messages of jobs that no longer wait: a few by a script, many by rebuilding the tier.

    Raises:
        BrokerUnavailable: Redis is unavailable; the claims of these messages will drop them.
    """
    if len(job_ids) <= MAX_NAMED:
        broker.lists.remove(job_ids, tier)
    else:
        with broker.locks.exclusive(QUEUE_ORDER):
            rebuild_tier(store, broker, tier)


def finish_changes(store: Store, broker: Broker) -> dict[str, int]:
    """Rebuild the tiers whose change was interrupted; return their message counts. Fast if there are none."""
    # The holder of the lock is still working on the change.
    if not broker.marks.changing() or broker.locks.holder(QUEUE_ORDER):
        return {}
    with broker.locks.exclusive(QUEUE_ORDER):
        changing = broker.marks.changing()
        return {tier: rebuild_tier(store, broker, tier) for tier in TIERS if tier in changing}
