"""Domain tags: make, fill, look at, purge."""

from typing import Any

from flask.views import MethodView

from gonemaster_api.errors import BadRequest, NotFound
from gonemaster_api.queries import batches as batch_view
from gonemaster_api.queries import domains as domain_view
from gonemaster_api.rest.blueprint import Blueprint
from gonemaster_api.rest.paging import PagingSchema, slice_of
from gonemaster_api.state import state
from gonemaster_api.use_cases import tags as tag_changes
from gonemaster_api.use_cases.tag_names import check_tag_name
from gonemaster_api.v1.batches.schemas import BatchListQuerySchema, BatchPageSchema
from gonemaster_api.v1.domains.schemas import DomainPageSchema, DomainsOfTagQuerySchema
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
from gonemaster_db.clock import utcnow
from gonemaster_db.errors import TagNotFound
from gonemaster_db.repositories import tags as rows

blueprint = Blueprint("tags", __name__, url_prefix="/tags", description="Sets of domains")


@blueprint.route("")
class Tags(MethodView):
    """All tags."""

    @blueprint.arguments(PagingSchema, location="query")
    @blueprint.response(200, TagSchema(many=True))
    @blueprint.refuses(_400="invalid_limit, invalid_offset")
    def get(self, query: dict[str, Any]) -> Any:
        """List tags by name."""
        part = slice_of(query)
        with state().store.read_only() as session:
            return [tag_changes.document(tag) for tag in rows.list_tags(session, limit=part.limit, offset=part.offset)]

    @blueprint.arguments(NewTagSchema)
    @blueprint.response(201, TagSchema)
    @blueprint.refuses(_400="missing_name, invalid_name", _409="tag_exists")
    def post(self, request_body: dict[str, Any]) -> Any:
        """Make a tag."""
        name, now = request_body["name"].strip(), utcnow()
        if not name:
            raise BadRequest("missing_name", "name is empty")
        check_tag_name(name, code="invalid_name")
        description = request_body["description"]
        state().store.run_in_transaction(
            lambda session: rows.create_tag(session, name, description=description, now=now)
        )
        return _shown(name)


@blueprint.route("/<name>")
class TagByName(MethodView):
    """One tag."""

    @blueprint.arguments(TagChangeSchema)
    @blueprint.response(200, TagSchema)
    @blueprint.refuses(_400="missing_description", _404="not_found")
    def put(self, request_body: dict[str, Any], name: str) -> Any:
        """Describe a tag."""
        description = request_body["description"]
        state().store.run_in_transaction(lambda session: rows.describe_tag(session, name, description))
        return _shown(name)

    @blueprint.response(204)
    @blueprint.refuses(_404="not_found")
    def delete(self, name: str) -> None:
        """Remove a tag and its memberships; domains and runs stay."""
        tag_changes.delete(state(), name, who=who())


@blueprint.route("/<name>/domains")
class DomainsOfTag(MethodView):
    """The domains of a tag."""

    @blueprint.arguments(DomainsOfTagQuerySchema, location="query")
    @blueprint.response(200, DomainPageSchema)
    @blueprint.refuses(_400="invalid_level, invalid_sort, ...", _404="not_found")
    def get(self, query: dict[str, Any], name: str) -> Any:
        """List the domains of a tag."""
        _require(name)
        return domain_view.read_list(state(), query, tag=name)

    @blueprint.arguments(TagDomainsSchema)
    @blueprint.response(204)
    @blueprint.refuses(_400="invalid_name, missing_domains, invalid_domain", _409="reference_gone")
    def post(self, request_body: dict[str, Any], name: str) -> None:
        """Put domains into a tag; both are made where they do not exist."""
        tag_changes.add_domains(state(), name, request_body["domains"])

    @blueprint.arguments(TagDomainsSchema)
    @blueprint.response(204)
    @blueprint.refuses(_400="missing_domains, invalid_domain", _404="not_found")
    def delete(self, request_body: dict[str, Any], name: str) -> None:
        """Take domains out of a tag."""
        tag_changes.remove_domains(state(), name, request_body["domains"])


@blueprint.route("/<name>/summary")
class Summary(MethodView):
    """How the domains of a tag are."""

    @blueprint.response(200, TagSummarySchema)
    @blueprint.refuses(_404="not_found; also for a tag without domains")
    def get(self, name: str) -> Any:
        """Count the newest runs of a tag's domains by level and grade."""
        _require(name)
        try:
            with state().store.read_only() as session:
                return rows.summarise_tag(session, name)
        except TagNotFound as error:
            raise NotFound("domain with the tag", name) from error


@blueprint.route("/<name>/purge")
class PurgeTag(MethodView):
    """The history of a tag's domains removed."""

    @blueprint.response(200, PurgedRunsSchema)
    @blueprint.refuses(_404="not_found")
    def post(self, name: str) -> dict[str, int]:
        """Remove all runs of a tag's domains; unfinished jobs and memberships stay."""
        return {"purged_runs": tag_changes.purge(state(), name, who=who())}


@blueprint.route("/<name>/batches")
class BatchesOfTag(MethodView):
    """The batches of a tag."""

    @blueprint.arguments(BatchListQuerySchema(exclude=("label",)), location="query")
    @blueprint.response(200, BatchPageSchema)
    @blueprint.refuses(_400="invalid_limit, invalid_offset", _404="not_found")
    def get(self, query: dict[str, Any], name: str) -> Any:
        """List the batches submitted from a tag, newest first."""
        _require(name)
        return batch_view.read_list(state(), query | {"label": ""}, tag=name)


@blueprint.route("/<name>/profile")
class ProfileOfTag(MethodView):
    """The default profile of a tag."""

    @blueprint.arguments(TagProfileSchema)
    @blueprint.response(204)
    @blueprint.refuses(_400="invalid_profile_id", _404="not_found, profile_not_found", _409="reference_gone")
    def put(self, request_body: dict[str, Any], name: str) -> None:
        """Set the profile that domains of the tag are tested with by default."""
        tag_changes.set_profile(state(), name, request_body["profile_id"], who=who())

    @blueprint.response(204)
    @blueprint.refuses(_404="not_found")
    def delete(self, name: str) -> None:
        """Let the domains of the tag be tested with the server's default again."""
        tag_changes.set_profile(state(), name, None, who=who())


def _shown(name: str) -> dict[str, Any]:
    with state().store.read_only() as session:
        return tag_changes.document(rows.get_tag(session, name))


def _require(name: str) -> None:
    with state().store.read_only() as session:
        rows.require_tag(session, name)
