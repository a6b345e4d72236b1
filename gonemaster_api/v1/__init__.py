"""The admin API, /api/v1: one folder per resource."""

from gonemaster_api.mcp.endpoint import blueprint as mcp
from gonemaster_api.v1.analysis.routes import blueprint as analysis
from gonemaster_api.v1.batches.routes import blueprint as batches
from gonemaster_api.v1.causes.routes import blueprint as causes
from gonemaster_api.v1.cds_decisions.routes import blueprint as cds_decisions
from gonemaster_api.v1.checks.routes import blueprint as checks
from gonemaster_api.v1.comparison.routes import blueprint as comparison
from gonemaster_api.v1.domains.routes import blueprint as domains
from gonemaster_api.v1.entries.routes import blueprint as entries
from gonemaster_api.v1.jobs.routes import blueprint as jobs
from gonemaster_api.v1.metrics.routes import blueprint as metrics
from gonemaster_api.v1.operations.routes import blueprint as operations
from gonemaster_api.v1.policies.routes import blueprint as policies
from gonemaster_api.v1.profiles.routes import blueprint as profiles
from gonemaster_api.v1.queue.routes import blueprint as queue
from gonemaster_api.v1.rst_checks.routes import blueprint as rst_checks
from gonemaster_api.v1.runs.routes import blueprint as runs
from gonemaster_api.v1.schedules.routes import blueprint as schedules
from gonemaster_api.v1.scoring.routes import blueprint as scoring
from gonemaster_api.v1.session.routes import blueprint as session
from gonemaster_api.v1.settings.routes import blueprint as settings
from gonemaster_api.v1.shares.routes import blueprint as shares
from gonemaster_api.v1.spec.routes import blueprint as spec
from gonemaster_api.v1.sweeps.routes import blueprint as sweeps
from gonemaster_api.v1.system.routes import blueprint as system
from gonemaster_api.v1.tags.routes import blueprint as tags
from gonemaster_api.v1.tokens.routes import blueprint as tokens
from gonemaster_api.v1.watches.routes import blueprint as watches
from gonemaster_api.v1.zone_checks.routes import blueprint as zone_checks

BLUEPRINTS = (
    jobs, batches, comparison, queue, domains, runs, shares, entries, tags, profiles, scoring, settings, spec, causes,
    system,
    operations, analysis, schedules, tokens, watches, metrics, session, mcp, zone_checks,
    cds_decisions, policies, checks, rst_checks, sweeps,
)  # fmt: skip
