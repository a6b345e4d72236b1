"""Routes of profiles: store, compare, repair."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response
from flask.views import MethodView

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.profile_compatibility import compatibility_of
from gonemaster_api.queries.profiles import (
    default_lists,
    diff_config,
    read_profile,
    read_profiles,
    server_default_profile,
)
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.fields import MAX_ID
from gonemaster_api.state import state
from gonemaster_api.use_cases.profiles import (
    remove_profile,
    repair_profile,
    replace_profile,
    review_all_profiles,
    review_profile,
    store_profile,
)
from gonemaster_api.v1.operations.schemas import ACCEPTED, accepted
from gonemaster_api.v1.profiles.schemas import (
    NewProfileSchema,
    ProfileChangeSchema,
    ProfileCompatibilityDetailSchema,
    ProfileCompatibilitySchema,
    ProfileDefaultsSchema,
    ProfileDiffRequestSchema,
    ProfileDiffSchema,
    ProfileSchema,
    ReviewedSchema,
)
from gonemaster_api.web.actor import who
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.profile.repair import (
    add_missing_test_cases,
    add_missing_test_levels,
    reset_test_cases,
    reset_test_levels,
)
from gonemaster_engine.texts import Text

blueprint = Blueprint("profiles", __name__, url_prefix="/profiles", description="Profiles: named sets of test settings")

_REPAIRS: Mapping[str, Callable[[Any], Any]] = {
    "add_missing_test_cases": add_missing_test_cases,
    "add_missing_test_levels": add_missing_test_levels,
    "reset_test_cases": reset_test_cases,
}


_BY_ID = "/<other_than(default, defaults, compatibility, diff, 'mark-all-reviewed'):profile_id>"
_ID_PARAMETER = {
    "in": "path",
    "name": "profile_id",
    "required": True,
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
}


@blueprint.route("")
class Profiles(MethodView):
    """Creation and list of profiles."""

    @blueprint.response(200, ProfileSchema(many=True))
    def get(self) -> Any:
        """List profiles by name."""
        return read_profiles(state())

    @blueprint.arguments(NewProfileSchema)
    @blueprint.response(201, ProfileSchema)
    @blueprint.refuses(_400="invalid_profile", _409="profile_exists")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Store a profile."""
        return store_profile(state(), request_body, who=who())


@blueprint.route("/default")
class DefaultProfile(MethodView):
    """The default profile of the server."""

    @blueprint.response(200, ProfileSchema)
    def get(self) -> Any:
        """Show the complete profile of jobs that do not specify a profile."""
        return server_default_profile(state())


@blueprint.route("/defaults")
class Defaults(MethodView):
    """The engine's default profile."""

    @blueprint.response(200, ProfileDefaultsSchema)
    def get(self) -> Any:
        """Show the test cases and levels with which stored profiles are compared."""
        return default_lists()


@blueprint.route("/compatibility")
class Compatibilities(MethodView):
    """Compatibility of all profiles."""

    @blueprint.response(200, ProfileCompatibilitySchema(many=True))
    def get(self) -> Any:
        """List the compatibility of all profiles with the engine of this server, by name."""
        return [compatibility_of(profile) for profile in read_profiles(state())]


@blueprint.route("/diff")
class ConfigurationDiff(MethodView):
    """Comparison of a configuration."""

    @blueprint.arguments(ProfileDiffRequestSchema)
    @blueprint.response(200, ProfileDiffSchema)
    @blueprint.refuses(_400="invalid_profile, invalid_profile_id", _404="profile_not_found")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Compare a configuration with the server's default, or with a stored profile."""
        return diff_config(state(), request_body["config"] or {}, against=request_body.get("profile_id"))


@blueprint.route("/mark-all-reviewed")
class ProfileReviews(MethodView):
    """Review of all profiles."""

    @blueprint.response(200, ReviewedSchema)
    def post(self) -> dict[str, int]:
        """Mark all profiles as reviewed with the engine version of this server."""
        return {"updated": review_all_profiles(state(), who=who())}


@blueprint.route(_BY_ID, parameters=[_ID_PARAMETER])
class ProfileById(MethodView):
    """One profile."""

    @blueprint.response(200, ProfileSchema)
    @blueprint.refuses(_400="invalid_id", _404="not_found")
    def get(self, profile_id: str) -> Any:
        """Show a profile."""
        return read_profile(state(), _number(profile_id))

    @blueprint.arguments(NewProfileSchema)
    @blueprint.response(200, ProfileSchema)
    @blueprint.refuses(_400="invalid_id, invalid_profile", _404="not_found", _409="profile_exists")
    def put(self, request_body: dict[str, Any], profile_id: str) -> Any:
        """Replace a profile."""
        return replace_profile(state(), _number(profile_id), request_body, who=who())

    @blueprint.arguments(ProfileChangeSchema)
    @blueprint.response(200, ProfileSchema)
    @blueprint.refuses(_400="invalid_id, invalid_op, missing_module, invalid_module, invalid_profile", _404="not_found")
    def patch(self, request_body: dict[str, Any], profile_id: str) -> Any:
        """Repair a profile for the engine of this server, or set or clear its review."""
        number, operation = _number(profile_id), request_body["op"]
        if operation.endswith("_reviewed"):
            return review_profile(state(), number, reviewed=operation == "mark_reviewed", who=who())
        repair = _REPAIRS.get(operation) or _reset_levels(request_body.get("module"))
        return repair_profile(state(), number, operation, repair, who=who())

    @blueprint.response(204)
    @blueprint.alt_response(202, **ACCEPTED)
    @blueprint.refuses(_400="invalid_id", _404="not_found")
    def delete(self, profile_id: str) -> Response | None:
        """Delete a profile. References in tags, jobs and runs are cleared; waiting jobs use the server's default."""
        operation = remove_profile(state(), _number(profile_id), who=who())
        return None if operation is None else accepted(operation)


@blueprint.route(f"{_BY_ID}/compatibility", parameters=[_ID_PARAMETER])
class ProfileCompatibility(MethodView):
    """Compatibility of one profile."""

    @blueprint.response(200, ProfileCompatibilityDetailSchema)
    @blueprint.refuses(_400="invalid_id", _404="not_found")
    def get(self, profile_id: str) -> Any:
        """Show the issues of a profile with the engine of this server."""
        return compatibility_of(read_profile(state(), _number(profile_id)))


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID)) and 0 < int(text) <= MAX_ID:
        return int(text)
    raise BadRequest("invalid_id", Text("a profile id is an integer from 1 to {max_id}", max_id=MAX_ID))


def _reset_levels(module: str | None) -> Callable[[Any], Any]:
    if not module:
        raise BadRequest("missing_module", Text("reset_test_levels requires module"))
    return lambda config: reset_test_levels(config, _known_module(module, config))


def _known_module(module: str, config: Any) -> str:
    """Reject a module that neither the engine nor the profile has; otherwise a misspelt name would repair nothing."""
    levels = config.get("test_levels") if isinstance(config, Mapping) else None
    modules = [str(name).upper() for name in levels] if isinstance(levels, Mapping) else []
    known = default_profile().levels.keys()
    if module.upper() not in {*known, *modules}:
        raise BadRequest(
            "invalid_module",
            Text(
                "unknown module {module}; known modules: {allowed}",
                module=repr(module),
                allowed=", ".join(sorted(known)),
            ),
        )
    return module
