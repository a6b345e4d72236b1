"""A tier of the broker written anew from the rows, and the lock under which the order is changed."""

from datetime import timedelta

from gonemaster_db.repositories.queue import count_queued, iter_queued_ids
from gonemaster_db.session import Store
from gonemaster_tasks.broker import Broker
from gonemaster_tasks.queues import TIERS

ARRANGE = "arrange"  # rows and messages take the same order of steps, whoever asks
ARRANGE_LIFE = timedelta(minutes=5)


def rebuild_tier(store: Store, broker: Broker, tier: str) -> int:
    """Replace all waiting messages of a tier by those of its queued rows, in their order; return their number.

    The caller holds the lock ARRANGE.
    """
    with store.reading() as session:
        if not broker.depth(tier) and not count_queued(session, TIERS.index(tier)):
            return 0
        return broker.rebuild(iter_queued_ids(session, TIERS.index(tier)), tier)
