"""Route of delegation lookups, with which forms are prefilled."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.public.lookup.schemas import LookupSchema
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.use_cases.lookups import look_up_public_delegation

blueprint = Blueprint("public_lookup", __name__, url_prefix="/lookup", description="Delegations, from DNS")


@blueprint.route("/<domain>")
class Lookup(MethodView):
    """The delegation of a domain."""

    @blueprint.response(200, LookupSchema)
    @blueprint.refuses(
        _400="missing_domain, invalid_domain",
        _429="rate_limited",
        _503="too_many_lookups, lookup_timeout, store_unavailable",
    )
    def get(self, domain: str) -> Any:
        """Query the parent of a domain for name servers and DS records; addresses that are not global are omitted."""
        return look_up_public_delegation(state(), domain), {"Cache-Control": "no-store"}
