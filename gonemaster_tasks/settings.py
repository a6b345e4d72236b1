# ruff: noqa: RUF009 - _option() is dataclasses.field() with metadata
"""Configuration of tasks, API and server: every value, where it may come from, and what is allowed."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from gonemaster_tasks import kinds
from gonemaster_tasks.errors import SettingsError
from gonemaster_tasks.kinds import AdminToken, Kind

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
_LOGIN = re.compile(r"(://[^:@/?#;]*:)(?:(?!;\w+://).)*@")  # as far as the last @ of an address
_WORD = re.compile(r"(\b(?:ssl)?password\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s&]+)")
INHERITED = PREFIX + "SOURCES"
_OPAQUE = frozenset({"admin_tokens", "flower_basic_auth"})  # nothing of these is shown
BY_KEY = {option.key: option for option in OPTIONS}


def load_settings(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Merge defaults < JSON file < GONEMASTER_* < flags.

    `flags` maps keys or attribute names to values, None where a flag was not given. The file may nest
    (`{"database": {"driver": ...}}`) or spell keys with dots; GONEMASTER_CONFIG names one too.

    Raises:
        SettingsError: one problem for each value that cannot be taken.
    """
    environ = os.environ if environ is None else environ
    if file is None and environ.get(PREFIX + "CONFIG"):
        file = Path(environ[PREFIX + "CONFIG"])
    problems: list[str] = []
    raw = {
        "config_file": _from_file(file, problems),
        "environment": {option.key: environ[option.env] for option in OPTIONS if option.env in environ},
        "cli_flag": _from_flags(flags or {}, problems),
    }
    inherited = _inherited_sources(environ)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source in SOURCES[1:]:
        for key, value in raw[source].items():
            option = BY_KEY[key]
            values[option.name] = read_value(option, value, source, problems)
            sources[key] = inherited.get(key, source) if source == "environment" else source
    if not problems:
        settings = Settings(**values, sources=sources)
        problems += _contradictions(settings)
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def _inherited_sources(environ: Mapping[str, str]) -> dict[str, str]:
    """Return where the process that made the environment had its values from, see `to_environ`."""
    pairs = (item.partition("=") for item in environ.get(INHERITED, "").split(","))
    return {key: source for key, _, source in pairs if source in SOURCES}


def read_value(option: Option, raw: object, source: str, problems: list[str]) -> Any:
    """Return the value that something raw means; what is not allowed is told in `problems`."""
    try:
        value = option.kind.read(raw)
    except (ValueError, TypeError, OverflowError):
        shown = repr(mask_password(raw) if isinstance(raw, str) else raw)
        if option.name in _OPAQUE:
            shown = "***"
        name = {"environment": option.env, "cli_flag": option.flag}.get(source, option.key)
        problems.append(f"{name} is {shown}, allowed is {option.kind.allowed}")
        return option.default
    return option.default if value is None else value


def _from_file(file: Path | None, problems: list[str]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"configuration file {file} cannot be read: {error}")
        return {}
    if not isinstance(content, dict):
        problems.append(f"configuration file {file} does not contain a JSON object")
        return {}
    found = dict(_flattened(content))
    problems.extend(f"configuration file {file}: unknown key {key}" for key in found if key not in BY_KEY)
    return {key: value for key, value in found.items() if key in BY_KEY}


def _flattened(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, value in content.items():
        if isinstance(value, dict):
            flat += _flattened(value, f"{prefix}{key}.")
        else:
            flat.append((prefix + key, value))
    return flat


def _from_flags(flags: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    keys = {option.name: option.key for option in OPTIONS}
    given = {keys.get(name, name): value for name, value in flags.items() if value is not None}
    problems.extend(f"unknown setting {key}" for key in given if key not in BY_KEY)
    return {key: value for key, value in given.items() if key in BY_KEY}


def _contradictions(settings: Settings) -> list[str]:
    """Check what involves more than one value."""
    problems = []
    if settings.db_driver == "postgres" and not settings.db_dsn:
        problems.append("database.dsn is empty, allowed is the address of a database when database.driver is postgres")
    if settings.auth_protect_public and not settings.admin_tokens:
        problems.append("auth.protect_public is true, allowed is that only with auth.admin_tokens")
    if settings.public_api_analysis_request_timeout >= settings.write_timeout:
        problems.append("public_api.analysis_request_timeout is not below write_timeout")
    return problems


def dump(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return {key: {value, source}} for people to read; passwords and digests are masked."""
    return {
        option.key: {
            "value": masked_value(option, getattr(settings, option.name)),
            "source": settings.source(option.key),
        }
        for option in OPTIONS
    }


def to_environ(settings: Settings) -> dict[str, str]:
    """Return the variables that make `load_settings` in a child process arrive at the same values and sources."""
    given = [
        option
        for option in OPTIONS
        if getattr(settings, option.name) != option.default
        or (settings.source(option.key) != "default" and option.default is not None)
    ]
    sources = ",".join(f"{option.key}={settings.source(option.key)}" for option in given)
    return {option.env: as_text(getattr(settings, option.name)) for option in given} | {INHERITED: sources}


def masked_value(option: Option, value: Any) -> Any:
    """Return a value in JSON form; passwords and digests are masked."""
    if option.name == "admin_tokens":
        return [{"label": token.label, "scopes": list(token.scopes)} for token in value]
    if option.name in _OPAQUE:
        return "***" if value else ""
    if option.secret:
        return mask_password(value)
    if isinstance(value, timedelta | Path):
        return as_text(value)
    return list(value) if isinstance(value, tuple) else value


def mask_password(address: str) -> str:
    """Replace the passwords in URLs, or in a `key=value` database address, by asterisks."""
    return _WORD.sub(r"\1***", _LOGIN.sub(r"\1***@", address))


def as_text(value: Any) -> str:
    """Return a value as it is written in a variable."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, tuple):
        return ",".join(as_text(item) for item in value)
    if isinstance(value, AdminToken):
        return f"{value.label}={value.hash}" if value.label else value.hash
    return str(value)
