"""The public API, /pub/api/v1: one folder per resource."""

from gonemaster_api.public.analysis.routes import blueprint as analysis
from gonemaster_api.public.jobs.routes import blueprint as jobs
from gonemaster_api.public.lookup.routes import blueprint as lookup
from gonemaster_api.public.service.routes import blueprint as service

BLUEPRINTS = (jobs, lookup, service, analysis)
