"""Routes of the configuration of scores and grades."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.scoring import default_scoring, read_scoring
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.use_cases.scoring_config import replace_scoring
from gonemaster_api.v1.scoring.schemas import ScoringChangeSchema, ScoringConfigSchema
from gonemaster_api.web.actor import who

blueprint = Blueprint(
    "scoring", __name__, url_prefix="/scoring-config", description="Configuration of scores and grades"
)


@blueprint.route("")
class ScoringConfiguration(MethodView):
    """The configuration in effect."""

    @blueprint.response(200, ScoringConfigSchema)
    def get(self) -> Any:
        """Show the configuration in effect."""
        return read_scoring(state())

    @blueprint.done_after_commit
    @blueprint.arguments(ScoringChangeSchema)
    @blueprint.response(200, ScoringConfigSchema)
    @blueprint.refuses(_400="invalid_scoring_config, readonly_setting")
    def put(self, request_body: dict[str, Any]) -> Any:
        """Replace the configuration for scores computed from now on; stored scores are unchanged."""
        return replace_scoring(state(), request_body, who=who())


@blueprint.route("/defaults")
class ScoringDefaults(MethodView):
    """The built-in configuration."""

    @blueprint.response(200, ScoringConfigSchema)
    def get(self) -> Any:
        """Show the built-in configuration."""
        return default_scoring()
