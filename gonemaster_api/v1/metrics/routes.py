"""Route of the metrics, as JSON or in the Prometheus text format."""

from typing import Any

from flask import Response
from flask.views import MethodView

from gonemaster_api.queries.metrics.prometheus import CONTENT_TYPE
from gonemaster_api.queries.metrics.responses import PROMETHEUS, cached_document, prometheus_response
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.v1.metrics.schemas import MetricsQuerySchema, MetricsSchema

blueprint = Blueprint("metrics", __name__, description="Metrics of the service")


@blueprint.route("/metrics")
class MetricsDocument(MethodView):
    """Metrics of all processes together."""

    @blueprint.arguments(MetricsQuerySchema, location="query")
    @blueprint.response(200, MetricsSchema)
    @blueprint.alt_response(200, schema={"type": "string"}, content_type="text/plain", success=True)
    @blueprint.refuses(
        _400="invalid_format, invalid_window, invalid_include, invalid_limit_domains, invalid_limit_batches",
        _500="metrics_error",
    )
    def get(self, query: dict[str, Any]) -> Response:
        """Show counters, states and trends.

        The figures cover all processes on all machines. A JSON document is cached for a second. With `format=prom` the
        other options are ignored, and the response is in the Prometheus text format 0.0.4.
        """
        if query["format"] == PROMETHEUS:
            return Response(prometheus_response(state()), content_type=CONTENT_TYPE)
        return Response(cached_document(state(), query), content_type="application/json")
