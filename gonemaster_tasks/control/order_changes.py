"""Changes of the order of the queue, in rows and messages; a tier rebuilt from its rows.

What holds at any time:

1. The rows have the order: that of (position, id) of the queued rows of a tier. Each tier has one list in Redis with
   one message per queued row; it is a copy that may differ for a moment, and is rebuilt from the rows if it is lost.
2. The claim of its row decides whether a job starts, not its message: a missing message is restored, a stale or second
   one is dropped. So no damage to a list loses a job or runs it twice.
3. A change of the order is written to the rows first and then to the list, both under the lock QUEUE_ORDER: rows and
   messages see the same sequence of changes.
4. From before the commit until its messages are written, a mark in Redis names the tiers. A process that is killed in
   between, or loses Redis or the lock, leaves the mark, and the reconciler rebuilds these tiers.
5. Without the lock, messages are only added at the ends: at the back after the commit of a submission (of two at the
   same time the messages may come in another order than the rows), at the front by workers that put a message back; the
   first messages then take the order of their rows, under the lock.
6. A list is changed by one command or one script, so a consumer finds each message where it was or where it will be.
7. No message changes its tier, and consumers ask for normal first: no change lets a batch job pass a normal one.
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
from gonemaster_tasks.broker.lists import MAX_NAMED
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import TIERS

T = TypeVar("T")
_HEAD = 500  # more than the slots of some thirty workers
_PATIENCE = timedelta(seconds=2)
QUEUE_ORDER = "queue-order"  # the lock: without it the rows of one change could be followed by the messages of another

log = logging.getLogger(__name__)


def change_order(
    store: Store,
    broker: Broker,
    write_rows: Callable[[Session], T],
    write_messages: Callable[[T], object],
    *,
    tiers: Sequence[str] = TIERS,
) -> T:
    """Write rows in a transaction, then the messages that follow from them; returns what `write_rows` gave.

    A mark in Redis says meanwhile which tiers may differ. A process that is killed in between, or loses Redis, leaves
    it behind, and the reconciler rebuilds these tiers: once the rows are written the order holds.

    Raises:
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    with broker.locks.exclusive(QUEUE_ORDER) as lock:
        # Before the commit: after it there would be a moment in which a kill leaves rows and messages in different
        # orders, and nothing would notify the reconciler.
        marked = broker.marks.begin_change(tiers)
        try:
            written = store.run_in_transaction(write_rows)
        except StoreUnavailable:  # the rows may be written, the answer may have been lost: the mark stays
            raise
        except StoreError:
            broker.marks.end_change(marked)
            raise
        try:
            lock.check()  # the commit may have outlasted the lock: another process may have changed the order since
            write_messages(written)
            broker.marks.end_change(marked)
        except BrokerUnavailable as error:
            log.warning("order stored, the messages follow as soon as Redis answers", extra={"error": str(error)})
            broker.reconciliation.post()
        return written


def rebuild_tier(store: Store, broker: Broker, tier: str) -> int:
    """Replace all waiting messages of a tier by those of its queued rows, in their order; return their number.

    The caller holds the lock QUEUE_ORDER. If it is killed in the middle, the mark lets the reconciler begin again.
    """
    broker.marks.begin_change([tier])
    with store.read_only() as session:
        count = broker.lists.rebuild(iter_queued_ids(session, TIERS.index(tier)), tier)
    broker.marks.end_change([tier])
    return count


def restore_head_order(store: Store, broker: Broker, tier: str) -> None:
    """Give the first messages of a tier the order of their rows, after slots put back what may not start now.

    Each slot puts its message at the front, in the order in which the slots happen to come. While another process
    holds the lock QUEUE_ORDER for long, or a server is unavailable, they stay in that order.
    """
    try:
        with broker.locks.exclusive(QUEUE_ORDER, patience=_PATIENCE):
            _restore_head_order(store, broker, tier)
    except (BrokerUnavailable, StoreError) as error:
        log.warning("order of the first messages not restored", extra={"error": str(error)})


def _restore_head_order(store: Store, broker: Broker, tier: str) -> None:
    with store.read_only() as session:
        ids = first_queued_ids(session, TIERS.index(tier), limit=_HEAD)
    if ids != list(islice(broker.lists.waiting_ids(tier), len(ids))):
        broker.lists.restore_head_order(ids, tier)


def remove_messages(store: Store, broker: Broker, job_ids: Sequence[str], tier: str) -> None:
    """Remove the messages of jobs that do not wait any more: a few by a script, many by a rebuild of the tier.

    Raises:
        BrokerUnavailable: Redis is unavailable; the claims of these messages will drop them.
    """
    if len(job_ids) <= MAX_NAMED:
        broker.lists.remove(job_ids, tier)
    else:
        with broker.locks.exclusive(QUEUE_ORDER):
            rebuild_tier(store, broker, tier)


def finish_changes(store: Store, broker: Broker) -> dict[str, int]:
    """Rebuild the tiers whose change was interrupted; return their numbers of messages. Quick if there are none."""
    if not broker.marks.changing() or broker.locks.holder(QUEUE_ORDER):  # its holder is still working on it
        return {}
    with broker.locks.exclusive(QUEUE_ORDER):
        return {tier: rebuild_tier(store, broker, tier) for tier in broker.marks.changing()}
