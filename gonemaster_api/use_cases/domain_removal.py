"""Removal of domains: within the request, or as an operation if too many rows are affected."""

from gonemaster_api.state import State
from gonemaster_db.domains.domain_removal import check_domain_unused, count_prunable
from gonemaster_db.domains.tags import require_tag
from gonemaster_db.models import Operation, OperationKind
from gonemaster_tasks.control import operations
from gonemaster_tasks.maintenance import retention


def delete_domain(state: State, domain_id: int, *, who: str) -> Operation | None:
    """Delete a domain with its runs and its tag memberships.

    Return an operation if it has more runs than one request may delete.

    Raises:
        DomainNotFound: no such domain.
        DomainInUse: one of its jobs is waiting or running; nothing is deleted.
    """
    with state.store.read_only() as session:
        domain = check_domain_unused(session, domain_id)
    if domain.run_count > operations.MAX_ROWS_IN_REQUEST:
        kind, target, details = OperationKind.DELETE_DOMAIN, str(domain_id), {"name": domain.name}
        return operations.start_operation(
            state.queue, kind, target=target, total=domain.run_count, who=who, details=details
        )
    retention.delete_domain(state.store, domain_id, name=domain.name, who=who)
    return None


def count_prunable_domains(state: State, *, tag: str | None) -> int:
    """Count the domains that have neither runs nor unfinished jobs, optionally of one tag. Raises TagNotFound."""
    with state.store.read_only() as session:
        if tag is not None:
            require_tag(session, tag)
        return count_prunable(session, tag=tag)


def prune_domains(state: State, *, tag: str | None, who: str) -> int | Operation:
    """Delete the domains that have neither runs nor unfinished jobs, optionally of one tag; return their number.

    Return an operation if there are more domains than one request may delete.

    Raises:
        TagNotFound: no such tag.
    """
    total = count_prunable_domains(state, tag=tag)
    if total > operations.MAX_ROWS_IN_REQUEST:
        kind = OperationKind.PRUNE_DOMAINS
        return operations.start_operation(state.queue, kind, target=tag or "", total=total, who=who)
    return retention.prune_unused_domains(state.store, tag=tag, who=who)
