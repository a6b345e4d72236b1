"""Routes of probes, features, locales, storage and versions."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.errors import RETRY_AFTER_S
from gonemaster_api.queries.health import OK, read_readiness, read_versions
from gonemaster_api.queries.metrics.storage import read_storage
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.v1.system.schemas import (
    FeaturesSchema,
    HealthSchema,
    LocalesSchema,
    ReadySchema,
    StorageSchema,
    VersionSchema,
)
from gonemaster_engine.findings.messages import locales

blueprint = Blueprint("system", __name__, description="Version and health of the service")


@blueprint.route("/healthz")
class Health(MethodView):
    """Liveness."""

    @blueprint.response(200, HealthSchema)
    def get(self) -> dict[str, str]:
        """Report that the process responds, regardless of database and broker."""
        return {"status": "ok"}


@blueprint.route("/readyz")
class Readiness(MethodView):
    """Readiness."""

    @blueprint.response(200, ReadySchema)
    @blueprint.alt_response(503, schema=ReadySchema, description="a component is not ready")
    def get(self) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Report whether requests can be served: 200, or 503 with the components that fail.

        `failing` lists issues of the whole service, see `/queue/health`. Only full disks and a full memory of Redis
        make this process unready, because submissions then get 503.
        """
        found, failing = read_readiness(state())
        document = {"parts": found, "failing": failing}
        if all(status == OK for status in found.values()):
            return {"status": "ok", **document}, 200, {}
        return {"status": "unavailable", **document}, 503, {"Retry-After": str(RETRY_AFTER_S)}


@blueprint.route("/features")
class Features(MethodView):
    """Feature flags for user interfaces."""

    @blueprint.response(200, FeaturesSchema)
    def get(self) -> Any:
        """Show the feature flags of this server."""
        return state().settings


@blueprint.route("/locales")
class Locales(MethodView):
    """Languages."""

    @blueprint.response(200, LocalesSchema)
    def get(self) -> dict[str, list[str]]:
        """List the languages of message texts."""
        return {"locales": locales()}


@blueprint.route("/storage")
class Storage(MethodView):
    """Size of the database."""

    @blueprint.response(200, StorageSchema)
    def get(self) -> dict[str, Any]:
        """Show the size of the database by table, its growth per day, and when its disk is full."""
        return read_storage(state())


@blueprint.route("/version")
class Version(MethodView):
    """Versions."""

    @blueprint.response(200, VersionSchema)
    def get(self) -> dict[str, str]:
        """Show the versions of this server and of its DNS library, and whether its engine is compiled."""
        return read_versions()
