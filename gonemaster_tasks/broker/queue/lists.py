"""The waiting messages, one list per queue. Consumers take from the right, so the right end is the front."""

import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import redis

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import SLICE, reachable, read_script, slices
from gonemaster_tasks.broker.queue.messages import (
    build_call,
    build_message,
    fault_of,
    is_built_here,
    job_id_of,
    named_task,
)
from gonemaster_tasks.broker.queue.rejected_items import KEPT, RejectedItems
from gonemaster_tasks.errors import BrokerFull
from gonemaster_tasks.queues import MAINTENANCE, OPERATE, TIERS

Where = Literal["front", "back", "before", "after"]

# Above these limits use `rebuild`: Redis serves no other client while a script runs.
MAX_REORDERED = 200_000  # The script reads and writes all messages of the tier.
MAX_NAMED = 2000  # Messages removed or moved to an end per call; each 1,000 need one pass over the tier.
MAX_BESIDE = 50  # Messages moved before or after another one; each needs a scan of the tier.

log = logging.getLogger(__name__)

_ALL = 2**53
_IDS = 10_000  # Ids per RPUSH.
_REORDER_LIFE_S = 600
_REPLACED_LIFE_S = 3600
FREED = 5 * SLICE  # Messages removed from the back of a rebuilt tier that does not fit in memory.
# Atomic: if two processes, such as two beats, call at the same time, the second one finds the first call.
_CALL = """
for _, each in ipairs(redis.call("LRANGE", KEYS[1], 0, ARGV[3])) do
  if string.find(each, ARGV[2], 1, true) then return 0 end
end
return redis.call("LPUSH", KEYS[1], ARGV[1])
"""


class WaitingLists:
    """The lists of waiting messages: add, remove, reorder. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._edit = client.register_script(read_script("edit.lua"))
        self._reorder = client.register_script(read_script("reorder.lua"))
        self._call = client.register_script(_CALL)

    def enqueue(self, job_id: str, tier: str) -> None:
        """Append one job to its tier."""
        with reachable():
            self._client.lpush(tier, build_message(job_id, tier))

    def put_back(self, job_id: str, tier: str) -> None:
        """Put one job at the front of its tier, so that it is taken next."""
        with reachable():
            self._client.rpush(tier, build_message(job_id, tier))

    def enqueue_many(self, job_ids: Iterable[str], tier: str) -> int:
        """Append jobs to a tier in the given order; return their number."""
        count = 0
        with reachable():
            for piece in slices(job_ids):
                self._client.lpush(tier, *(build_message(job_id, tier) for job_id in piece))
                count += len(piece)
        return count

    def call_operate(self) -> None:
        """Enqueue a call that performs pending operations, unless one is already waiting."""
        self.call(OPERATE)

    def call(self, task: str) -> bool:
        """Enqueue a call of a maintenance task; return False if one is already waiting."""
        call = build_call(task, f"{task.rpartition('.')[2]}_{secrets.token_hex(8)}")
        with reachable():
            return bool(self._call(keys=[MAINTENANCE], args=[call, named_task(task), SLICE]))

    def remove(self, job_ids: Sequence[str], tier: str) -> list[str]:
        """Remove waiting messages; return the ids of the removed ones."""
        removed: list[str] = []
        with reachable():
            for piece in slices(job_ids):
                numbers = self._edit(keys=[tier], args=["nowhere", "", "", *_message_forms(piece, tier)])
                removed += [piece[number - 1] for number in numbers]
        return removed

    def move(self, job_ids: Sequence[str], tier: str, side: Where, pivot: str = "") -> list[str]:
        """Move waiting messages within their tier, in the given order; return the ids of the moved ones.

        Raises:
            LookupError: the pivot's message is not waiting.
        """
        pivots = _message_forms([pivot], tier)
        with reachable():
            try:
                numbers = self._edit(keys=[tier], args=[side, *pivots, *_message_forms(job_ids, tier)])
            except redis.ResponseError as error:
                if "NOPIVOT" in str(error):
                    raise LookupError(pivot) from error
                raise
        return [job_ids[number - 1] for number in sorted(numbers)]

    def reorder(self, job_ids: Iterable[str], tier: str) -> int:
        """Reorder a tier by `job_ids`; return how many of them were waiting.

        Waiting jobs that are not in `job_ids` keep their order after them, so jobs that arrive in the meantime are not
        lost. Redis serves no other client during the call, so it accepts at most MAX_REORDERED ids.
        """
        return self._put_in_order(job_ids, tier, within=_ALL)

    def restore_head_order(self, job_ids: Sequence[str], tier: str) -> None:
        """Order the front of a tier by `job_ids`, considering only as many messages as there are ids.

        Other messages in that range follow. The time depends on the number of ids, not on the length of the tier.
        """
        self._put_in_order(job_ids, tier, within=len(job_ids))

    def _put_in_order(self, job_ids: Iterable[str], tier: str, *, within: int) -> int:
        order_key = keys.new_order(tier, secrets.token_hex(8))
        with reachable():
            for piece in slices(job_ids, _IDS):
                with self._client.pipeline(transaction=True) as pipe:
                    pipe.rpush(order_key, *piece)
                    # The expiry is set immediately, in case the process is killed halfway.
                    pipe.expire(order_key, _REORDER_LIFE_S)
                    pipe.execute()
            return int(self._reorder(keys=[tier, order_key], args=[within]))

    def rebuild(self, job_ids: Iterable[str], tier: str) -> int:
        """Replace all waiting messages of a tier with those of `job_ids`, as `rewrite` does; return their number."""
        written = (self.enqueue_many(piece, tier) for piece in slices(job_ids))
        try:
            return self.rewrite(tier, written)
        except BrokerFull:
            with reachable():
                self._client.lpop(tier, FREED)
            raise

    def rewrite(self, tier: str, written: Iterator[int]) -> int:
        """Replace all waiting messages of a tier: each step of `written` appends a slice; return their number.

        Only one caller at a time may do this. The old messages are removed before the first step, so no job is
        queued twice. Workers may take the first new messages while the last ones are being sent. Redis serves other
        clients in between. Old messages are deleted as fast as new ones are written, so that the memory of Redis
        suffices; invalid ones are moved aside.

        Raises:
            BrokerFull: the memory suffices for the first messages only. They are in their order. The caller removes
                the last ones, so that workers have some memory to take the others.
        """
        replaced, count = self.set_aside(tier), 0
        deletion = self._delete_replaced(replaced, tier)
        try:
            next(deletion, None)
            for sent in written:
                count += sent
                next(deletion, None)
            for _ in deletion:
                pass
        except BrokerFull:
            with reachable():
                self._client.unlink(replaced)
            raise
        return count

    def set_aside(self, tier: str) -> str:
        """Remove all waiting messages of a tier that is about to be rebuilt; return the key of their list."""
        replaced = keys.replaced(tier)
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            pipe.rename(tier, replaced)
            pipe.expire(replaced, _REPLACED_LIFE_S)  # Limits the life of the list if the process is killed halfway.
            renamed, _ = pipe.execute(raise_on_error=False)
            if isinstance(renamed, Exception) and "no such key" not in str(renamed):
                raise renamed
        return replaced

    def _delete_replaced(self, replaced: str, tier: str) -> Iterator[None]:
        """Delete the replaced messages of a tier, a slice at a time; move invalid ones aside."""
        rejected, found = RejectedItems(self._client), 0
        while piece := self._pop(replaced):
            faults = ((item, fault_of(item.encode(), tier)) for item in piece if not is_built_here(item, tier))
            for item, fault in faults:
                found += bool(fault)
                if fault and found <= KEPT:  # More items would displace the first ones.
                    rejected.add(tier, item, fault)
            yield
        if found > KEPT:
            log.error("more queue items rejected than are stored", extra={"queue": tier, "items": found})

    def _pop(self, replaced: str) -> list[str]:
        with reachable():
            return self._client.rpop(replaced, SLICE) or []

    def depth(self, tier: str) -> int:
        """Return the number of messages waiting in a queue."""
        with reachable():
            return int(self._client.llen(tier))

    def depths(self) -> dict[str, int]:
        """Return the number of waiting messages of each queue."""
        queues = (*TIERS, MAINTENANCE)
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.llen(queue)
            return dict(zip(queues, pipe.execute(), strict=True))

    def waiting_ids(self, tier: str) -> Iterator[str]:
        """Yield the ids of waiting jobs, next one first; reads in slices and may miss messages that move."""
        with reachable():
            end = int(self._client.llen(tier)) - 1
            while end >= 0:
                start = max(0, end - SLICE + 1)
                for message in reversed(self._client.lrange(tier, start, end)):
                    yield job_id_of(message)
                end = start - 1

    def newest_ids(self, tier: str, limit: int) -> list[str]:
        """Return the ids of the messages added last, newest first."""
        with reachable():
            return [job_id_of(message) for message in self._client.lrange(tier, 0, limit - 1)]

    def not_waiting(self, job_ids: Sequence[str], tier: str, *, within: int) -> list[str]:
        """Return the ids whose messages are not among the next `within` messages of the tier."""
        missing = list(job_ids)
        with reachable():
            for redelivered in (False, True):
                with self._client.pipeline(transaction=False) as pipe:
                    for job_id in missing:
                        message = build_message(job_id, tier, redelivered=redelivered)
                        pipe.lpos(tier, message, rank=-1, maxlen=within)
                    answers = pipe.execute()
                missing = [job_id for job_id, answer in zip(missing, answers, strict=True) if answer is None]
        return missing


def _message_forms(job_ids: Sequence[str], tier: str) -> list[str]:
    """Return both forms of each job's message: as written, and as a worker puts it back."""
    return [build_message(job_id, tier, redelivered=form) for job_id in job_ids for form in (False, True)]
