"""Who may call which route: one table, complete by tests/conventions/test_routes.py."""

import enum

from gonemaster_tasks.config.credential_types import Scope

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Access(enum.Enum):
    """Whom a route serves where admin tokens exist; without any, every route is open.

    The values are two scopes: that of safe methods (GET, HEAD, OPTIONS) and that of all others.
    """

    READ = (Scope.READ, None)  # there are no others
    OPERATE = (Scope.READ, Scope.OPERATE)
    OPERATORS = (Scope.OPERATE, Scope.OPERATE)
    ADMIN = (Scope.READ, Scope.ADMIN)  # the rule of whatever has no reason for another one
    ADMINS = (Scope.ADMIN, Scope.ADMIN)
    PUBLIC = "public"  # everyone, unless the operator protects the public pages: then as OPERATE
    ANYONE = "anyone"  # everyone, always: probes, logins and files that carry no data

    def scope(self, method: str, *, protect_public: bool = False) -> Scope | None:
        """Return the scope that a request needs, None if it needs no token.

        Raises:
            LookupError: the rule has no scope for the method; such a request must not be served.
        """
        if self is Access.ANYONE or (self is Access.PUBLIC and not protect_public):
            return None
        safe, other = Access.OPERATE.value if self is Access.PUBLIC else self.value
        found: Scope | None = safe if method in _SAFE_METHODS else other
        if found is None:
            raise LookupError(f"no scope for {method}")
        return found


# By blueprint, or by endpoint where one differs from its blueprint or has none; the endpoint takes precedence.
ACCESS = {
    "jobs": Access.OPERATE,
    "jobs.Purge": Access.ADMIN,
    "batches": Access.OPERATE,
    "batches.BatchById": Access.ADMIN,  # removes results
    "comparison": Access.READ,
    "queue": Access.OPERATE,
    "queue.Audit": Access.OPERATORS,  # has the addresses of clients
    "domains": Access.ADMIN,
    "runs": Access.READ,
    "entries": Access.READ,
    "tags": Access.OPERATE,
    "tags.TagByName": Access.ADMIN,
    "tags.ProfileOfTag": Access.ADMIN,
    "tags.PurgeTag": Access.ADMIN,
    "schedules": Access.OPERATE,
    "operations": Access.READ,
    "metrics": Access.READ,
    "analysis": Access.ADMIN,  # publishes and removes
    "watches": Access.OPERATORS,  # URLs of webhooks are often secrets themselves
    "profiles": Access.ADMIN,
    "profiles.Diff": Access.OPERATE,  # POST for its body, it changes nothing
    "scoring": Access.ADMIN,
    "settings": Access.ADMINS,
    "spec": Access.READ,
    "public_analysis": Access.PUBLIC,
    "public_jobs": Access.PUBLIC,
    "public_lookup": Access.PUBLIC,
    "public_service": Access.PUBLIC,
    "session": Access.ANYONE,
    "login": Access.ANYONE,
    "system": Access.READ,
    "system.Health": Access.ANYONE,
    "system.Readiness": Access.ANYONE,
    "docs": Access.READ,
    "docs.asset": Access.ANYONE,
    "api": Access.READ,
    "api_root": Access.READ,
    "static": Access.ANYONE,
    # Pages: blueprints `ui_*`, and what they share.
    "shell": Access.ANYONE,  # language and theme of a browser
    "shell.strip": Access.READ,
    "ui_analysis": Access.PUBLIC,
    "ui_analysis_courses": Access.PUBLIC,
    "ui_analysis_details": Access.PUBLIC,
    "ui_analysis_diff": Access.PUBLIC,
    "ui_analysis_lists": Access.PUBLIC,
    "ui_audit": Access.OPERATORS,
    "ui_metrics": Access.READ,
    "ui_profiles": Access.ADMIN,
    "ui_queue": Access.OPERATE,
    "ui_scoring": Access.ADMIN,
    "ui_settings": Access.ADMINS,
    "ui_settings.show": Access.READ,  # leads to the part that the token may read
    "ui_batches": Access.READ,
    "ui_batch_changes": Access.OPERATORS,
    "ui_batch_comparison": Access.READ,
    "ui_batch_deletion": Access.ADMINS,
    "ui_new_batch": Access.OPERATORS,
    "ui_tags": Access.READ,
    "ui_tag_changes": Access.OPERATE,
    "ui_tag_owner": Access.ADMINS,
    "ui_cohorts": Access.READ,
    "ui_cohort_changes": Access.ADMINS,
    "ui_cohort_forms": Access.ADMINS,
    "ui_cohort_runs": Access.OPERATORS,
    "ui_snapshots": Access.ADMINS,
    "ui_schedules": Access.OPERATORS,
    "ui_watches": Access.OPERATORS,
    "ui_watch_changes": Access.OPERATORS,
    "ui_public": Access.PUBLIC,
    "ui_public_about": Access.PUBLIC,
    "ui_public_badge": Access.PUBLIC,
    "ui_public_crawlers": Access.PUBLIC,
    "ui_public_crawlers.robots": Access.ANYONE,  # tells them also what they may not read
    "ui_public_result": Access.PUBLIC,
    "ui_test": Access.OPERATORS,  # a form that a reader may not send
    "ui_jobs": Access.OPERATE,
    "ui_jobs.cancel": Access.OPERATORS,  # GET asks
    "ui_recent": Access.OPERATE,
    "ui_domains": Access.OPERATE,
    "ui_domains.tags": Access.OPERATORS,
    "ui_domains.delete": Access.ADMINS,
    "ui_domains.prune": Access.ADMINS,
    "ui_operations": Access.READ,
}


def access_of(endpoint: str) -> Access:
    """Return the rule of an endpoint as Flask names it, `blueprint.View` or `view`.

    Raises:
        KeyError: the table has no rule for it. A route without a rule must not be served, so there is no default.
    """
    return ACCESS[endpoint] if endpoint in ACCESS else ACCESS[endpoint.rpartition(".")[0]]


def access_of_unknown(path: str) -> Access:
    """Return the rule of a path that has no route: what is gated does not say which paths exist."""
    if path == "/api/v1" or path.startswith("/api/"):
        return Access.ADMIN
    return Access.PUBLIC
