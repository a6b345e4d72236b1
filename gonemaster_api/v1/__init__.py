"""The admin API, /api/v1: one folder for each resource."""

from gonemaster_api.v1.batches.routes import blueprint as batches
from gonemaster_api.v1.jobs.routes import blueprint as jobs
from gonemaster_api.v1.queue.routes import blueprint as queue
from gonemaster_api.v1.system.routes import blueprint as system

BLUEPRINTS = (jobs, batches, queue, system)
