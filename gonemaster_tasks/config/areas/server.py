# ruff: noqa: RUF009 - option() is dataclasses.field() with metadata
"""Settings of the HTTP server, the logs and the local files."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gonemaster_tasks.config.address_types import http_url, listen_address, networks
from gonemaster_tasks.config.areas.display import PUBLIC_PAGES
from gonemaster_tasks.config.option_types import boolean, choice, duration, integer, path, text
from gonemaster_tasks.config.options import option


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
    max_batch_size: int = option(1_000_000, integer(1, 100_000_000), "maximum number of domain names in one batch")
    debug: bool = option(False, boolean(), "log at level debug")
    log_format: str = option("text", choice("text", "json"), "format of log lines")
    log_level: str = option("info", choice("debug", "info", "warn", "error"), "lowest level that is logged")
    read_timeout: timedelta = option(timedelta(seconds=30), duration(), "time limit for the client to send a request")
    write_timeout: timedelta = option(
        timedelta(seconds=60),
        duration(),
        "time limit for the client to take a whole response, from its first byte; in a stream (events, CSV), to take "
        "half of what the buffer of 256 KiB holds",
    )
    idle_timeout: timedelta = option(timedelta(seconds=60), duration(), "how long an idle connection is kept open")
    api_processes: int = option(1, integer(1, 64), "number of API processes")
    api_threads: int = option(32, integer(4, 1024), "requests and event streams that each API process serves at once")
    trusted_proxy_cidrs: tuple[str, ...] = option((), networks(), "proxies whose X-Forwarded headers are trusted")
    public_url: str = option("", http_url(), "URL under which users reach the service", runtime=True)
    public_ui_path: str = option("public/", text(200), "path of the public pages", awaits=PUBLIC_PAGES)
    shutdown_timeout: timedelta = option(
        timedelta(seconds=10), duration(), "how long the API waits at shutdown for requests to finish"
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
