"""All Redis key names; the list of a queue has the name of the queue."""

from gonemaster_tasks.queues import BATCH, ORDER

PAUSED = "gm:paused"  # hash: tier to the end of its pause
SETTINGS = "gm:settings"  # string: replaced after each change of settings
EPOCH = "gm:epoch"  # string: replication id for which the tiers were rebuilt; missing after Redis lost its content
RECONCILE = "gm:reconcile"  # string: present while an immediate reconciliation is requested
CHANGING = "gm:changing"  # set: tiers whose rows and messages may be in different orders
SUBMITTING = "gm:submitting"  # sorted set: submission to the time at which it is abandoned
REGISTRATIONS = "gm:registrations"  # sorted set: domain with requested registration data to the time of the request
LIMITED = "gm:limited"  # sorted set: address whose queries wait for the rate limit to the time at which that expires
WORKER_TIMES = "gm:worker-times"  # sorted set: worker process to the time (ms, of Redis) at which it expires
WORKER_QUEUES = "gm:worker-queues"  # hash: worker process to the queues it takes from
WORKER_MARK = "gm:worker-mark"  # string: replaced whenever a worker process starts or stops
REPORTS = "gm:reports"  # hash: process (kind and name) to its report (JSON)
REPORT_TIMES = "gm:report-times"  # sorted set: process to the time (s, of Redis) of its report
REPORT_GAP = "gm:report-gap"  # string: time (s, of Redis) of the first report after a long gap
DUTIES = "gm:duties"  # hash: maintenance task to the time (s, of Redis) at which a process last performed it
CHECKED = "gm:checked"  # string: present for a day after the last check before delegation
LOST = "gm:lost"  # sorted set: job with an issued id but no row to the time at which this was detected

ATTEMPTS = "gm:attempts"
RATE_LIMITS = f"{ATTEMPTS}:*"  # pattern: attempts of one client, while they are limited
REJECTED = "gm:rejected"  # list: invalid items from queues, newest first

UNACKED = "unacked"  # kombu's hash of the messages held by workers
UNACKED_INDEX = "unacked_index"  # kombu's sorted set of delivery times, by the clock of the worker's host
BEAT_LOCK = "redbeat::lock"  # RedBeat's lock; present while a beat is active


def cut(tier: str) -> str:
    """Return the key of the end of a tier's window (string: position, job and token); absent for a complete tier."""
    return f"gm:cut:{tier}"


TYPES = {
    **dict.fromkeys((REJECTED, *ORDER), "list"),  # The list of rejected items comes first: it must accept the others.
    **dict.fromkeys((PAUSED, WORKER_QUEUES, REPORTS, DUTIES, UNACKED), "hash"),
    **dict.fromkeys((SETTINGS, EPOCH, RECONCILE, WORKER_MARK, REPORT_GAP, CHECKED, cut(BATCH)), "string"),
    **dict.fromkeys((SUBMITTING, REGISTRATIONS, LIMITED, WORKER_TIMES, REPORT_TIMES, LOST, UNACKED_INDEX), "zset"),
    CHANGING: "set",
}


def worker(name: str) -> str:
    """Return the key of the state of a worker process (string, JSON); it expires."""
    return f"gm:worker:{name}"


def processes(machine: str) -> str:
    """Return the key of a machine's worker processes (hash: name to PID and start time)."""
    return f"gm:processes:{machine}"


def address(name: str) -> str:
    """Return the key of the leases of a name server's address (hash); it expires."""
    return f"gm:address:{name}"


def mismatch(kind: str, tier: str) -> str:
    """Return the key of the time (s, of Redis) of the first reading that differed (string); it expires."""
    return f"gm:mismatch:{kind}:{tier}"


def probe(token: str) -> str:
    """Return the key and channel with which a process tests its permissions at startup."""
    return f"gm:probe:{token}"


def lock(name: str) -> str:
    """Return the key of a lock (string: its holder)."""
    return f"gm:lock:{name}"


def new_order(tier: str, token: str) -> str:
    """Return the key of the ids of one reorder operation (list, in the new order)."""
    return f"gm:reorder:{tier}:{token}"


def replaced(tier: str) -> str:
    """Return the key of the messages that a rebuild replaced and has not checked yet (list)."""
    return f"gm:replaced:{tier}"


def events(job_id: str) -> str:
    """Return the key of a job's live events (stream)."""
    return f"gm:events:{job_id}"


def progress(job_id: str) -> str:
    """Return the key of a running job's progress (string: percentage)."""
    return f"gm:progress:{job_id}"


def highest_progress(job_id: str) -> str:
    """Return the key of the highest progress that clients of Zonemaster's API have seen (sorted set of one member)."""
    return f"gm:highest-progress:{job_id}"


def found(job_id: str) -> str:
    """Return the key of what a running job has found so far (string, JSON)."""
    return f"gm:found:{job_id}"


def check_clients(job_id: str) -> str:
    """Return the key of the number of clients that wait for a check (string); it expires."""
    return f"gm:check-clients:{job_id}"


def watched(job_id: str) -> str:
    """Return the key that is present while a client reads a job's events."""
    return f"gm:watch:{job_id}"


def attempts(kind: str, client: str) -> str:
    """Return the key of a client's attempts (string: their number, or list: their times in ms); it expires."""
    return f"{ATTEMPTS}:{kind}:{client}"
