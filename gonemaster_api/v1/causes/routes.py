"""Route of the list of root causes."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.v1.causes.schemas import CausesQuerySchema, CausesSchema
from gonemaster_engine.findings.causes.registry import RULES

blueprint = Blueprint("causes", __name__, url_prefix="/causes", description="Root causes of findings")


@blueprint.route("")
class Causes(MethodView):
    """List of root causes."""

    @blueprint.arguments(CausesQuerySchema, location="query")
    @blueprint.response(200, CausesSchema)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the root causes that runs can have, with their texts."""
        return {"items": [rule.as_dict(locale=query["locale"]) for rule in RULES], "total": len(RULES)}
