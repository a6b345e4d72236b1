"""The pages for operators."""

from gonemaster_api.ui.admin.audit.views import blueprint as audit
from gonemaster_api.ui.admin.batches import changes as batch_changes
from gonemaster_api.ui.admin.batches import comparison as batch_comparison
from gonemaster_api.ui.admin.batches import deletion as batch_deletion
from gonemaster_api.ui.admin.batches import submission as new_batch
from gonemaster_api.ui.admin.batches import views as batches
from gonemaster_api.ui.admin.cohorts import changes as cohort_changes
from gonemaster_api.ui.admin.cohorts import forms as cohort_forms
from gonemaster_api.ui.admin.cohorts import snapshots
from gonemaster_api.ui.admin.cohorts import views as cohorts
from gonemaster_api.ui.admin.decisions import views as decisions
from gonemaster_api.ui.admin.domains import views as domains
from gonemaster_api.ui.admin.jobs import shares
from gonemaster_api.ui.admin.jobs import views as jobs
from gonemaster_api.ui.admin.metrics.views import blueprint as metrics
from gonemaster_api.ui.admin.new_test import views as new_test
from gonemaster_api.ui.admin.operations import views as operations
from gonemaster_api.ui.admin.queue.views import blueprint as queue
from gonemaster_api.ui.admin.recent import views as recent
from gonemaster_api.ui.admin.rst import views as rst
from gonemaster_api.ui.admin.schedules import views as schedules
from gonemaster_api.ui.admin.search import views as search
from gonemaster_api.ui.admin.settings import policies, profiles, scoring, system, tokens
from gonemaster_api.ui.admin.tags import changes as tag_changes
from gonemaster_api.ui.admin.tags import owner_changes as tag_owner
from gonemaster_api.ui.admin.tags import views as tags
from gonemaster_api.ui.admin.wall import views as wall
from gonemaster_api.ui.admin.watches import changes as watch_changes
from gonemaster_api.ui.admin.watches import rollovers
from gonemaster_api.ui.admin.watches import views as watches
from gonemaster_api.ui.admin.workers import views as workers

_WORK = (new_test, rst, jobs, shares, recent, domains, operations, workers, wall, search)
_BATCHES = (batches, batch_changes, batch_comparison, batch_deletion, new_batch)
_TAGS = (tags, tag_changes, tag_owner)
_COHORTS = (cohorts, cohort_changes, cohort_forms, snapshots, schedules)
_SETTINGS = (system, profiles, policies, scoring, tokens)
_WATCHES = (watches, watch_changes, rollovers, decisions)

BLUEPRINTS = (
    audit,
    metrics,
    queue,
    *(module.blueprint for module in (*_WORK, *_BATCHES, *_TAGS, *_COHORTS, *_SETTINGS, *_WATCHES)),
    cohort_changes.runs_blueprint,
)
