"""Domains that were tested or tagged."""

from typing import Unpack

from gonemaster_client.calls.description import Call, Pages, get
from gonemaster_client.documents import Domain, Run
from gonemaster_client.parameters import GetDomains, GetDomainsDomainIdRuns


def search(**query: Unpack[GetDomains]) -> Pages[Domain]:
    """List domains with the status, level and score of their newest run."""
    return Pages(get("/domains", query=query))


def show(domain_id: int) -> Call[Domain]:
    """Show a domain with its tags."""
    return get("/domains/{}", domain_id)


def runs(domain_id: int, **query: Unpack[GetDomainsDomainIdRuns]) -> Pages[Run]:
    """List the runs of a domain."""
    return Pages(get("/domains/{}/runs", domain_id, query=query))
