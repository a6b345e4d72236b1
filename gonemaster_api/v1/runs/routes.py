"""Routes of runs: list, show, compare."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.errors import NotFound
from gonemaster_api.queries.runs.comparison import read_run_difference
from gonemaster_api.queries.runs.runs import read_runs
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.parsing import LocaleQuerySchema
from gonemaster_api.state import state
from gonemaster_api.use_cases.score_backfill import read_explained_score, read_scored_result, read_scored_run
from gonemaster_api.v1.jobs.measure_schemas import ExplainedScoreSchema
from gonemaster_api.v1.jobs.schemas import JobResultSchema
from gonemaster_api.v1.runs.chain_schemas import DnssecChainSchema
from gonemaster_api.v1.runs.schemas import (
    RunDifferenceSchema,
    RunDiffQuerySchema,
    RunPageSchema,
    RunQuerySchema,
    RunSchema,
)
from gonemaster_db.runs.runs import get_dnssec_chain

blueprint = Blueprint("runs", __name__, url_prefix="/runs", description="Results of finished tests")


@blueprint.route("")
class Runs(MethodView):
    """List of runs."""

    @blueprint.arguments(RunQuerySchema, location="query")
    @blueprint.response(200, RunPageSchema)
    @blueprint.refuses(_400="invalid_finished_after, invalid_finished_before, invalid_time_range, invalid_sort, ...")
    def get(self, query: dict[str, Any]) -> Any:
        """List runs, by default the most recently finished first."""
        return read_runs(state(), query)


@blueprint.route("/<run_id>")
class RunById(MethodView):
    """One run."""

    @blueprint.response(200, RunSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, run_id: str) -> Any:
        """Show a run with its effective profile."""
        return read_scored_run(state(), run_id)


@blueprint.route("/<run_id>/result")
class ResultById(MethodView):
    """The result of a run."""

    @blueprint.arguments(LocaleQuerySchema, location="query")
    @blueprint.response(200, JobResultSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, query: dict[str, Any], run_id: str) -> Any:
        """Show the result of a run."""
        return read_scored_result(state(), run_id, locale=query["locale"])


@blueprint.route("/<run_id>/score")
class ScoreOfRun(MethodView):
    """The score of a run, point by point."""

    @blueprint.arguments(LocaleQuerySchema, location="query")
    @blueprint.response(200, ExplainedScoreSchema)
    @blueprint.refuses(_404="not_found; also if the run has no score, or if settings hide scores")
    def get(self, query: dict[str, Any], run_id: str) -> Any:
        """Show the score of a run with its cap and the points that each entry costs."""
        return read_explained_score(state(), run_id, locale=query["locale"])


@blueprint.route("/<run_id>/dnssec-chain")
class Chain(MethodView):
    """The DNSSEC chain of trust of a run."""

    @blueprint.response(200, DnssecChainSchema)
    @blueprint.refuses(_404="not_found; also if the run has none")
    def get(self, run_id: str) -> Any:
        """Show the DNSSEC chain of trust of a run, if one was stored."""
        with state().store.read_only() as session:
            chain = get_dnssec_chain(session, run_id)
        if chain is None:
            raise NotFound("DNSSEC chain of run", run_id)
        return chain


@blueprint.route("/<run_id>/diff/<other_id>")
class RunDiff(MethodView):
    """Comparison of two runs."""

    @blueprint.arguments(RunDiffQuerySchema, location="query")
    @blueprint.response(200, RunDifferenceSchema)
    @blueprint.refuses(_400="invalid_min_level, invalid_args", _404="not_found")
    def get(self, query: dict[str, Any], run_id: str, other_id: str) -> Any:
        """List the root causes and the findings that were added, cleared or changed in the second run."""
        return read_run_difference(
            state(), run_id, other_id, min_level=query["min_level"], with_args=query["args"], locale=query["locale"]
        )
