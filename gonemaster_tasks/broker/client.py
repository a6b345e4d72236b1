"""Redis as this service uses it: waiting messages, pause flags, marks, locks and workers."""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from importlib import resources
from itertools import islice
from typing import Any, Literal

import redis

from gonemaster_tasks.broker.address import BrokerAddress, parse_broker_url
from gonemaster_tasks.broker.messages import build_message, job_id_of
from gonemaster_tasks.errors import BrokerRefused, BrokerUnavailable
from gonemaster_tasks.queues import MAINTENANCE, TIERS

Where = Literal["front", "back", "before", "after"]

SLICE = 1000  # messages of one LPUSH
_IDS = 10_000  # ids of one RPUSH
UNACKED = "unacked"  # kombu's hash of what workers hold
UNACKED_INDEX = "unacked_index"  # kombu's times of taking, by the clock of the worker's host
PAUSED = "gm:paused"
SETTINGS = "gm:settings"  # the mark by which changes of settings are noticed
COUNTERS = "gm:counters"
WORKERS = "gm:workers"
EPOCH = "gm:epoch"  # the mark by which an emptied Redis is noticed
SUBMITTING = "gm:submitting"
CHANGING = "gm:changing"  # tiers whose rows and messages may be in different orders
_IF_OURS = 'return redis.call("GET", KEYS[1]) == ARGV[1] and '
_OLDEST_SERVER = (6, 2)
_JOB = "job_"  # how ids of jobs begin; messages of maintenance have other tags


@dataclass(frozen=True)
class WorkerState:
    """What a worker process tells about itself every other second."""

    name: str
    host: str
    pid: int
    queues: tuple[str, ...]
    slots: int
    running: Mapping[str, float]  # job id to the POSIX time of its last progress
    started_at: float  # POSIX seconds
    draining: bool = False


@dataclass(frozen=True)
class Controls:
    """What a worker looks at before it takes the next message."""

    paused: Mapping[str, float]  # tier to the POSIX time of the end of the pause, 0 for none
    epoch: str = ""  # empty after Redis lost its content


def slices(items: Iterable[str], size: int = SLICE) -> Iterator[list[str]]:
    """Cut an iterable into lists of at most `size`."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


@contextmanager
def reachable() -> Iterator[None]:
    """Turn what redis-py raises when Redis cannot serve into BrokerUnavailable."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.OutOfMemoryError) as error:
        raise BrokerUnavailable(f"Redis does not serve: {error}") from error
    except redis.exceptions.ReadOnlyError as error:
        raise BrokerUnavailable("Redis is a read-only replica") from error


class Broker:
    """A connection to Redis. All methods raise BrokerUnavailable when it does not answer; safe in threads."""

    def __init__(self, address: BrokerAddress) -> None:
        self.address = address
        self.client: Any = address.connect()  # redis-py's hints mix sync and async answers
        self._move = self.client.register_script(_script("take.lua") + _script("move.lua"))
        self._remove = self.client.register_script(_script("take.lua") + _script("remove.lua"))
        self._reorder = self.client.register_script(_script("reorder.lua"))
        self._settle = self.client.register_script(_script("settle.lua"))
        self._renew_lock = self.client.register_script(_IF_OURS + 'redis.call("PEXPIRE", KEYS[1], ARGV[2])')
        self._unlock = self.client.register_script(_IF_OURS + 'redis.call("DEL", KEYS[1])')

    @classmethod
    def open(cls, url: str) -> "Broker":
        """Connect to the broker at a URL as in the settings."""
        return cls(parse_broker_url(url))

    def close(self) -> None:
        """Give the connections back."""
        self.client.close()

    def check(self) -> None:
        """See whether this server can carry the queue.

        Raises:
            BrokerRefused: a cluster, or too old; the text says why.
        """
        with reachable():
            info = self.client.info()
        if info.get("cluster_enabled"):
            raise BrokerRefused(
                "broker_url leads to a Redis Cluster: one command takes from several queues in order, and a"
                " cluster keeps them on different nodes; use a single server or Sentinel"
            )
        version = str(info.get("redis_version", "0"))
        if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_SERVER:
            raise BrokerRefused(f"Redis {version} is too old, at least 6.2 is needed")

    def eviction_policy(self) -> str:
        """Say what Redis does when its memory is full; anything but `noeviction` loses messages."""
        with reachable():
            return str(self.client.info("memory").get("maxmemory_policy", ""))

    def ping(self) -> None:
        """Ask Redis for an answer."""
        with reachable():
            self.client.ping()

    # Waiting messages. Consumers take from the right, so the right end is the front.

    def enqueue(self, job_id: str, tier: str) -> None:
        """Put one job at the end of its tier."""
        with reachable():
            self.client.lpush(tier, build_message(job_id, tier))

    def put_back(self, job_id: str, tier: str) -> None:
        """Put one job at the front of its tier, as the next one taken."""
        with reachable():
            self.client.rpush(tier, build_message(job_id, tier))

    def enqueue_many(self, job_ids: Iterable[str], tier: str) -> int:
        """Put jobs at the end of a tier in the order given; return their number."""
        count = 0
        with reachable():
            for piece in slices(job_ids):
                self.client.lpush(tier, *(build_message(job_id, tier) for job_id in piece))
                count += len(piece)
        return count

    def remove(self, job_ids: Sequence[str], tier: str) -> list[str]:
        """Take waiting messages out; return the ids of those that were there."""
        removed: list[str] = []
        with reachable():
            for piece in slices(job_ids):
                numbers = self._remove(keys=[tier], args=_both_forms(piece, tier))
                removed += [piece[number - 1] for number in numbers]
        return removed

    def move(self, job_ids: Sequence[str], tier: str, where: Where, pivot: str = "") -> list[str]:
        """Move waiting messages within their tier, in the order given; return the ids of what moved.

        Raises:
            LookupError: the pivot's message does not wait.
        """
        pivots = _both_forms([pivot], tier)
        try:
            with reachable():
                numbers = self._move(keys=[tier], args=[where, *pivots, *_both_forms(job_ids, tier)])
        except redis.ResponseError as error:
            if "NOPIVOT" in str(error):
                raise LookupError(pivot) from error
            raise
        return [job_ids[number - 1] for number in sorted(numbers)]

    def reorder(self, job_ids: Iterable[str], tier: str) -> int:
        """Give a tier the order of `job_ids`; return how many of them were waiting.

        What waits and is not named keeps its order behind them, so nothing is lost when jobs arrive meanwhile.
        Redis serves nobody else meanwhile, so it is for at most some hundred thousand.
        """
        wanted = f"gm:reorder:{tier}:{secrets.token_hex(8)}"
        with reachable():
            for piece in slices(job_ids, _IDS):
                with self.client.pipeline(transaction=True) as pipe:
                    pipe.rpush(wanted, *piece)
                    pipe.expire(wanted, 600)  # at once, for who is killed in the middle
                    pipe.execute()
            return int(self._reorder(keys=[tier, wanted, wanted + ":fresh"]))

    def settle_front(self, job_ids: Sequence[str], tier: str) -> None:
        """Give those of the jobs that are among as many at the front the order of `job_ids`, before the others there.

        Redis takes as long as for these few messages, however many wait behind.
        """
        with reachable():
            if job_ids:
                self._settle(keys=[tier], args=_both_forms(job_ids, tier))

    def depth(self, tier: str) -> int:
        """Count the messages that wait in a queue."""
        with reachable():
            return int(self.client.llen(tier))

    def depths(self) -> dict[str, int]:
        """Count the waiting messages of each queue."""
        queues = (*TIERS, MAINTENANCE)
        with reachable(), self.client.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.llen(queue)
            return dict(zip(queues, pipe.execute(), strict=True))

    def absent(self, job_ids: Sequence[str], tier: str, *, within: int = 2000) -> list[str]:
        """Return the ids whose messages are neither among the next `within` of the tier nor with a worker."""
        missing = list(job_ids)
        with reachable():
            for redelivered in (False, True):
                with self.client.pipeline(transaction=False) as pipe:
                    for job_id in missing:
                        message = build_message(job_id, tier, redelivered=redelivered)
                        pipe.lpos(tier, message, rank=-1, maxlen=within)
                    answers = pipe.execute()
                missing = [job_id for job_id, answer in zip(missing, answers, strict=True) if answer is None]
        held = self.held(missing)
        return [job_id for job_id in missing if job_id not in held]

    def rebuild(self, job_ids: Iterable[str], tier: str) -> int:
        """Replace all waiting messages of a tier by those of `job_ids`; return their number.

        The old ones are set aside by one command before the first id is read, so nothing waits twice. One caller at
        a time; what one that was killed has set aside is dropped by the next.
        """
        aside = f"gm:aside:{tier}"
        with reachable():
            self.client.unlink(aside)
            if self.client.exists(tier):
                self.client.rename(tier, aside)
        count = self.enqueue_many(job_ids, tier)
        with reachable():
            self.client.unlink(aside)
        return count

    def mark_changing(self, tiers: Sequence[str]) -> list[str]:
        """Note that the order of tiers is being changed; return those for which this was not noted before."""
        with reachable(), self.client.pipeline(transaction=True) as pipe:
            for tier in tiers:
                pipe.sadd(CHANGING, tier)
            return [tier for tier, new in zip(tiers, pipe.execute(), strict=True) if new]

    def unmark_changing(self, tiers: Sequence[str]) -> None:
        """Note that rows and messages of tiers are in the same order."""
        if tiers:
            with reachable():
                self.client.srem(CHANGING, *tiers)

    def changing(self) -> list[str]:
        """List the tiers whose order is being changed, or was when its changer was killed."""
        with reachable():
            return sorted(self.client.smembers(CHANGING))

    def waiting_ids(self, tier: str) -> Iterator[str]:
        """Yield the ids of waiting jobs, next one first; read in slices, so it may miss what moves meanwhile."""
        with reachable():
            end = int(self.client.llen(tier)) - 1
            while end >= 0:
                start = max(0, end - SLICE + 1)
                for message in reversed(self.client.lrange(tier, start, end)):
                    yield job_id_of(message)
                end = start - 1

    def held_count(self) -> int:
        """Count the messages that workers hold."""
        with reachable():
            return int(self.client.hlen(UNACKED))

    def held(self, job_ids: Sequence[str]) -> set[str]:
        """Say which of these jobs' messages a worker holds."""
        found: set[str] = set()
        with reachable():
            for piece in slices(job_ids):
                answers = self.client.hmget(UNACKED, piece)
                found.update(job_id for job_id, answer in zip(piece, answers, strict=True) if answer is not None)
        return found

    def held_since(self) -> dict[str, float]:
        """Say when (POSIX time of the worker's host) the jobs' messages that workers hold were taken."""
        with reachable():
            held = self.client.zrange(UNACKED_INDEX, 0, -1, withscores=True)
        return {tag: at for tag, at in held if tag.startswith(_JOB)}

    def forget_held(self, job_ids: Sequence[str]) -> None:
        """Drop messages that a worker took and can not bring to an end any more."""
        with reachable(), self.client.pipeline(transaction=True) as pipe:
            for piece in slices(job_ids):
                pipe.zrem(UNACKED_INDEX, *piece)
                pipe.hdel(UNACKED, *piece)
            pipe.execute()

    # Pause flags: copies of what the database says.

    def set_controls(self, controls: Controls) -> None:
        """Copy pause flags for the workers to see."""
        with reachable(), self.client.pipeline(transaction=True) as pipe:
            pipe.delete(PAUSED)
            if controls.paused:
                pipe.hset(PAUSED, mapping=dict(controls.paused))
            pipe.execute()

    def controls(self) -> Controls:
        """Read the copies."""
        with reachable(), self.client.pipeline(transaction=False) as pipe:
            pipe.hgetall(PAUSED)
            pipe.get(EPOCH)
            paused, epoch = pipe.execute()
        return Controls({tier: float(until) for tier, until in paused.items()}, epoch or "")

    # Settings: the database has them, here is only a mark that is new after each change.

    def tell_settings(self, mark: str) -> None:
        """Let all processes read the stored settings; `mark` is that of the database."""
        with reachable():
            self.client.set(SETTINGS, f"{mark}:{secrets.token_hex(4)}")  # told twice: read twice

    def settings_mark(self) -> str:
        """Return what was told last, empty if that is lost; it begins with the mark of the database and a colon."""
        with reachable():
            return self.client.get(SETTINGS) or ""

    # Counters since Redis was empty, of all processes together.

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter."""
        with reachable():
            self.client.hincrby(COUNTERS, name, number)

    def counters(self) -> dict[str, int]:
        """Return all counters by name; those that never counted are missing."""
        with reachable():
            return {name: int(value) for name, value in self.client.hgetall(COUNTERS).items()}

    # What one process of many does at a time.

    def try_lock(self, name: str, holder: str, life: timedelta) -> bool:
        """Take a lock that ends by itself after `life`; False if another holds it."""
        with reachable():
            return bool(self.client.set(f"gm:lock:{name}", holder, nx=True, px=int(life.total_seconds() * 1000)))

    def renew_lock(self, name: str, holder: str, life: timedelta) -> bool:
        """Let a lock last `life` from now; False if it is not ours any more."""
        with reachable():
            return bool(self._renew_lock(keys=[f"gm:lock:{name}"], args=[holder, int(life.total_seconds() * 1000)]))

    def lock_holder(self, name: str) -> str:
        """Say who holds a lock, empty for nobody."""
        with reachable():
            return self.client.get(f"gm:lock:{name}") or ""

    def unlock(self, name: str, holder: str) -> None:
        """Give a lock back if it is still ours."""
        with reachable():
            self._unlock(keys=[f"gm:lock:{name}"], args=[holder])

    def time(self) -> float:
        """Return the clock of Redis in POSIX seconds, which all workers share."""
        with reachable():
            seconds, microseconds = self.client.time()
        return float(seconds) + float(microseconds) / 1e6

    def begin_submission(self, name: str, life: timedelta) -> None:
        """Tell that messages of new rows are under way, so that the reconciler waits; repeat before `life` ends."""
        with reachable():
            self.client.zadd(SUBMITTING, {name: self.time() + life.total_seconds()})

    def end_submission(self, name: str) -> None:
        """Tell that all messages of a submission are in the queue."""
        with reachable():
            self.client.zrem(SUBMITTING, name)

    def submissions(self) -> int:
        """Count the submissions whose messages are under way."""
        with reachable(), self.client.pipeline(transaction=False) as pipe:
            pipe.zremrangebyscore(SUBMITTING, "-inf", self.time())
            pipe.zcard(SUBMITTING)
            return int(pipe.execute()[1])

    def set_epoch(self, mark: str) -> None:
        """Mark the content as complete."""
        with reachable():
            self.client.set(EPOCH, mark)

    # Workers.

    def register_worker(self, state: WorkerState, life: timedelta) -> None:
        """Tell that a worker process lives; it counts as gone `life` after its last sign."""
        with reachable(), self.client.pipeline(transaction=False) as pipe:
            pipe.set(f"gm:worker:{state.name}", json.dumps(asdict(state)), px=int(life.total_seconds() * 1000))
            pipe.sadd(WORKERS, state.name)
            pipe.execute()

    def forget_worker(self, name: str) -> None:
        """Tell that a worker process stopped."""
        with reachable(), self.client.pipeline(transaction=False) as pipe:
            pipe.delete(f"gm:worker:{name}")
            pipe.srem(WORKERS, name)
            pipe.execute()

    def workers(self) -> list[WorkerState]:
        """List living worker processes by name; names of dead ones are dropped from the set."""
        with reachable():
            names = sorted(self.client.smembers(WORKERS))
            texts = self.client.mget([f"gm:worker:{name}" for name in names]) if names else []
            dead = [name for name, text in zip(names, texts, strict=True) if text is None]
            if dead:
                self.client.srem(WORKERS, *dead)
        return [_worker_state(text) for text in texts if text is not None]


def _script(name: str) -> str:
    return resources.files("gonemaster_tasks.broker").joinpath("scripts", name).read_text()


def _both_forms(job_ids: Sequence[str], tier: str) -> list[str]:
    """Return for each job the message as written and as a worker puts it back."""
    return [build_message(job_id, tier, redelivered=form) for job_id in job_ids for form in (False, True)]


def _worker_state(text: str) -> WorkerState:
    values = json.loads(text)
    return WorkerState(**{**values, "queues": tuple(values["queues"])})
