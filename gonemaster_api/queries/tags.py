"""Domain tags as documents."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gonemaster_api.errors import NotFound
from gonemaster_api.rest.paging import slice_of
from gonemaster_api.state import State
from gonemaster_db.core.errors import TagNotFound
from gonemaster_db.domains import tags
from gonemaster_db.domains.run_domains import count_runs_of_domains
from gonemaster_db.domains.tags import ListedTag, get_tag, list_tag_names, list_tags, require_tag, summarise_tag


def read_tags(state: State, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a page of tags, sorted by name."""
    part = slice_of(query)
    with state.store.read_only() as session:
        return [_document(tag) for tag in list_tags(session, limit=part.limit, offset=part.offset)]


def read_tags_with_profiles(state: State) -> dict[int, list[str]]:
    """Return the names of the tags that have a default profile, by profile id."""
    with state.store.read_only() as session:
        return tags.tags_by_default_profile(session)


def read_tag_names(state: State, *, limit: int) -> list[str]:
    """Return the first tag names for a filter or a field."""
    with state.store.read_only() as session:
        return list(list_tag_names(session, limit=limit))


def count_tags(state: State) -> int:
    """Count the tags."""
    with state.store.read_only() as session:
        return tags.count_tags(session)


def count_runs_of_tag(state: State, name: str) -> int:
    """Count the runs of a tag's domains. Raises TagNotFound."""
    with state.store.read_only() as session:
        require_tag(session, name)
        return count_runs_of_domains(session, part=None, tag=name)


def read_tag(state: State, name: str) -> dict[str, Any]:
    """Return a tag. Raises TagNotFound."""
    with state.store.read_only() as session:
        return _document(get_tag(session, name))


def read_tag_summary(state: State, name: str) -> Any:
    """Count the latest runs of a tag's domains by level and grade.

    Raises:
        TagNotFound: no such tag.
        NotFound: no domain has the tag.
    """
    check_tag_exists(state, name)
    try:
        with state.store.read_only() as session:
            summary = summarise_tag(session, name)
            return summary if state.settings.show_score_admin else replace(summary, grades={})
    except TagNotFound as error:
        raise NotFound("tag with domains", name) from error


def check_tag_exists(state: State, name: str) -> None:
    """Check that a tag exists. Raises TagNotFound."""
    with state.store.read_only() as session:
        require_tag(session, name)


def _document(listed: ListedTag) -> dict[str, Any]:
    tag = listed.tag
    document = {
        "name": tag.name,
        "description": tag.description,
        "created_at": tag.created_at,
        "domain_count": listed.domain_count,
    }
    return document if tag.default_profile_id is None else document | {"default_profile_id": tag.default_profile_id}
