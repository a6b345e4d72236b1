# ruff: noqa: RUF009 - _option() is dataclasses.field() with metadata
"""Configuration of tasks, API and server: every value, where it may come from, and what is allowed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from gonemaster_tasks.config import option_types as kinds
from gonemaster_tasks.config.option_types import AdminToken, Kind

PREFIX = "GONEMASTER_"
SOURCES = ("default", "config_file", "environment", "cli_flag")  # and "database", see `stored`


@dataclass(frozen=True)
class Option:
    """How one setting is named and read.

    `name` is the attribute of Settings, `key` the name in files and in the API; `runtime` marks what
    may be changed while the service runs.
    """

    name: str
    key: str
    env: str
    flag: str
    kind: Kind
    default: Any
    about: str
    runtime: bool
    secret: bool

    @property
    def is_switch(self) -> bool:
        """Whether the flag takes no value and has a `--no-` twin."""
        return self.kind.allowed == kinds.TRUE_OR_FALSE


def _option(
    default: Any,
    kind: Kind,
    about: str,
    *,
    key: str = "",
    env: str = "",
    flag: str = "",
    runtime: bool = False,
    secret: bool = False,
) -> Any:
    names = {"key": key, "env": env, "flag": flag}
    about_it = {"kind": kind, "about": about, "runtime": runtime, "secret": secret}
    return field(default=default, metadata=names | about_it)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The effective configuration; made once by `load_settings` and passed down."""

    # Server
    listen_addr: str = _option(
        "127.0.0.1:8080", kinds.listen_address(), "address the API listens on", env="LISTEN", flag="--listen"
    )
    max_body_size: int = _option(1048576, kinds.integer(1, 2**31), "bytes of a request body")
    max_batch_body_size: int = _option(
        64 * 1048576, kinds.integer(1, 2**31), "bytes of the body of a batch, or of an order of the queue"
    )
    max_batch_size: int = _option(1_000_000, kinds.integer(1, 100_000_000), "names in one batch")
    debug: bool = _option(False, kinds.boolean(), "more detail in logs")
    log_format: str = _option("text", kinds.choice("text", "json"), "form of log lines")
    log_level: str = _option("info", kinds.choice("debug", "info", "warn", "error"), "least level logged")
    read_timeout: timedelta = _option(timedelta(seconds=30), kinds.duration(), "to read a request")
    write_timeout: timedelta = _option(timedelta(seconds=60), kinds.duration(), "to answer a request")
    idle_timeout: timedelta = _option(timedelta(seconds=60), kinds.duration(), "of idle connections")
    api_processes: int = _option(1, kinds.integer(1, 64), "processes that answer requests")
    api_threads: int = _option(
        32, kinds.integer(4, 1024), "requests and event streams that one process answers at once"
    )
    trusted_proxy_cidrs: tuple[str, ...] = _option((), kinds.networks(), "proxies whose headers are believed")
    public_url: str = _option("", kinds.public_url(), "address under which others see the service", runtime=True)
    public_ui_path: str = _option("public/", kinds.text(200), "path of the public pages")
    shutdown_timeout: timedelta = _option(
        timedelta(seconds=10), kinds.duration(), "for requests to end when the service stops"
    )
    data_dir: Path = _option(
        Path("~/.local/share/gonemaster").expanduser(),
        kinds.path(),
        "where the embedded parts keep their files",
    )

    # Queue and workers
    broker_url: str = _option(
        "", kinds.broker_url(), "Redis, Valkey or Sentinel; empty for the embedded broker", secret=True
    )
    worker_count: int = _option(
        16, kinds.integer(1, 1024), "slots of one worker process", flag="--workers", runtime=True
    )
    worker_processes: int = _option(
        os.cpu_count() or 1, kinds.integer(1, 1024), "worker processes that the server starts"
    )
    worker_queues: tuple[str, ...] = _option(
        ("normal", "batch", "maintenance"),
        kinds.words("normal", "batch", "maintenance"),
        "queues a worker takes from",
    )
    reserved_normal_slots: int = _option(
        1, kinds.integer(0, 1024), "slots of each process that never take batch jobs", runtime=True
    )
    min_batch_slots: int = _option(
        0, kinds.integer(0, 1024), "slots of each process that take batch jobs first", runtime=True
    )
    max_concurrent_jobs: int = _option(
        0, kinds.integer(0, 1024), "jobs that run at once on all workers, 0 for no limit", runtime=True
    )
    job_timeout_seconds: int = _option(
        300, kinds.integer(1, 3000), "deadline of one run", env="JOB_TIMEOUT", flag="--job-timeout"
    )
    max_attempts: int = _option(3, kinds.integer(1, 100), "starts of one job before it fails")
    lease_seconds: int = _option(30, kinds.integer(2, 3600), "how long a claim holds without renewal")
    reap_interval_seconds: int = _option(60, kinds.integer(1, 3600), "between searches for ended leases")
    reconcile_interval_seconds: int = _option(60, kinds.integer(1, 3600), "between comparisons of broker and database")
    drain_timeout: timedelta = _option(
        timedelta(seconds=30),
        kinds.duration(above_zero=False),
        "for running jobs to end when a worker stops; then they are queued again",
    )
    stuck_job_timeout_minutes: int = _option(
        20,
        kinds.integer(0, 525600),
        "without progress until a job counts as stuck, 0 for never",
        env="STUCK_JOB_TIMEOUT",
        flag="--stuck-job-timeout",
        runtime=True,
    )
    scheduler_enabled: bool = _option(True, kinds.boolean(), "recurring batches", runtime=True)

    # Flower
    flower_listen: str = _option("127.0.0.1:5555", kinds.listen_address(), "address of Flower")
    flower_basic_auth: str = _option(
        "", kinds.login(), "login of Flower; empty: a password is made and shown at the start", secret=True
    )

    # Engine
    cross_job_hot_cache: bool = _option(True, kinds.boolean(), "share answers between jobs", runtime=True)
    cross_job_hot_cache_ttl_seconds: int = _option(
        60,
        kinds.integer(1, 86400),
        "life of shared answers",
        env="CROSS_JOB_HOT_CACHE_TTL",
        flag="--cross-job-hot-cache-ttl",
        runtime=True,
    )
    min_level: str = _option("INFO", kinds.choice(*kinds.LEVELS), "least level that is stored", runtime=True)
    ipv6_mode: str = _option("auto", kinds.choice("auto", "on", "off"), "whether IPv6 is used", runtime=True)
    exclude: tuple[str, ...] = _option((), kinds.words(), "test cases or modules never run")
    profile_path: Path | None = _option(
        None, kinds.readable_file(), "file of the base profile", env="PROFILE", flag="--profile"
    )
    scoring_config_path: Path | None = _option(
        None, kinds.readable_file(), "file of the scoring weights", flag="--scoring-config"
    )
    root_hints_path: Path | None = _option(
        None, kinds.readable_file(), "root hints in zone file form", env="ROOT_HINTS", flag="--root-hints"
    )
    dns_port: int = _option(53, kinds.integer(1, 65535), "port on which name servers are asked")
    allow_non_global: bool = _option(
        False, kinds.boolean(), "base profile allows addresses that are not globally reachable"
    )
    allow_non_global_targets: bool = _option(
        False, kinds.boolean(), "profiles of jobs may allow such addresses", runtime=True
    )
    positive_cache_ttl: int | None = _option(None, kinds.integer(0, 86400), "resolver override, seconds")
    negative_cache_ttl: int | None = _option(None, kinds.integer(0, 86400), "resolver override, seconds")
    timeout: int | None = _option(None, kinds.integer(1, 60), "resolver override, seconds")
    retry: int | None = _option(None, kinds.integer(1, 255), "resolver override")
    retrans: int | None = _option(None, kinds.integer(1, 255), "resolver override, seconds")
    fallback: bool | None = _option(None, kinds.boolean(), "resolver override: TCP after truncation")
    source_addr4: str = _option("", kinds.source_address(4), "local IPv4 address", flag="--sourceaddr4")
    source_addr6: str = _option("", kinds.source_address(6), "local IPv6 address", flag="--sourceaddr6")

    # Store
    db_driver: str = _option(
        "sqlite",
        kinds.choice("sqlite", "postgres"),
        "kind of database",
        key="database.driver",
        flag="--db-driver",
    )
    db_dsn: str = _option(
        "",
        kinds.text(4096),
        "address of the database; for sqlite a file, empty for gonemaster.db in data_dir",
        key="database.dsn",
        flag="--db-dsn",
        secret=True,
    )
    retention_days: int = _option(
        0,
        kinds.integer(0, 36500),
        "age at which runs are removed, 0 to keep them",
        key="database.retention_days",
        flag="--db-retention-days",
        runtime=True,
    )
    purge_interval_seconds: int = _option(
        3600,
        kinds.integer(1, 31536000),
        "between removals of old runs",
        key="database.purge_interval_seconds",
        env="DB_PURGE_INTERVAL",
        flag="--db-purge-interval",
        runtime=True,
    )
    db_max_open_conns: int = _option(
        25, kinds.integer(1, 1000), "connections of one process", key="database.max_open_conns"
    )
    db_max_idle_conns: int = _option(
        5, kinds.integer(0, 1000), "idle connections of one process", key="database.max_idle_conns"
    )
    db_conn_max_lifetime_seconds: int = _option(
        300, kinds.integer(1, 86400), "age of a connection", key="database.conn_max_lifetime_seconds"
    )

    # Public API and access
    public_api_rate_limit_enabled: bool = _option(
        False, kinds.boolean(), "limit public requests", key="public_api.rate_limit_enabled", runtime=True
    )
    public_api_rate_limit_max: int = _option(
        10,
        kinds.integer(1, 100000),
        "jobs of one client per window",
        key="public_api.rate_limit_max",
        runtime=True,
    )
    public_api_rate_limit_get_max: int = _option(
        600,
        kinds.integer(1, 100000),
        "reads of one client per window",
        key="public_api.rate_limit_get_max",
        runtime=True,
    )
    public_api_rate_limit_window: timedelta = _option(
        timedelta(minutes=10),
        kinds.duration(),
        "length of the window",
        key="public_api.rate_limit_window",
        runtime=True,
    )
    public_api_analysis_request_timeout: timedelta = _option(
        timedelta(seconds=10),
        kinds.duration(),
        "for a public analysis request",
        key="public_api.analysis_request_timeout",
    )
    public_api_allow_private_undelegated_ip: bool = _option(
        False,
        kinds.boolean(),
        "public jobs may name private addresses",
        key="public_api.allow_private_undelegated_ip",
        runtime=True,
    )
    admin_tokens: tuple[AdminToken, ...] = _option(
        (),
        kinds.admin_tokens(),
        "digests of the admin tokens",
        key="auth.admin_tokens",
        env="ADMIN_TOKEN_HASHES",
        flag="--admin-token-hashes",
        secret=True,
    )
    auth_protect_public: bool = _option(
        False, kinds.boolean(), "public pages need a token too", key="auth.protect_public"
    )
    mcp_enabled: bool = _option(False, kinds.boolean(), "serve the model context protocol", runtime=True)
    mcp_allow_write: bool = _option(False, kinds.boolean(), "its tools may change things", runtime=True)

    # Display
    show_score_admin: bool = _option(True, kinds.boolean(), "score and grade in the admin API", runtime=True)
    show_score_public: bool = _option(True, kinds.boolean(), "score and grade on the public pages", runtime=True)
    show_nameserver_timings_admin: bool = _option(
        True, kinds.boolean(), "times of name servers in the admin API", runtime=True
    )
    show_nameserver_timings_public: bool = _option(
        True, kinds.boolean(), "times of name servers on the public pages", runtime=True
    )
    show_dnssec_chain_public: bool = _option(
        True, kinds.boolean(), "the DNSSEC chain on the public pages", runtime=True
    )
    show_asn_names_public: bool = _option(True, kinds.boolean(), "names of networks on the public pages", runtime=True)

    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def guard_forced(self) -> bool:
        """Whether no profile of a job may switch the guard against non-global addresses off."""
        return not (self.allow_non_global or self.allow_non_global_targets)

    @property
    def embedded_broker(self) -> bool:
        """Whether the server has to start a broker itself."""
        return not self.broker_url

    @property
    def store_dsn(self) -> str:
        """Address of the database with the default filled in."""
        return self.db_dsn or str(self.data_dir / "gonemaster.db")

    def source(self, key: str) -> str:
        """Say where the value of a key comes from, one of SOURCES."""
        return self.sources.get(key, "default")


def _options() -> tuple[Option, ...]:
    found = []
    for item in fields(Settings):
        if item.metadata:
            data = dict(item.metadata)
            data["key"] = data["key"] or item.name
            plain = data["key"].replace("database.", "db.").replace(".", "_")
            data["env"] = PREFIX + (data["env"] or plain.upper())
            data["flag"] = data["flag"] or "--" + plain.replace("_", "-")
            found.append(Option(name=item.name, default=item.default, **data))
    return tuple(found)


OPTIONS = _options()
INHERITED = PREFIX + "SOURCES"
BY_KEY = {option.key: option for option in OPTIONS}
