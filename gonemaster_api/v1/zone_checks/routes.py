"""Routes of tests of zones before they are published."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.use_cases.zone_checks import check_zone
from gonemaster_api.v1.zone_checks.schemas import ZoneCheckRequestSchema, ZoneCheckSchema
from gonemaster_api.web.request_deadlines import client_watch

blueprint = Blueprint(
    "zone_checks", __name__, url_prefix="/zone-checks", description="Tests of zones before they are published"
)


@blueprint.route("")
class ZoneChecks(MethodView):
    """Tests of zone files."""

    @blueprint.arguments(ZoneCheckRequestSchema)
    @blueprint.response(200, ZoneCheckSchema)
    @blueprint.refuses(
        _400="missing_domain, invalid_domain, invalid_zone, invalid_undelegated",
        _413="body_too_large",
        _422="zone_check_failed",
        _503="too_many_zone_checks",
    )
    def post(self, request_body: dict[str, Any]) -> Any:
        """Test a zone file without sending a query; nothing is stored."""
        return check_zone(request_body, has_left=client_watch())
