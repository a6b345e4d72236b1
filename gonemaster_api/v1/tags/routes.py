"""Routes of domain tags: create, assign, show, purge, delete."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.queries.batches.batches import read_batches
from gonemaster_api.queries.domains import read_domains
from gonemaster_api.queries.tags import check_tag_exists, read_tag, read_tag_summary, read_tags
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.paging import PagingSchema
from gonemaster_api.state import state
from gonemaster_api.use_cases.tags import (
    add_domains_to_tag,
    change_description,
    make_tag,
    purge_tag,
    remove_domains_from_tag,
    remove_tag,
    set_tag_profile,
)
from gonemaster_api.v1.batches.schemas import BatchListQuerySchema, BatchPageSchema
from gonemaster_api.v1.domains.schemas import DomainPageSchema, DomainsOfTagQuerySchema
from gonemaster_api.v1.operations.schemas import ACCEPTED, accepted
from gonemaster_api.v1.tags.schemas import (
    NewTagSchema,
    PurgedRunsSchema,
    TagChangeSchema,
    TagDomainsSchema,
    TagProfileSchema,
    TagSchema,
    TagSummarySchema,
)
from gonemaster_api.web.actor import who
from gonemaster_db.models import Operation

blueprint = Blueprint("tags", __name__, url_prefix="/tags", description="Sets of domains")


@blueprint.route("")
class Tags(MethodView):
    """Creation and list of tags."""

    @blueprint.arguments(PagingSchema, location="query")
    @blueprint.response(200, TagSchema(many=True))
    @blueprint.refuses(_400="invalid_limit, invalid_offset, invalid_cursor")
    def get(self, query: dict[str, Any]) -> Any:
        """List tags by name."""
        return read_tags(state(), query)

    @blueprint.arguments(NewTagSchema)
    @blueprint.response(201, TagSchema)
    @blueprint.refuses(_400="missing_name, invalid_name", _409="tag_exists")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Create a tag."""
        shared, name = state(), request_body["name"].strip()
        make_tag(shared, name, request_body["description"])
        return read_tag(shared, name)


@blueprint.route("/<name>")
class TagByName(MethodView):
    """One tag."""

    @blueprint.arguments(TagChangeSchema)
    @blueprint.response(200, TagSchema)
    @blueprint.refuses(_400="missing_description", _404="not_found")
    def put(self, request_body: dict[str, Any], name: str) -> Any:
        """Change the description of a tag."""
        shared = state()
        change_description(shared, name, request_body["description"])
        return read_tag(shared, name)

    @blueprint.done_after_commit
    @blueprint.response(204)
    @blueprint.refuses(_404="not_found", _409="tag_in_use: a cohort is made from it")
    def delete(self, name: str) -> None:
        """Delete a tag and its memberships; domains and runs are kept."""
        remove_tag(state(), name, who=who())


@blueprint.route("/<name>/domains")
class DomainsOfTag(MethodView):
    """The domains of a tag."""

    @blueprint.arguments(DomainsOfTagQuerySchema, location="query")
    @blueprint.response(200, DomainPageSchema)
    @blueprint.refuses(_400="invalid_level, invalid_sort, ...", _404="not_found")
    def get(self, query: dict[str, Any], name: str) -> Any:
        """List the domains of a tag."""
        shared = state()
        check_tag_exists(shared, name)
        return read_domains(shared, query, tag=name)

    @blueprint.arguments(TagDomainsSchema)
    @blueprint.response(204)
    @blueprint.refuses(_400="invalid_name, missing_domains, invalid_domain", _409="reference_gone")
    def post(self, request_body: dict[str, Any], name: str) -> None:
        """Add domains to a tag; missing domains and a missing tag are created."""
        add_domains_to_tag(state(), name, request_body["domains"])

    @blueprint.arguments(TagDomainsSchema)
    @blueprint.response(204)
    @blueprint.refuses(_400="missing_domains, invalid_domain", _404="not_found")
    def delete(self, request_body: dict[str, Any], name: str) -> None:
        """Remove domains from a tag."""
        remove_domains_from_tag(state(), name, request_body["domains"])


@blueprint.route("/<name>/summary")
class Summary(MethodView):
    """Summary of a tag."""

    @blueprint.response(200, TagSummarySchema)
    @blueprint.refuses(_404="not_found; also for a tag with no domains")
    def get(self, name: str) -> Any:
        """Count the latest runs of a tag's domains by level and grade."""
        return read_tag_summary(state(), name)


@blueprint.route("/<name>/purge")
class PurgeTag(MethodView):
    """Deletion of the runs of a tag."""

    @blueprint.done_after_commit
    @blueprint.response(200, PurgedRunsSchema)
    @blueprint.alt_response(202, **ACCEPTED)
    @blueprint.refuses(_404="not_found")
    def post(self, name: str) -> Any:
        """Delete all runs of a tag's domains; unfinished jobs and memberships are kept."""
        purged = purge_tag(state(), name, who=who())
        return accepted(purged) if isinstance(purged, Operation) else {"purged_runs": purged}


@blueprint.route("/<name>/batches")
class TagBatches(MethodView):
    """The batches of a tag."""

    @blueprint.arguments(BatchListQuerySchema(exclude=("label", "search")), location="query")
    @blueprint.response(200, BatchPageSchema)
    @blueprint.refuses(_400="invalid_limit, invalid_offset, invalid_cursor", _404="not_found")
    def get(self, query: dict[str, Any], name: str) -> Any:
        """List the batches submitted from a tag, newest first."""
        shared = state()
        check_tag_exists(shared, name)
        return read_batches(shared, query | {"label": ""}, tag=name)


@blueprint.route("/<name>/profile")
class TagProfile(MethodView):
    """The default profile of a tag."""

    @blueprint.arguments(TagProfileSchema)
    @blueprint.response(204)
    @blueprint.refuses(_400="invalid_profile_id", _404="not_found, profile_not_found", _409="reference_gone")
    def put(self, request_body: dict[str, Any], name: str) -> None:
        """Set the default profile of a tag's domains."""
        set_tag_profile(state(), name, request_body["profile_id"], who=who())

    @blueprint.response(204)
    @blueprint.refuses(_404="not_found")
    def delete(self, name: str) -> None:
        """Clear the default profile of a tag's domains."""
        set_tag_profile(state(), name, None, who=who())
