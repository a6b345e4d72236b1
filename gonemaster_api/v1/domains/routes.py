"""Routes of domains: list, show, delete, and their runs."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.domains import read_domain, read_domains
from gonemaster_api.queries.runs.runs import read_runs
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.fields import MAX_ID
from gonemaster_api.state import state
from gonemaster_api.use_cases.domain_removal import count_prunable_domains, delete_domain, prune_domains
from gonemaster_api.v1.domains.schemas import (
    DomainPageSchema,
    DomainQuerySchema,
    DomainSchema,
    PrunedDomainsSchema,
    PruneSchema,
)
from gonemaster_api.v1.operations.schemas import ACCEPTED, accepted
from gonemaster_api.v1.runs.schemas import JudgedRunQuerySchema, RunPageSchema
from gonemaster_api.web.actor import who
from gonemaster_db.domains.domains import get_domain
from gonemaster_db.models import Operation
from gonemaster_engine.texts import Text

blueprint = Blueprint("domains", __name__, url_prefix="/domains", description="Domains that were tested or tagged")
_BY_ID = f"/<int(max={MAX_ID}):domain_id>"


@blueprint.route("")
class Domains(MethodView):
    """List of domains."""

    @blueprint.arguments(DomainQuerySchema, location="query")
    @blueprint.response(200, DomainPageSchema)
    @blueprint.refuses(
        _400="invalid_level, invalid_min_level, invalid_sort, invalid_limit, invalid_offset, invalid_cursor"
    )
    def get(self, query: dict[str, Any]) -> Any:
        """List domains with the status, level and score of their latest run."""
        return read_domains(state(), query)


@blueprint.route(_BY_ID)
class DomainById(MethodView):
    """One domain."""

    @blueprint.response(200, DomainSchema)
    @blueprint.refuses(_404="not_found")
    def get(self, domain_id: int) -> Any:
        """Show a domain with its tags."""
        return read_domain(state(), domain_id)

    @blueprint.done_after_commit
    @blueprint.response(204)
    @blueprint.alt_response(202, **ACCEPTED)
    @blueprint.refuses(_404="not_found", _409="domain_in_use")
    def delete(self, domain_id: int) -> Any:
        """Delete a domain with its runs and its memberships in tags; rejected while one of its jobs waits or runs."""
        started = delete_domain(state(), domain_id, who=who())
        return None if started is None else accepted(started)


@blueprint.route("/prune")
class Prune(MethodView):
    """Deletion of domains without runs."""

    @blueprint.done_after_commit
    @blueprint.arguments(PruneSchema)
    @blueprint.response(200, PrunedDomainsSchema)
    @blueprint.alt_response(202, **ACCEPTED)
    @blueprint.refuses(_400="missing_without_runs, invalid_without_runs, invalid_tag", _404="not_found")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Delete the domains that have neither runs nor unfinished jobs, optionally of one tag."""
        if not request_body["without_runs"]:
            raise BadRequest("invalid_without_runs", Text("must be true: only domains without runs are pruned"))
        tag = request_body.get("tag")
        if request_body["dry_run"]:
            return {"pruned_domains": count_prunable_domains(state(), tag=tag), "dry_run": True}
        pruned = prune_domains(state(), tag=tag, who=who())
        return accepted(pruned) if isinstance(pruned, Operation) else {"pruned_domains": pruned, "dry_run": False}


@blueprint.route(f"{_BY_ID}/runs")
class DomainHistory(MethodView):
    """The runs of a domain."""

    @blueprint.arguments(JudgedRunQuerySchema, location="query")
    @blueprint.response(200, RunPageSchema)
    @blueprint.refuses(
        _400="invalid_policy, invalid_verdict, invalid_sort, invalid_limit, invalid_offset, invalid_cursor",
        _404="not_found",
    )
    def get(self, query: dict[str, Any], domain_id: int) -> Any:
        """List the runs of a domain."""
        with state().store.read_only() as session:
            get_domain(session, domain_id)
        return read_runs(state(), query, domain_id=domain_id)
