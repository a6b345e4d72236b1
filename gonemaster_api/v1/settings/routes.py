"""Routes of settings: show all, change some."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.settings import read_settings
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.use_cases.settings import save_settings
from gonemaster_api.v1.settings.schemas import SavedSchema, SettingsChangeSchema, SettingsSchema
from gonemaster_api.web.actor import who

blueprint = Blueprint("settings", __name__, url_prefix="/settings", description="Configuration of the service")


@blueprint.route("")
class AllSettings(MethodView):
    """The settings and their changes."""

    @blueprint.response(200, SettingsSchema)
    def get(self) -> dict[str, Any]:
        """Show all settings of the responding process: value, source and allowed values."""
        return read_settings(state())

    @blueprint.arguments(SettingsChangeSchema)
    @blueprint.response(200, SavedSchema)
    @blueprint.refuses(
        _400="invalid_body, unknown_setting, readonly_setting, invalid_setting; nothing is saved",
        _503="broker_unavailable, store_unavailable",
    )
    def put(self, request_body: dict[str, Any]) -> dict[str, Any]:
        """Change settings at run time, all or none; every process applies them within two seconds.

        `pinned` lists the workers that ignore the change because a flag sets the value.
        """
        pinned = save_settings(state(), request_body, who=who())
        return {"status": "ok"} | ({"pinned": pinned} if pinned else {})
