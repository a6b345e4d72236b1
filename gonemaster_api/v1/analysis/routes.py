"""Routes of cohorts, their snapshots and the analysis status."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.cohorts import (
    cohort_document,
    read_analysis_status,
    read_cohort,
    read_cohorts,
    read_snapshot,
    read_snapshots,
)
from gonemaster_api.queries.snapshot_csv import stream_snapshot
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.use_cases.cohorts import make_cohort, patch_cohort
from gonemaster_api.use_cases.snapshots import (
    clear_cohort,
    patch_snapshot,
    rebuild_cohort,
    rematerialise_snapshot,
    rematerialise_snapshots,
    remove_cohort,
    remove_snapshot,
    repair_snapshot,
)
from gonemaster_api.v1.analysis.schemas import (
    MAX_COHORT_ID,
    AnalysisStatusSchema,
    ClearedCohortSchema,
    CohortChangeSchema,
    CohortDetailSchema,
    CohortSchema,
    NewCohortSchema,
    QueuedSchema,
    RebuiltCohortSchema,
    RepairedSnapshotSchema,
    SnapshotChangeSchema,
    SnapshotRemovalSchema,
    SnapshotSchema,
)
from gonemaster_api.web.actor import who
from gonemaster_api.web.streaming import stream
from gonemaster_db.analysis.rebuilding import Rebuilding

blueprint = Blueprint("analysis", __name__, url_prefix="/analysis", description="Domains tracked over time")

_BY_ID = f"/cohorts/<int(max={MAX_COHORT_ID}):cohort_id>"


@blueprint.route("/status")
class Status(MethodView):
    """Status of the analysis."""

    @blueprint.response(200, AnalysisStatusSchema)
    def get(self) -> Any:
        """Show whether the analysis is available, and the age of the external data."""
        return read_analysis_status(state())


@blueprint.route("/cohorts")
class Cohorts(MethodView):
    """List and creation of cohorts."""

    @blueprint.response(200, CohortSchema(many=True))
    def get(self) -> Any:
        """List all cohorts by sort_order and tag."""
        return read_cohorts(state())

    @blueprint.arguments(NewCohortSchema)
    @blueprint.response(202, CohortSchema)
    @blueprint.refuses(
        _400="unsupported_source_type, missing_source_tag, invalid_catalog, invalid_tag_view_min_level, ...",
        _409="cohort_exists",
    )
    def post(self, request_body: dict[str, Any]) -> Any:
        """Create a cohort for a tag; create the tag if it does not exist.

        With `analysis_enabled`, the runs of batches marked "snapshot" are projected in the background.
        """
        return cohort_document(make_cohort(state(), request_body, who=who()))


@blueprint.route(_BY_ID)
class CohortById(MethodView):
    """One cohort."""

    @blueprint.response(200, CohortDetailSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, cohort_id: int) -> Any:
        """Show a cohort and, if it has a reference list, the differences of its members from that list."""
        return read_cohort(state(), cohort_id)

    @blueprint.arguments(CohortChangeSchema)
    @blueprint.response(200, CohortSchema)
    @blueprint.refuses(
        _400="invalid_catalog, invalid_tag_view_min_level, invalid_reference_list, ...", _404="not_found"
    )
    def patch(self, request_body: dict[str, Any], cohort_id: int) -> Any:
        """Change a cohort; its tag cannot be changed.

        Disabling the analysis removes facts and snapshots; enabling it rebuilds them from the stored runs.
        """
        return cohort_document(patch_cohort(state(), cohort_id, request_body, who=who()))

    @blueprint.response(204)
    @blueprint.refuses(_404="not_found")
    def delete(self, cohort_id: int) -> None:
        """Delete a cohort with its facts and snapshots; its tag and the runs are kept."""
        remove_cohort(state(), cohort_id, who=who())


@blueprint.route(f"{_BY_ID}/rebuild")
class Rebuild(MethodView):
    """Rebuild of a cohort."""

    @blueprint.response(202, RebuiltCohortSchema)
    @blueprint.refuses(_404="not_found", _409="cohort_analysis_disabled")
    def post(self, cohort_id: int) -> dict[str, Any]:
        """Rebuild facts and snapshots of a cohort from its runs, in the background; slugs, labels and pins are lost.

        Snapshots that lack runs cannot be rebuilt: they are kept unchanged and listed as `kept`. The cohort shows the
        progress. A second call during a rebuild has no effect.
        """
        return _rebuilt(rebuild_cohort(state(), cohort_id, who=who()))


@blueprint.route(f"{_BY_ID}/force-rebuild")
class ForceRebuild(MethodView):
    """Rebuild of a cohort that removes the snapshots that cannot be rebuilt."""

    @blueprint.response(202, RebuiltCohortSchema)
    @blueprint.refuses(_404="not_found", _409="cohort_analysis_disabled")
    def post(self, cohort_id: int) -> dict[str, Any]:
        """Rebuild as `/rebuild` does, and remove the snapshots that lack runs; they cannot be restored."""
        return _rebuilt(rebuild_cohort(state(), cohort_id, who=who(), force=True))


def _rebuilt(begun: Rebuilding | None) -> dict[str, Any]:
    unchanged = [{"slug": slug, "missing_runs": runs} for slug, runs in sorted(begun.kept.items())] if begun else []
    return {"started": begun is not None, "runs": begun.runs if begun else 0, "kept": unchanged}


@blueprint.route(f"{_BY_ID}/clear")
class Clear(MethodView):
    """Removal of a cohort's facts and snapshots."""

    @blueprint.response(200, ClearedCohortSchema)
    @blueprint.refuses(_404="not_found")
    def post(self, cohort_id: int) -> dict[str, int]:
        """Remove facts and snapshots of a cohort; existing batches are not added again until the cohort is rebuilt."""
        return {"snapshots_removed": clear_cohort(state(), cohort_id, who=who())}


@blueprint.route(f"{_BY_ID}/snapshots")
class Snapshots(MethodView):
    """The snapshots of a cohort."""

    @blueprint.response(200, SnapshotSchema(many=True))
    @blueprint.refuses(_404="not_found")
    def get(self, cohort_id: int) -> Any:
        """List the snapshots of a cohort in all states, newest batch first."""
        return read_snapshots(state(), cohort_id)


@blueprint.route(f"{_BY_ID}/snapshots/rematerialize")
class RematerializeAll(MethodView):
    """Rebuild of all snapshots of a cohort."""

    @blueprint.response(202, QueuedSchema)
    @blueprint.refuses(_404="not_found", _409="materialization_running")
    def post(self, cohort_id: int) -> dict[str, int]:
        """Rebuild the views of all snapshots with stored runs, in the background; other snapshots are unchanged."""
        return {"queued": rematerialise_snapshots(state(), cohort_id, who=who())}


@blueprint.route(f"{_BY_ID}/snapshots/<other_than('rematerialize'):slug>")
class SnapshotBySlug(MethodView):
    """One snapshot."""

    @blueprint.response(200, SnapshotSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, cohort_id: int, slug: str) -> Any:
        """Show a snapshot."""
        return read_snapshot(state(), cohort_id, slug)

    @blueprint.arguments(SnapshotChangeSchema)
    @blueprint.response(200, SnapshotSchema)
    @blueprint.refuses(_400="invalid_slug, invalid_status, ...", _404="not_found", _409="slug_exists")
    def post(self, request_body: dict[str, Any], cohort_id: int, slug: str) -> Any:
        """Change a snapshot: slug, label, description, visibility, default flag and status."""
        return read_snapshot(state(), cohort_id, patch_snapshot(state(), cohort_id, slug, request_body, who=who()))

    @blueprint.arguments(SnapshotRemovalSchema, location="query")
    @blueprint.response(204)
    @blueprint.refuses(_400="invalid_status, invalid_purge", _404="not_found")
    def delete(self, query: dict[str, Any], cohort_id: int, slug: str) -> None:
        """Retire a snapshot: it stays stored but is no longer offered. With `purge=true` it is removed."""
        remove_snapshot(state(), cohort_id, slug, purge=query["purge"], who=who())


@blueprint.route(f"{_BY_ID}/snapshots/<other_than('rematerialize'):slug>/rematerialize")
class Rematerialize(MethodView):
    """Rebuild of one snapshot."""

    @blueprint.response(202, SnapshotSchema)
    @blueprint.refuses(_404="not_found", _409="source_runs_purged, materialization_running")
    def post(self, cohort_id: int, slug: str) -> Any:
        """Rebuild the view of a snapshot from the stored runs; slug, label and pin are kept."""
        rematerialise_snapshot(state(), cohort_id, slug, who=who())
        return read_snapshot(state(), cohort_id, slug)


@blueprint.route(f"{_BY_ID}/snapshots/<other_than('rematerialize'):slug>/repair")
class Repair(MethodView):
    """Repair of one snapshot."""

    @blueprint.response(202, RepairedSnapshotSchema)
    @blueprint.refuses(_404="not_found", _409="nothing_to_repeat", _503="broker_unavailable")
    def post(self, cohort_id: int, slug: str) -> dict[str, Any]:
        """Test the members that have no result in a snapshot, as further jobs of its batch.

        When they finish, the snapshot is captured again, and its coverage decides whether it may become the default.
        """
        queued = repair_snapshot(state(), cohort_id, slug, who=who())
        return {"batch_id": queued.batch.id, "job_count": queued.job_count}


@blueprint.route(f"{_BY_ID}/snapshots/<other_than('rematerialize'):slug>/domains.csv")
class SnapshotCsv(MethodView):
    """A whole snapshot as a file."""

    @blueprint.response(200, {"type": "string"}, content_type="text/csv")
    @blueprint.refuses(_404="not_found", _503="too_many_streams")
    def get(self, cohort_id: int, slug: str) -> Any:
        """Return all domains of a snapshot as CSV, with their results and counts."""
        shared = state()
        response = stream(shared, stream_snapshot(shared, cohort_id, slug), mimetype="text/csv")
        response.headers["Content-Disposition"] = f"attachment; filename={slug}.csv"
        return response
