"""Domain tags: sets of domains."""

from collections.abc import Iterable
from typing import Unpack

from gonemaster_client.calls.description import Call, Pages, change, get
from gonemaster_client.documents import Domain, Tag, TagSummary
from gonemaster_client.parameters import GetTagsNameDomains


def search() -> Pages[Tag]:
    """List tags by name."""
    return Pages(get("/tags"))


def create(name: str, *, description: str = "") -> Call[Tag]:
    """Create a tag."""
    body = {"name": name, "description": description}
    return change("POST", "/tags", body=body, is_repeatable=False)  # the second one would fail: the tag exists


def delete(name: str) -> Call[None]:
    """Delete a tag and its memberships; domains and runs remain."""
    return change("DELETE", "/tags/{}", name)


def domains(tag: str, **query: Unpack[GetTagsNameDomains]) -> Pages[Domain]:
    """List the domains of a tag."""
    return Pages(get("/tags/{}/domains", tag, query=query))


def summary(name: str) -> Call[TagSummary]:
    """Count the newest runs of a tag's domains by level and grade."""
    return get("/tags/{}/summary", name)


def add_domains(name: str, domains: Iterable[str]) -> Call[None]:
    """Add domains to a tag; missing domains and a missing tag are created."""
    return change("POST", "/tags/{}/domains", name, body={"domains": list(domains)})


def remove_domains(name: str, domains: Iterable[str]) -> Call[None]:
    """Remove domains from a tag."""
    return change("DELETE", "/tags/{}/domains", name, body={"domains": list(domains)})
