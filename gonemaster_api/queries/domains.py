"""Domains as documents."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import NotFound
from gonemaster_api.queries.searching import name_part
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.rest.tag_names import UNTAGGED
from gonemaster_api.state import State
from gonemaster_db.core.filters import DomainFilter
from gonemaster_db.domains.domain_list import list_domains
from gonemaster_db.domains.domains import find_domain, get_domain
from gonemaster_db.domains.tags import tags_of_domains
from gonemaster_db.models import Domain
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.names import normalize_domain

_COLUMNS = ("id", "name", "latest_run_id", "latest_run_at", "latest_level", "created_at", "run_count")


def read_domain(state: State, domain_id: int) -> dict[str, Any]:
    """Return a domain with its tags. Raises DomainNotFound."""
    with state.store.read_only() as session:
        return _documents(state, session, [get_domain(session, domain_id)])[0]


def read_domain_named(state: State, name: str) -> dict[str, Any]:
    """Return a domain with its tags by its name, in any form that can be normalised.

    Raises:
        NotFound: the domain was neither tested nor tagged, or the name is invalid.
    """
    try:
        stored = normalize_domain(name)
    except InvalidDomain as error:
        raise NotFound("domain", name) from error
    with state.store.read_only() as session:
        found = find_domain(session, stored)
        if found is None:
            raise NotFound("domain", name)
        return _documents(state, session, [found])[0]


def read_domains(state: State, query: Mapping[str, Any], *, tag: str | None = None) -> dict[str, Any]:
    """Return a page of domains, optionally of one tag."""
    part, tag = slice_of(query), tag or query.get("tag")
    criteria = DomainFilter(
        domain_tag=None if tag == UNTAGGED else tag,
        untagged=tag == UNTAGGED,
        name=name_part(query.get("name")),
        level=query.get("level"),
        min_level=query.get("min_level"),
        cause=query.get("cause"),
    )
    with state.store.read_only() as session:
        page = list_domains(session, criteria, sort=query["sort"], limit=part.limit, offset=part.offset)
        items = _documents(state, session, page.items)
    return page_document(items, page.total, part) | {"sort": query["sort"]}


def _documents(state: State, session: Session, domains: Sequence[Domain]) -> list[dict[str, Any]]:
    tags = tags_of_domains(session, [domain.id for domain in domains])
    scored = state.settings.show_score_admin
    return [
        {name: getattr(domain, name) for name in _COLUMNS}
        | {
            "latest_status": domain.latest_status.value if domain.latest_status else None,
            "latest_score": domain.latest_score if scored else None,
            "latest_grade": domain.latest_grade if scored else None,
            "tags": tags.get(domain.id, []),
        }
        for domain in domains
    ]
