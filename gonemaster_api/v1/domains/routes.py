"""Domains: list, show, and their runs."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.domains import read_domain, read_domains
from gonemaster_api.queries.runs import read_runs
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.fields import MAX_ID
from gonemaster_api.state import state
from gonemaster_api.v1.domains.schemas import DomainPageSchema, DomainQuerySchema, DomainSchema
from gonemaster_api.v1.runs.schemas import RunPageSchema, RunSortSchema
from gonemaster_db.repositories.domains import get_domain

blueprint = Blueprint("domains", __name__, url_prefix="/domains", description="Domains that were tested or tagged")
_BY_ID = f"/<int(max={MAX_ID}):domain_id>"


@blueprint.route("")
class Domains(MethodView):
    """List of domains."""

    @blueprint.arguments(DomainQuerySchema, location="query")
    @blueprint.response(200, DomainPageSchema)
    @blueprint.refuses(_400="invalid_level, invalid_min_level, invalid_sort, invalid_limit, invalid_offset")
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


@blueprint.route(f"{_BY_ID}/runs")
class History(MethodView):
    """The runs of a domain."""

    @blueprint.arguments(RunSortSchema, location="query")
    @blueprint.response(200, RunPageSchema)
    @blueprint.refuses(_400="invalid_sort, invalid_limit, invalid_offset", _404="not_found")
    def get(self, query: dict[str, Any], domain_id: int) -> Any:
        """List the runs of a domain."""
        with state().store.read_only() as session:
            get_domain(session, domain_id)
        return read_runs(state(), query, domain_id=domain_id)
