# ruff: noqa: RUF009 - option() is dataclasses.field() with metadata
"""Settings of the access to the service: public API, admin tokens, APIs of other protocols."""

from dataclasses import dataclass
from datetime import timedelta

from gonemaster_tasks.config.address_types import host_names, optional_listen_address
from gonemaster_tasks.config.credential_types import AdminToken, token_hashes
from gonemaster_tasks.config.option_types import boolean, duration, integer
from gonemaster_tasks.config.options import option


@dataclass(frozen=True, kw_only=True)
class AccessOptions:
    """Public API, admin tokens, APIs of other protocols."""

    public_api_rate_limit_enabled: bool = option(
        True,
        boolean(),
        "limit the requests of each client to the public API; clients on this host (loopback) are never limited",
        key="public_api.rate_limit_enabled",
        runtime=True,
    )
    public_api_rate_limit_max: int = option(
        10,
        integer(1, 100000),
        "maximum number of jobs that one client may submit in a window",
        key="public_api.rate_limit_max",
        runtime=True,
    )
    public_api_rate_limit_get_max: int = option(
        600,
        integer(1, 100000),
        "maximum number of read requests (results, lookups, lists) that one client may send in a window",
        key="public_api.rate_limit_get_max",
        runtime=True,
    )
    share_link_max_days: int = option(
        90,
        integer(0, 3650),
        "longest life in days of a link that shows one result to everyone who has it; 0 disables such links",
        runtime=True,
    )
    public_api_rate_limit_window: timedelta = option(
        timedelta(minutes=10),
        duration(),
        "window of the rate limits",
        key="public_api.rate_limit_window",
        runtime=True,
    )
    public_api_analysis_request_timeout: timedelta = option(
        timedelta(seconds=10),
        duration(),
        "time limit of a public analysis request",
        key="public_api.analysis_request_timeout",
    )
    public_api_allow_private_undelegated_ip: bool = option(
        False,
        boolean(),
        "public jobs may supply name server addresses that are not globally reachable, if the server settings and the "
        "profile (net.allow_non_global_targets) allow queries to them",
        key="public_api.allow_private_undelegated_ip",
        runtime=True,
    )
    admin_tokens: tuple[AdminToken, ...] = option(
        (),
        token_hashes(),
        "hashes of admin tokens, in addition to those from `gonemaster-server auth add-token`; reloaded on SIGHUP",
        key="auth.admin_tokens",
        env="ADMIN_TOKEN_HASHES",
        flag="--admin-token-hashes",
        secret=True,
    )
    auth_protect_public: bool = option(
        False,
        boolean(),
        "require a token for the public pages and the public API",
        key="auth.protect_public",
    )
    mcp_enabled: bool = option(False, boolean(), "serve the Model Context Protocol (MCP) at /api/v1/mcp", runtime=True)
    mcp_allow_write: bool = option(
        False,
        boolean(),
        "allow Model Context Protocol tools that change data",
        runtime=True,
    )
    zonemaster_api: bool = option(
        False,
        boolean(),
        "serve the JSON-RPC API of Zonemaster at /zonemaster/api, for programs that were written for Zonemaster",
        runtime=True,
    )
    zonemaster_listen: str = option(
        "",
        optional_listen_address(),
        "second address, on which every path is the JSON-RPC API of Zonemaster, such as 127.0.0.1:5000",
    )
    zonemaster_add_api_user: bool = option(
        False,
        boolean(),
        "allow add_api_user of the JSON-RPC API, which adds users who may submit batches, to clients on this host",
        runtime=True,
    )
    zonemaster_reuse: timedelta = option(
        timedelta(minutes=10),
        duration(),
        "time after the start of a test during which the JSON-RPC API returns it for the same request",
        runtime=True,
    )
    allowed_hosts: tuple[str, ...] = option(
        (),
        host_names(),
        "host names and addresses that the API accepts, in addition to loopback, listen_addr and public_url",
    )
    insecure_open: bool = option(
        False,
        boolean(),
        "allow listening on the network without admin tokens: every machine that reaches the port has full access",
    )
