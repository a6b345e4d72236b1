"""Settings: show them all, change some."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.settings import read_settings
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.use_cases.settings import save_settings
from gonemaster_api.v1.settings.schemas import SavedSchema, SettingsChangeSchema, SettingsSchema
from gonemaster_api.web.actor import who

blueprint = Blueprint("settings", __name__, url_prefix="/settings", description="How the service is set")


@blueprint.route("")
class AllSettings(MethodView):
    """All settings."""

    @blueprint.response(200, SettingsSchema)
    def get(self) -> dict[str, Any]:
        """Show every setting of the answering process: value, source, and what is allowed."""
        return read_settings(state())

    @blueprint.arguments(SettingsChangeSchema)
    @blueprint.response(200, SavedSchema)
    @blueprint.refuses(
        _400="invalid_body, unknown_setting, readonly_setting, invalid_setting; nothing was saved",
        _503="broker_unavailable, store_unavailable",
    )
    def put(self, request_body: dict[str, Any]) -> dict[str, str]:
        """Change settings while the service runs, all or none, within two seconds in every process."""
        save_settings(state(), request_body, who=who())
        return {"status": "ok"}
