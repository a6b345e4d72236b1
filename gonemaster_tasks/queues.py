"""The names of queues and tasks, and the order of the queues; the only definition."""

from gonemaster_db.core.states import Priority

NORMAL = Priority.NORMAL.tier
BATCH = Priority.BATCH.tier
CHECK = Priority.CHECK.tier
MAINTENANCE = "maintenance"

TIERS = (NORMAL, BATCH, CHECK)  # the index is the priority of a job
ORDER = (MAINTENANCE, CHECK, NORMAL, BATCH)  # Maintenance is rare and short, and must not starve.

RUN = "gonemaster.run"
REAP = "gonemaster.reap"
PURGE = "gonemaster.purge"
OPERATE = "gonemaster.operate"
RUN_SCHEDULES = "gonemaster.run_schedules"
PROJECT = "gonemaster.project"
CAPTURE = "gonemaster.capture"
WATCH = "gonemaster.watch"
DELIVER = "gonemaster.deliver"
AGGREGATE = "gonemaster.add_up"

_MAINTENANCE_TASKS = (REAP, PURGE, OPERATE, RUN_SCHEDULES, PROJECT, CAPTURE, WATCH, DELIVER, AGGREGATE)
ROUTES = {task: {"queue": MAINTENANCE} for task in _MAINTENANCE_TASKS}


def tier_of(priority: int) -> str:
    """Return the queue for a job priority."""
    return TIERS[priority]
