"""Who may call which route: one table, complete by tests/conventions/test_routes.py."""

import enum


class Access(enum.Enum):
    """Whom a route serves. Nothing is enforced while no tokens are configured: then every route is open."""

    ADMIN = "admin"  # whoever presents an admin token
    PUBLIC = "public"  # everyone, unless the operator protects the public pages as well
    ANYONE = "anyone"  # everyone, always: probes and files that carry no data


# By blueprint, or by endpoint where one differs from its blueprint or has none; the endpoint takes precedence.
ACCESS = {
    "jobs": Access.ADMIN,
    "batches": Access.ADMIN,
    "comparison": Access.ADMIN,
    "queue": Access.ADMIN,
    "domains": Access.ADMIN,
    "runs": Access.ADMIN,
    "entries": Access.ADMIN,
    "tags": Access.ADMIN,
    "schedules": Access.ADMIN,
    "operations": Access.ADMIN,
    "analysis": Access.ADMIN,
    "watches": Access.ADMIN,
    "profiles": Access.ADMIN,
    "scoring": Access.ADMIN,
    "settings": Access.ADMIN,
    "spec": Access.ADMIN,
    "public_analysis": Access.PUBLIC,
    "system": Access.ADMIN,
    "system.Health": Access.ANYONE,
    "system.Readiness": Access.ANYONE,
    "docs": Access.ADMIN,
    "docs.asset": Access.ANYONE,
    "api": Access.ADMIN,
    "api_root": Access.ADMIN,
    "start": Access.ADMIN,
    "static": Access.ANYONE,
}


def access_of(endpoint: str) -> Access:
    """Return the rule of an endpoint as Flask names it, `blueprint.View` or `view`.

    Raises:
        KeyError: the table has no rule for it. A route without a rule must not be served, so there is no default.
    """
    return ACCESS[endpoint] if endpoint in ACCESS else ACCESS[endpoint.rpartition(".")[0]]
