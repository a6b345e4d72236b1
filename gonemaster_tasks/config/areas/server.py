# ruff: noqa: RUF009 - option() is dataclasses.field() with metadata
"""Settings of the HTTP server, the logs and the local files."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gonemaster_tasks.config.address_types import http_url, listen_address, networks, page_path
from gonemaster_tasks.config.option_types import boolean, choice, duration, integer, path
from gonemaster_tasks.config.options import option

TAKEN_PATHS = frozenset((
    "analysis", "api", "audit", "batches", "cds-decisions", "cohorts", "domains", "help", "jobs", "login", "logout",
    "operations", "preferences", "pub", "queue", "recent", "rst", "search", "settings", "static", "statistics", "strip",
    "tags", "test", "wall", "watches", "workers", "zonemaster",
))  # fmt: skip
"""First segments of the paths of all other pages and of the API."""


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """HTTP server, logs, local files."""

    listen_addr: str = option(
        "127.0.0.1:8080", listen_address(), "address on which the API listens", env="LISTEN", flag="--listen"
    )
    max_body_size: int = option(1048576, integer(1, 2**31), "maximum size of a request body, in bytes")
    max_batch_body_size: int = option(
        64 * 1048576,
        integer(1, 2**31),
        "maximum size of the request body of a batch submission or a queue order, in bytes",
    )
    max_batch_size: int = option(1_000_000, integer(1, 100_000_000), "maximum number of domains in one batch")
    debug: bool = option(False, boolean(), "log at level debug")
    log_format: str = option("text", choice("text", "json"), "format of log lines")
    log_level: str = option("info", choice("debug", "info", "warn", "error"), "lowest level of log lines")
    otlp_endpoint: str = option(
        "",
        http_url(),
        "URL of the OTLP/HTTP trace collector, such as http://127.0.0.1:4318; requires the extra [otel]",
    )
    read_timeout: timedelta = option(timedelta(seconds=30), duration(), "time limit for the client to send a request")
    write_timeout: timedelta = option(
        timedelta(seconds=60),
        duration(),
        "time limit for a request that changes data (nothing is committed later), and for the client to receive a "
        "response, or in a stream (events, CSV) half of the 256 KiB buffer",
    )
    idle_timeout: timedelta = option(timedelta(seconds=60), duration(), "time after which an idle connection is closed")
    api_processes: int = option(1, integer(1, 64), "number of API processes")
    api_threads: int = option(32, integer(4, 1024), "number of requests that each API process handles at the same time")
    max_viewers: int = option(
        2500, integer(1, 100_000), "maximum number of event streams (of jobs and batches) per API process"
    )
    max_viewers_per_client: int = option(
        100,
        integer(1, 100_000),
        "maximum number of event streams per API process for one client: an IPv4 address or an IPv6 /64",
    )
    trusted_proxy_cidrs: tuple[str, ...] = option((), networks(), "proxies whose X-Forwarded headers are trusted")
    public_url: str = option("", http_url(), "URL at which users reach the service", runtime=True)
    documentation_url: str = option(
        "",
        http_url(),
        "URL of a documentation site with a page for each finding; without it, links lead to /help/ of the service",
        runtime=True,
    )
    public_ui_path: str = option("public/", page_path(TAKEN_PATHS), "path of the public test page")
    shutdown_timeout: timedelta = option(
        timedelta(seconds=10), duration(), "time that open requests have to finish when the API stops"
    )
    start_timeout: timedelta = option(
        timedelta(seconds=60), duration(), "time that each program of the service has to become ready"
    )
    data_dir: Path = option(
        Path("~/.local/share/gonemaster").expanduser(),
        path(),
        "directory of the SQLite database and of the embedded broker",
    )

    @property
    def effective_log_level(self) -> str:
        """The lowest level that is logged, `debug` included."""
        return "debug" if self.debug else self.log_level
