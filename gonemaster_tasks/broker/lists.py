"""The messages that wait: one list for each queue. Consumers take from the right, so the right end is the front."""

import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import redis

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import SLICE, reachable, read_script, slices
from gonemaster_tasks.broker.messages import (
    build_call,
    build_message,
    fault_of,
    is_built_here,
    job_id_of,
    named_task,
)
from gonemaster_tasks.broker.rejected import KEPT, RejectedItems
from gonemaster_tasks.queues import MAINTENANCE, OPERATE, TIERS

Where = Literal["front", "back", "before", "after"]

# Above these, `rebuild` does the work: Redis serves no other client while a script runs.
MAX_REORDERED = 200_000  # the script reads and writes all messages of the tier: about 0.5 s for each 100,000
MAX_NAMED = 2000  # messages removed or moved to an end by one call: one pass over the tier for each 1,000
MAX_BESIDE = 50  # messages moved before or after another one: a walk over the tier for each, 2 to 5 ms in 100,000

log = logging.getLogger(__name__)

_ALL = 2**53
_IDS = 10_000  # ids of one RPUSH
_REORDER_LIFE_S = 600
_REPLACED_LIFE_S = 3600
# In one step: of two that call at one time, such as two beats, the second one finds the call of the first.
_CALL = """
for _, each in ipairs(redis.call("LRANGE", KEYS[1], 0, ARGV[3])) do
  if string.find(each, ARGV[2], 1, true) then return 0 end
end
return redis.call("LPUSH", KEYS[1], ARGV[1])
"""


class WaitingLists:
    """Waiting messages, added, removed and put in order. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._edit = client.register_script(read_script("edit.lua"))
        self._reorder = client.register_script(read_script("reorder.lua"))
        self._call = client.register_script(_CALL)

    def enqueue(self, job_id: str, tier: str) -> None:
        """Put one job at the end of its tier."""
        with reachable():
            self._client.lpush(tier, build_message(job_id, tier))

    def put_back(self, job_id: str, tier: str) -> None:
        """Put one job at the front of its tier, as the next one taken."""
        with reachable():
            self._client.rpush(tier, build_message(job_id, tier))

    def enqueue_many(self, job_ids: Iterable[str], tier: str) -> int:
        """Put jobs at the end of a tier in the order given; return their number."""
        count = 0
        with reachable():
            for piece in slices(job_ids):
                self._client.lpush(tier, *(build_message(job_id, tier) for job_id in piece))
                count += len(piece)
        return count

    def call_operate(self) -> None:
        """Let a worker perform the operations that are due, unless such a call waits already."""
        self.call(OPERATE)

    def call(self, task: str) -> bool:
        """Let a worker do what is due of a maintenance task; False if such a call waits already."""
        call = build_call(task, f"{task.rpartition('.')[2]}_{secrets.token_hex(8)}")
        with reachable():
            return bool(self._call(keys=[MAINTENANCE], args=[call, named_task(task), SLICE]))

    def remove(self, job_ids: Sequence[str], tier: str) -> list[str]:
        """Remove waiting messages; return the ids of those that were there."""
        removed: list[str] = []
        with reachable():
            for piece in slices(job_ids):
                numbers = self._edit(keys=[tier], args=["nowhere", "", "", *_both_forms(piece, tier)])
                removed += [piece[number - 1] for number in numbers]
        return removed

    def move(self, job_ids: Sequence[str], tier: str, where: Where, pivot: str = "") -> list[str]:
        """Move waiting messages within their tier, in the order given; return the ids of what moved.

        Raises:
            LookupError: the pivot's message does not wait.
        """
        pivots = _both_forms([pivot], tier)
        with reachable():
            try:
                numbers = self._edit(keys=[tier], args=[where, *pivots, *_both_forms(job_ids, tier)])
            except redis.ResponseError as error:
                if "NOPIVOT" in str(error):
                    raise LookupError(pivot) from error
                raise
        return [job_ids[number - 1] for number in sorted(numbers)]

    def reorder(self, job_ids: Iterable[str], tier: str) -> int:
        """Give a tier the order of `job_ids`; return how many of them were waiting.

        Waiting jobs that are not named keep their order behind them, so nothing is lost when jobs arrive meanwhile.
        Redis serves no other client meanwhile, so it is for at most MAX_REORDERED.
        """
        return self._put_in_order(job_ids, tier, within=_ALL)

    def restore_head_order(self, job_ids: Sequence[str], tier: str) -> None:
        """Give those of the jobs that are among as many at the front the order of `job_ids`, before the others there.

        Redis takes as long as for these few messages, however many wait behind.
        """
        self._put_in_order(job_ids, tier, within=len(job_ids))

    def _put_in_order(self, job_ids: Iterable[str], tier: str, *, within: int) -> int:
        wanted = keys.wanted_order(tier, secrets.token_hex(8))
        with reachable():
            for piece in slices(job_ids, _IDS):
                with self._client.pipeline(transaction=True) as pipe:
                    pipe.rpush(wanted, *piece)
                    pipe.expire(wanted, _REORDER_LIFE_S)  # at once, for who is killed in the middle
                    pipe.execute()
            return int(self._reorder(keys=[tier, wanted], args=[within]))

    def rebuild(self, job_ids: Iterable[str], tier: str) -> int:
        """Replace all waiting messages of a tier by those of `job_ids`; return their number.

        One caller at a time. The old ones go before the first id is read, so nothing waits twice; workers may take the
        first new ones while the last are on their way, which is in order. Redis serves others in between. What was in
        the list and is no message is put aside, once the new ones are there: workers need not wait for that.
        """
        replaced = keys.replaced(tier, secrets.token_hex(8))
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            pipe.rename(tier, replaced)
            pipe.expire(replaced, _REPLACED_LIFE_S)  # for a process that is killed in the middle
            renamed, _ = pipe.execute(raise_on_error=False)
            if isinstance(renamed, Exception) and "no such key" not in str(renamed):
                raise renamed
        count = self.enqueue_many(job_ids, tier)
        self._put_foreign_aside(replaced, tier)
        return count

    def _put_foreign_aside(self, replaced: str, tier: str) -> None:
        rejected, found = RejectedItems(self._client), 0
        with reachable():
            while piece := self._client.rpop(replaced, SLICE):
                faults = ((item, fault_of(item.encode(), tier)) for item in piece if not is_built_here(item, tier))
                for item, fault in faults:
                    found += bool(fault)
                    if fault and found <= KEPT:  # more would push out the first ones
                        rejected.add(tier, item, fault)
        if found > KEPT:
            log.error("more items of a queue rejected than are kept", extra={"queue": tier, "items": found})

    def depth(self, tier: str) -> int:
        """Count the messages that wait in a queue."""
        with reachable():
            return int(self._client.llen(tier))

    def depths(self) -> dict[str, int]:
        """Count the waiting messages of each queue."""
        queues = (*TIERS, MAINTENANCE)
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.llen(queue)
            return dict(zip(queues, pipe.execute(), strict=True))

    def waiting_ids(self, tier: str) -> Iterator[str]:
        """Yield the ids of waiting jobs, next one first; read in slices, so it may miss what moves meanwhile."""
        with reachable():
            end = int(self._client.llen(tier)) - 1
            while end >= 0:
                start = max(0, end - SLICE + 1)
                for message in reversed(self._client.lrange(tier, start, end)):
                    yield job_id_of(message)
                end = start - 1

    def newest_ids(self, tier: str, limit: int) -> list[str]:
        """Return the ids of the jobs whose messages came last, the newest first."""
        with reachable():
            return [job_id_of(message) for message in self._client.lrange(tier, 0, limit - 1)]

    def not_waiting(self, job_ids: Sequence[str], tier: str, *, within: int) -> list[str]:
        """Return the ids whose messages are not among the next `within` of the tier."""
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


def _both_forms(job_ids: Sequence[str], tier: str) -> list[str]:
    """Return for each job the message as written and as a worker puts it back."""
    return [build_message(job_id, tier, redelivered=form) for job_id in job_ids for form in (False, True)]
