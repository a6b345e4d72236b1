"""Route of entries across runs, as pages or as one CSV file."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.runs.entries import entry_filter, read_entries, stream_csv
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.v1.entries.schemas import EntryPageSchema, EntryQuerySchema
from gonemaster_api.web.streaming import stream

blueprint = Blueprint("entries", __name__, url_prefix="/entries", description="Log entries across runs")


@blueprint.route("")
class Entries(MethodView):
    """List of entries, also available as CSV."""

    @blueprint.arguments(EntryQuerySchema, location="query")
    @blueprint.response(200, EntryPageSchema)
    @blueprint.alt_response(200, schema={"type": "string"}, content_type="text/csv", success=True)
    @blueprint.refuses(
        _400="invalid_domain, invalid_level, invalid_after, invalid_format, ...", _503="too_many_streams"
    )
    def get(self, query: dict[str, Any]) -> Any:
        """List entries by run and position; `format=csv` returns all matches instead of a page.

        A page has fewer entries than its limit if their arguments exceed 8 MiB.
        """
        shared = state()
        if query["format"] == "json":
            return read_entries(shared, query)
        response = stream(shared, stream_csv(shared, entry_filter(query)), mimetype="text/csv")
        response.headers["Content-Disposition"] = "attachment; filename=entries.csv"
        return response
