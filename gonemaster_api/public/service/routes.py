"""Routes of languages, profiles, versions and the settings of public pages."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.public.service.schemas import InfoSchema, PublicProfileSchema
from gonemaster_api.queries.health import read_versions
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.v1.system.schemas import LocalesSchema, VersionSchema
from gonemaster_db.domains.profiles import list_profiles
from gonemaster_engine.findings.messages import locales
from gonemaster_engine.testcases.catalogue import select

blueprint = Blueprint("public_service", __name__, description="Public information about the service")


@blueprint.route("/locales")
class Locales(MethodView):
    """Languages."""

    @blueprint.response(200, LocalesSchema)
    def get(self) -> dict[str, list[str]]:
        """List the languages of message texts."""
        return {"locales": locales()}


@blueprint.route("/profiles")
class Profiles(MethodView):
    """Profiles."""

    @blueprint.response(200, PublicProfileSchema(many=True))
    def get(self) -> Any:
        """List the profiles that public jobs may use."""
        with state().store.read_only() as session:
            return list_profiles(session, public_only=True)


@blueprint.route("/version")
class Version(MethodView):
    """Versions."""

    @blueprint.response(200, VersionSchema)
    def get(self) -> Any:
        """Show the versions of this server and of its DNS library, and whether its engine is compiled."""
        return read_versions(), {"Cache-Control": "public, max-age=3600"}


@blueprint.route("/info")
class Info(MethodView):
    """Visible parts of results."""

    @blueprint.response(200, InfoSchema)
    def get(self) -> dict[str, Any]:
        """Show which parts of results are public, and which test cases are never run."""
        settings = state().settings
        excluded = select(settings.exclude) if settings.exclude else ()
        return {name: getattr(settings, name) for name in InfoSchema().fields if name.startswith("show_")} | {
            "excluded_testcases": sorted(case.id for case in excluded)
        }
