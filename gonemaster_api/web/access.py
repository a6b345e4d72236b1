"""The table of scopes that routes need. tests/conventions/test_routes.py checks that it is complete."""

import enum

from gonemaster_tasks.config.credential_types import Scope

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Access(enum.Enum):
    """The access rule of a route if admin tokens exist; without admin tokens every route is open.

    Each value is a pair of scopes: one for safe methods (GET, HEAD, OPTIONS) and one for all other methods.
    """

    READ = (Scope.READ, None)  # routes with this rule have no other methods
    READERS = (Scope.READ, Scope.READ)  # for views that use POST only for the body
    OPERATE = (Scope.READ, Scope.OPERATE)
    OPERATORS = (Scope.OPERATE, Scope.OPERATE)
    ADMIN = (Scope.READ, Scope.ADMIN)  # the default if there is no reason for another rule
    ADMINS = (Scope.ADMIN, Scope.ADMIN)
    PUBLIC = "public"  # open to everyone; if the operator protects the public pages, the same as OPERATE
    ANYONE = "anyone"  # always open to everyone: probes, logins and files without data

    def scope(self, method: str, *, protect_public: bool = False) -> Scope | None:
        """Return the scope that a request needs, or None if it needs no token.

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


# Keys are blueprints, or endpoints that have no blueprint or differ from it. An endpoint takes precedence.
ACCESS = {
    "jobs": Access.OPERATE,
    "jobs.Purge": Access.ADMIN,
    "batches": Access.OPERATE,
    "batches.BatchById": Access.ADMIN,  # deletes results
    "comparison": Access.READ,
    "queue": Access.OPERATE,
    "queue.Audit": Access.OPERATORS,  # contains IP addresses of clients
    "domains": Access.ADMIN,
    "runs": Access.READ,
    "shares": Access.OPERATORS,  # a link gives others access to a result
    "entries": Access.READ,
    "tags": Access.OPERATE,
    "tags.TagByName": Access.ADMIN,
    "tags.TagProfile": Access.ADMIN,
    "tags.PurgeTag": Access.ADMIN,
    "schedules": Access.OPERATE,
    "operations": Access.READ,
    "metrics": Access.READ,
    "analysis": Access.ADMIN,  # publishes and removes data
    "watches": Access.OPERATORS,  # webhook URLs are often secrets themselves
    "cds_decisions": Access.READ,
    "profiles": Access.ADMIN,
    "profiles.ConfigurationDiff": Access.OPERATE,  # uses POST for its body and changes nothing
    "policies": Access.ADMIN,
    "policies.PolicyValidation": Access.OPERATE,  # uses POST for its body and changes nothing
    "scoring": Access.ADMIN,
    "zone_checks": Access.OPERATE,
    "checks": Access.OPERATORS,
    "rst_checks": Access.OPERATE,
    "settings": Access.ADMINS,
    "tokens": Access.ADMINS,
    "spec": Access.READ,
    "causes": Access.READ,
    "public_analysis": Access.PUBLIC,
    "public_jobs": Access.PUBLIC,
    "public_lookup": Access.PUBLIC,
    "public_service": Access.PUBLIC,
    "zonemaster": Access.PUBLIC,  # batches need a user and key in the request
    "mcp": Access.READERS,  # its tools send separate requests, which need their scopes
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
    # Page blueprints (`ui_*`) and the routes they share.
    "shell": Access.ANYONE,  # stores language and theme in the browser
    "shell.strip": Access.READ,
    "ui_analysis": Access.PUBLIC,
    "ui_analysis_courses": Access.PUBLIC,
    "ui_analysis_details": Access.PUBLIC,
    "ui_analysis_diff": Access.PUBLIC,
    "ui_analysis_lists": Access.PUBLIC,
    "ui_audit": Access.OPERATORS,
    "ui_metrics": Access.READ,
    "ui_policies": Access.ADMIN,
    "ui_profiles": Access.ADMIN,
    "ui_queue": Access.OPERATE,
    "ui_scoring": Access.ADMIN,
    "ui_settings": Access.ADMINS,
    "ui_tokens": Access.ADMINS,
    "ui_settings.storage": Access.READ,
    "ui_settings.show": Access.READ,  # redirects to the part that the token can read
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
    "ui_rollovers": Access.OPERATORS,
    "ui_cds_decisions": Access.READ,
    "ui_help": Access.ANYONE,  # the same texts for everyone, without data
    "ui_public": Access.PUBLIC,
    "ui_public_about": Access.PUBLIC,
    "ui_public_badge": Access.PUBLIC,
    "ui_public_crawlers": Access.PUBLIC,
    "ui_public_crawlers.robots": Access.ANYONE,  # robots.txt also lists the paths that crawlers must not read
    "ui_public_result": Access.PUBLIC,
    "ui_test": Access.OPERATORS,  # a form that a token with scope read cannot submit
    "ui_jobs": Access.OPERATE,
    "ui_jobs.cancel": Access.OPERATORS,  # GET shows the confirmation
    "ui_shares": Access.OPERATORS,
    "ui_public_shared": Access.ANYONE,  # the link is the credential
    "ui_recent": Access.OPERATE,
    "ui_domains": Access.OPERATE,
    "ui_domains.tags": Access.OPERATORS,
    "ui_domains.delete": Access.ADMINS,
    "ui_domains.prune": Access.ADMINS,
    "ui_operations": Access.READ,
    "ui_rst": Access.OPERATE,
    "ui_workers": Access.READ,
    "ui_search": Access.READ,
    "ui_wall": Access.READ,
}


def access_of(endpoint: str) -> Access:
    """Return the rule of a Flask endpoint, `blueprint.View` or `view`.

    Raises:
        KeyError: the table has no rule for the endpoint. There is no default, because such a route must not be served.
    """
    return ACCESS[endpoint] if endpoint in ACCESS else ACCESS[endpoint.rpartition(".")[0]]


def access_of_unknown(path: str) -> Access:
    """Return the rule for a path that has no route. Gated paths must not reveal which routes exist."""
    if path == "/api/v1/mcp":  # clients try GET and DELETE, and continue after a 405
        return Access.READERS
    if path == "/api/v1" or path.startswith("/api/"):
        return Access.ADMIN
    return Access.PUBLIC
