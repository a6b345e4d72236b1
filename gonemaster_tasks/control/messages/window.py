"""Messages at the back of a tier: of new jobs, and of jobs that the window of the tier reaches later.

A tier in WINDOWED has at most as many messages as its window. The cut (`gonemaster_tasks/broker/queue/window.py`) says
where its messages end. Each step that relies on the cut it has read replaces it, so two processes never rely on the
same cut for different decisions: a submission that leaves its jobs to a refill makes this refill read the rows again.
"""

from collections import deque
from collections.abc import Iterator, Sequence

from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.session import Store
from gonemaster_db.queue.position_allocator import GAP
from gonemaster_db.queue.queue import queued_after
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.connection import SLICE, slices
from gonemaster_tasks.broker.queue.lists import FREED
from gonemaster_tasks.broker.queue.window import WINDOWED, QueueCut
from gonemaster_tasks.errors import BrokerFull
from gonemaster_tasks.queues import TIERS

_ROWS = 10_000  # in one query
LOW = 0.75  # of the window: with fewer messages, a tier is refilled


def send_new(broker: Broker, job_ids: Sequence[str], tier: str, *, first_position: int) -> bool:
    """Write the messages of new jobs, whose positions are GAP apart.

    Return False if the window is full: these jobs and all later ones of the caller then wait for a refill, so the
    caller must have committed all of them.
    """
    position = first_position
    for piece in slices(job_ids, SLICE):
        if not _send(broker, piece, tier, position):
            return False
        position += len(piece) * GAP
    return True


def _send(broker: Broker, job_ids: Sequence[str], tier: str, position: int) -> bool:
    if tier not in WINDOWED:
        broker.lists.enqueue_many(job_ids, tier)
        return True
    window = broker.window
    while True:
        cut = window.cut(tier)
        if cut is not None and (position, job_ids[0]) > cut.key:
            if window.replace(tier, cut, QueueCut.at(*cut.key)):
                return False
            continue
        outcome = window.extend(tier, job_ids, cut=cut, to=cut)
        if outcome == "done":
            return True
        if outcome == "full":
            room = max(0, window.size - broker.lists.depth(tier))
            fitting = job_ids[:room]
            end = QueueCut.at(position + len(fitting) * GAP, "")
            if window.extend(tier, fitting, cut=cut, to=end) == "done":
                return False


def leave_to_refill(broker: Broker, key: tuple[int, str], tier: str) -> bool:
    """Return whether a job that waits again is after the cut, so that a refill writes its message."""
    while (cut := broker.window.cut(tier)) is not None and key > cut.key:
        if broker.window.replace(tier, cut, QueueCut.at(*cut.key)):
            return True
    return False


def refill(store: Store, broker: Broker, tier: str) -> Iterator[int]:
    """Append messages of the next jobs until the window is full; yield the number of each slice.

    The caller holds the lock QUEUE_ORDER. A process that is killed in between leaves a cut that agrees with the list,
    and the next refill continues there.
    """
    window, priority = broker.window, TIERS.index(tier)
    while (cut := window.cut(tier)) is not None:
        room = window.size - broker.lists.depth(tier)
        if room <= 0:
            return
        with store.read_only() as session:
            rows = queued_after(session, priority, cut.key, limit=min(_ROWS, room))
        if not rows and window.replace(tier, cut, None):  # Otherwise jobs have arrived since the query.
            return
        for piece in chunks(rows, SLICE):
            end = QueueCut.at(*piece[-1])
            if window.extend(tier, [job_id for _, job_id in piece], cut=cut, to=end) != "done":
                break
            cut = end
            yield len(piece)


def rebuild_window(store: Store, broker: Broker, tier: str) -> int:
    """Replace the messages of a windowed tier with those of its first jobs; return their number.

    The caller holds the lock QUEUE_ORDER.

    Raises:
        BrokerFull: the memory of Redis suffices for fewer messages. The others follow when it has room.
    """
    broker.window.reset(tier)
    last: deque[tuple[QueueCut, int]] = deque(maxlen=FREED // SLICE)  # cuts before the last slices, with their sizes

    def written() -> Iterator[int]:
        cut = broker.window.cut(tier)
        for sent in refill(store, broker, tier):
            if cut is not None:
                last.append((cut, sent))
            cut = broker.window.cut(tier)
            yield sent

    try:
        return broker.lists.rewrite(tier, written())
    except BrokerFull:
        if last:
            before = QueueCut.at(*last[0][0].key)
            broker.window.shorten(tier, sum(sent for _, sent in last), to=before)
        raise
