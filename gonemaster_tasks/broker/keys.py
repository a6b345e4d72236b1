"""The names of the keys in Redis, spelled only here; the list of a queue has the name of the queue."""

from gonemaster_tasks.queues import ORDER

PAUSED = "gm:paused"  # hash: tier to the end of its pause
SETTINGS = "gm:settings"  # string: new after each change of settings
EPOCH = "gm:epoch"  # string: missing after Redis lost its content
RECONCILE = "gm:reconcile"  # string: there while a reconciliation is wanted at once
CHANGING = "gm:changing"  # set: tiers whose rows and messages may be in different orders
SUBMITTING = "gm:submitting"  # sorted set: submission to the time at which it is given up
REGISTRATIONS = "gm:registrations"  # sorted set: domain whose registration data are wanted to the time of the wish
LIMITED = "gm:limited"  # sorted set: address at which queries wait for its limit to the time at which that is over
WORKER_TIMES = "gm:worker-times"  # sorted set: worker process to the time (ms, of Redis) at which it counts as gone
WORKER_QUEUES = "gm:worker-queues"  # hash: worker process to the queues it takes from
WORKER_MARK = "gm:worker-mark"  # string: new whenever a worker process has come or gone
REPORTS = "gm:reports"  # hash: process (kind and name) to what it says about itself (JSON)
REPORT_TIMES = "gm:report-times"  # sorted set: process to the time (s, of Redis) at which it said so
REPORT_GAP = "gm:report-gap"  # string: time (s, of Redis) at which somebody reported after nobody had done so for long
DUTIES = "gm:duties"  # hash: duty of all processes together to the time (s, of Redis) at which somebody was at it
LOST = "gm:lost"  # sorted set: job whose id was handed out and whose row is gone to the time at which that was noticed

ATTEMPTS = "gm:attempts"
RATE_LIMITS = f"{ATTEMPTS}:*"  # pattern: attempts of one client, while they are limited
REJECTED = "gm:rejected"  # list: what stood in a queue and is no message, newest first

UNACKED = "unacked"  # kombu's hash of what workers hold
UNACKED_INDEX = "unacked_index"  # kombu's sorted set of the times of delivery, by the clock of the worker's host
BEAT_LOCK = "redbeat::lock"  # RedBeat's; there while a beat is active

TYPES = {
    **dict.fromkeys((REJECTED, *ORDER), "list"),  # that of what is put aside comes first: it must take the others
    **dict.fromkeys((PAUSED, WORKER_QUEUES, REPORTS, DUTIES, UNACKED), "hash"),
    **dict.fromkeys((SETTINGS, EPOCH, RECONCILE, WORKER_MARK, REPORT_GAP), "string"),
    **dict.fromkeys((SUBMITTING, REGISTRATIONS, LIMITED, WORKER_TIMES, REPORT_TIMES, LOST, UNACKED_INDEX), "zset"),
    CHANGING: "set",
}


def worker(name: str) -> str:
    """Return the key of a worker process' state (string, JSON); it ends by itself."""
    return f"gm:worker:{name}"


def processes(machine: str) -> str:
    """Return the key of a machine's worker processes (hash: name to PID and time of start)."""
    return f"gm:processes:{machine}"


def address(name: str) -> str:
    """Return the key of what was lent of a name server's address (hash); it ends by itself."""
    return f"gm:address:{name}"


def probe(token: str) -> str:
    """Return the key on which a process tries at its start what it may do; also a channel."""
    return f"gm:probe:{token}"


def lock(name: str) -> str:
    """Return the key of a lock (string: its holder)."""
    return f"gm:lock:{name}"


def wanted_order(tier: str, token: str) -> str:
    """Return the key of the ids of one reorder (list, in their new order)."""
    return f"gm:reorder:{tier}:{token}"


def replaced(tier: str, token: str) -> str:
    """Return the key of what a rebuild took out of a tier and has not looked through yet (list)."""
    return f"gm:replaced:{tier}:{token}"


def events(job_id: str) -> str:
    """Return the key of a job's live events (stream)."""
    return f"gm:events:{job_id}"


def progress(job_id: str) -> str:
    """Return the key of a running job's progress (string: percentage)."""
    return f"gm:progress:{job_id}"


def watched(job_id: str) -> str:
    """Return the key that is there while somebody reads a job's events."""
    return f"gm:watch:{job_id}"


def attempts(kind: str, client: str) -> str:
    """Return the key of a client's attempts (string: their number, or list: their times in ms); it ends by itself."""
    return f"{ATTEMPTS}:{kind}:{client}"
