"""Routes of policies: store, change, compare, validate."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.policies.documents import (
    ListedPolicy,
    differences,
    policy_document,
    read_policies,
    read_policy,
    read_version,
    read_versions,
)
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.state import state
from gonemaster_api.use_cases.policies.changes import delete_policy, replace_policy, store_policy, validate_policy
from gonemaster_api.v1.policies.schemas import (
    PolicyBodySchema,
    PolicyChangeSchema,
    PolicyDiffQuerySchema,
    PolicyDiffSchema,
    PolicySchema,
    PolicyValidationSchema,
)
from gonemaster_api.web.actor import who

blueprint = Blueprint("policies", __name__, url_prefix="/policies", description="Policies: what passes and what fails")

_BY_NAME = "/<other_than(validate):name>"
_NAME = {"in": "path", "name": "name", "required": True, "schema": {"type": "string", "maxLength": 64}}
_VERSION = {"in": "path", "name": "version", "required": True, "schema": {"type": "string", "maxLength": 32}}


@blueprint.route("")
class Policies(MethodView):
    """Creation and list of policies."""

    @blueprint.response(200, PolicySchema(many=True))
    def get(self) -> Any:
        """List the bundled policies, then the stored ones by name."""
        return [policy_document(found) for found in read_policies(state())]

    @blueprint.arguments(PolicyBodySchema)
    @blueprint.response(201, PolicySchema)
    @blueprint.refuses(_400="invalid_policy", _409="policy_exists")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Store the first version of a policy."""
        return policy_document(store_policy(state(), request_body["document"], who=who()))


@blueprint.route("/validate")
class PolicyValidation(MethodView):
    """Validation of a policy."""

    @blueprint.arguments(PolicyBodySchema)
    @blueprint.response(200, PolicyValidationSchema)
    @blueprint.refuses(_400="invalid_policy")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Validate a policy without storing it; the details of an error list all problems with their paths."""
        policy = validate_policy(state(), request_body["document"])
        return {"document": policy.as_dict(), "notes": list(policy.notes)}


@blueprint.route(_BY_NAME, parameters=[_NAME])
class PolicyByName(MethodView):
    """One policy."""

    @blueprint.response(200, PolicySchema)
    @blueprint.refuses(_404="not_found")
    def get(self, name: str) -> Any:
        """Show the current version of a policy."""
        return policy_document(read_policy(state(), name))

    @blueprint.arguments(PolicyChangeSchema)
    @blueprint.response(200, PolicySchema)
    @blueprint.refuses(_400="invalid_policy", _404="not_found", _409="policy_bundled, policy_changed")
    def put(self, request_body: dict[str, Any], name: str) -> Any:
        """Store a new version of a policy; without changes the current version remains."""
        changed = replace_policy(state(), name, request_body["document"], after=request_body["after"], who=who())
        return policy_document(changed)

    @blueprint.response(204)
    @blueprint.refuses(_404="not_found", _409="policy_bundled")
    def delete(self, name: str) -> None:
        """Delete a policy. Runs keep their verdicts, and waiting jobs still use it."""
        delete_policy(state(), name, who=who())


@blueprint.route(f"{_BY_NAME}/versions", parameters=[_NAME])
class PolicyVersions(MethodView):
    """The versions of a policy."""

    @blueprint.response(200, PolicySchema(many=True))
    @blueprint.refuses(_404="not_found")
    def get(self, name: str) -> Any:
        """List the versions of a policy, newest first."""
        return [policy_document(found) for found in read_versions(state(), name)]


@blueprint.route(f"{_BY_NAME}/versions/<version>", parameters=[_NAME, _VERSION])
class PolicyVersion(MethodView):
    """One version of a policy."""

    @blueprint.response(200, PolicySchema)
    @blueprint.refuses(_404="not_found")
    def get(self, name: str, version: str) -> Any:
        """Show a version of a policy, also of a deleted one."""
        return policy_document(read_version(state(), name, version))


@blueprint.route(f"{_BY_NAME}/diff", parameters=[_NAME])
class PolicyDiff(MethodView):
    """Comparison of policies."""

    @blueprint.arguments(PolicyDiffQuerySchema, location="query")
    @blueprint.response(200, PolicyDiffSchema)
    @blueprint.refuses(_400="invalid_policy", _404="not_found")
    def get(self, query: dict[str, Any], name: str) -> Any:
        """Compare two versions of a policy, or a policy with another one."""
        after = read_version(state(), name, query["to"]) if "to" in query else read_policy(state(), name)
        before = _before(name, after, query)
        return {"before": before, "after": after, "differences": differences(before, after)}


def _before(name: str, after: ListedPolicy, query: dict[str, Any]) -> ListedPolicy:
    if "other" in query:
        return read_policy(state(), query["other"])
    if "from" in query:
        return read_version(state(), name, query["from"])
    if after.is_bundled or after.version == "1":
        return after
    return read_version(state(), name, str(int(after.version) - 1))
