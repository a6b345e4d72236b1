"""The service of a lab: its hosts, and the processes on each."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import find_server
from gonemaster_tasks.errors import TasksError
from tests.distributed.lab.web import Api
from tests.support.faketime import stepping_clock, wrong_clock
from tests.support.networks import Host, Switch, network
from tests.support.postgres import QUICK, USER, PostgresServer, account, find_binaries
from tests.support.workers import ROOT, STAND_IN, wait_until

SLOTS = 4  # of each worker host
START_S = 240
SOUND_S = 90  # reconciler and reaper have run by then
_LOOK_S = 0.5
_POSTGRES, _REDIS, _SENTINEL, _POOLER = 5432, 6379, 26379, 6432
_MASTER, _DATABASE = "lab", "db.lab"
# Commits wait for a synchronous standby if there is one; the tests do not depend on durable disks.
_WAITING = {**QUICK, "synchronous_commit": "on"}
_POOLER_PROGRAM = "/usr/sbin/pgbouncer"


@dataclass(frozen=True)
class Shape:
    """The parts of a lab in addition to one PostgreSQL and one Redis."""

    workers: int = 3
    apis: int = 2
    beats: int = 2
    lease_s: int = 15  # the default
    standby: bool = False  # a second host of PostgreSQL, which follows the first
    by_name: bool = False  # processes know the database by a name that changes with `Lab.name_database`
    sentinels: bool = False  # a second host of Redis, and three Sentinels
    pooler: bool = False  # PgBouncer in front of PostgreSQL
    wrong_clocks: tuple[tuple[str, float], ...] = ()  # hosts, and how many seconds their clocks are ahead
    stepping_clocks: tuple[str, ...] = ()  # hosts whose clocks `Lab.step_clock` changes
    disks: tuple[tuple[str, str], ...] = ()  # hosts of data, and the size of their disk, such as 64m

    @property
    def names(self) -> list[str]:
        """Return the names of all hosts."""
        many = [("api", self.apis), ("beat", self.beats), ("worker", self.workers)]
        many += [("db", 1 + self.standby), ("redis", 1 + self.sentinels)]
        numbered = [f"{kind}{number}" for kind, count in many for number in range(1, count + 1)]
        return numbered + ["witness"] * self.sentinels + ["pool"] * self.pooler


@dataclass
class Lab:
    """A working service. `stack` stops the started processes."""

    shape: Shape
    directory: Path
    stack: ExitStack
    hosts: dict[str, Host] = field(default_factory=dict)
    databases: list[PostgresServer] = field(default_factory=list)
    programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    database: str = ""
    trials: int = 0

    # The parts of the lab

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    @property
    def apis(self) -> list[Api]:
        """Return the hosts of the API, as clients reach them."""
        return [Api(name, host.address) for name, host in self.hosts.items() if name.startswith("api")]

    @property
    def workers(self) -> list[str]:
        """The names of the worker hosts."""
        return [name for name in self.hosts if name.startswith("worker")]

    def store(self) -> Store:
        """Return the database, bypassing the pooler."""
        return open_store(StoreSettings(driver="postgres", dsn=self._dsn(direct=True)))

    def broker(self) -> Broker:
        """Return the broker, as the processes reach it."""
        return Broker.open(self._broker_url())

    def redis(self, name: str) -> Any:
        """Return a client of a Redis for its administrator."""
        return redis.Redis(self[name].address, _REDIS, socket_timeout=20)

    def step_clock(self, name: str, ahead_s: float) -> None:
        """Set the clock of a host to this many seconds ahead of the right time."""
        self._clock(name).write_text(f"{ahead_s:+g}\n")

    def _clock(self, name: str) -> Path:
        return self.directory / f"clock-{name}"

    def name_database(self, host: str) -> None:
        """Let the name of the database be that of a host from now on."""
        self._names.write_text(f"127.0.0.1 localhost\n{self[host].address} {_DATABASE}\n")

    @property
    def _names(self) -> Path:
        return self.directory / "names"

    def starts(self) -> list[dict[str, Any]]:
        """Return the starts by workers in order."""
        file = self.directory / "starts.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def log(self, name: str) -> str:
        """Return the logs of a host's programs."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def complaints(self) -> list[str]:
        """Return the problems: missing processes, and health issues other than the clocks that are wrong on purpose."""
        expected = {"clock_skew"} if self.shape.wrong_clocks else set()
        found = []
        for api in self.apis:
            health, queue = api.get("/queue/health"), api.get("/queue")
            if health.status != 200 or queue.status != 200:
                found.append(f"{api.name} answers {health.code}, {queue.code}")
                continue
            kinds = {issue["kind"]: issue["text"] for issue in health.document["issues"]}
            found += [f"{kind}: {text}" for kind, text in kinds.items() if kind not in expected]
            found += [f"{kind} is missing" for kind in expected - kinds.keys()]
            workers = len(queue.document["workers"])
            if workers != self.shape.workers:
                found.append(f"{workers} workers in place of {self.shape.workers}")
        return found

    def _is_sound(self) -> bool:
        time.sleep(_LOOK_S)  # polling costs CPU
        return not self.complaints()

    def becomes_sound(self) -> bool:
        """Wait until the effects of a fault have ended; some of them are reported for a long time."""
        end = time.monotonic() + SOUND_S
        while time.monotonic() < end:
            if self._is_sound():
                return True
        return False

    def _wait_for_start(self) -> None:
        try:
            wait_until(self._is_sound, within_s=START_S, what="a sound service")
        except AssertionError as error:
            ends = [
                f"{file.stem}:\n{file.read_text(errors='replace')[-1500:]}" for file in self.directory.glob("*.log")
            ]
            raise AssertionError("\n".join([*self.complaints(), *ends])) from error

    def start(self, name: str) -> None:
        """Start the processes of an API, beat or worker host."""
        kind = name.rstrip("0123456789")
        modules = {
            "api": ["gonemaster_api.server", "api"],
            "beat": ["gonemaster_tasks.maintenance.beat"],
            "worker": [STAND_IN, "--name", name],
        }
        supervisor = ["sh", "-c", 'until "$@"; do :; done', "sh"] if kind == "worker" else []
        ahead_s = dict(self.shape.wrong_clocks).get(name)
        environ = self._environ(name) | (wrong_clock(ahead_s) if ahead_s else {})
        if name in self.shape.stepping_clocks:
            self.step_clock(name, 0)
            environ |= stepping_clock(self._clock(name))
        self._start(name, [*supervisor, sys.executable, "-m", *modules[kind]], environ)

    def restart(self, name: str) -> None:
        """Restart everything on a host that lost its power. A Redis host finds its data, and its Sentinel its state."""
        self.hosts[name].power_on()
        if name.startswith("redis"):
            self._start_redis(name)
            if self.shape.sentinels:
                self._start_sentinel(name)
        else:
            self.start(name)

    def master(self) -> str:
        """Return the host of the Redis that accepts writes, according to the Sentinels."""
        with closing(redis.Redis(self["witness"].address, _SENTINEL, socket_timeout=20)) as sentinel:
            answer: Any = sentinel.sentinel_get_master_addr_by_name(_MASTER)
        return next(name for name, host in self.hosts.items() if host.address == answer[0].decode())

    def redis_data(self, name: str) -> Path:
        """Return the data directory of a Redis."""
        return self.directory / f"data-{name}"

    # Construction

    def make(self) -> None:
        """Start everything, and wait until it works."""
        switch = self.stack.enter_context(network())
        for name in self.shape.names:
            self._make_host(switch, name)
        self._make_databases()
        for name in self.hosts:
            if name.startswith("redis"):
                self._start_redis(name)
        if self.shape.sentinels:
            for name in ("redis1", "redis2", "witness"):
                self._start_sentinel(name)
        if self.shape.pooler:
            self._start_pooler()
        store = self.store()
        upgrade(store)
        store.close()
        wait_until(self._broker_answers, what="the broker")
        for name in self.hosts:
            if name.startswith(("api", "beat", "worker")):
                self.start(name)
        self._wait_for_start()

    def _make_host(self, switch: Switch, name: str) -> None:
        host = self.hosts[name] = Host(switch, name)
        self.stack.callback(host.end)
        if self.shape.by_name:
            self._names.touch()
            host.run("mount", "--bind", str(self._names), "/etc/hosts")

    def _make_databases(self) -> None:
        disk = dict(self.shape.disks).get("db1", "")
        self.name_database("db1")
        primary = PostgresServer(_WAITING, on=self["db1"], disk=disk)
        self.databases.append(self.stack.enter_context(primary))
        self.database = primary.create_database()
        if self.shape.standby:
            if not (find_binaries() / "pg_basebackup").exists():
                pytest.skip("this PostgreSQL has no pg_basebackup to make a standby")
            standby = PostgresServer(_WAITING, on=self["db2"], standby_of=primary)
            self.databases.append(self.stack.enter_context(standby))

    def _start_redis(self, name: str) -> None:
        data = self.redis_data(name)
        data.mkdir(exist_ok=True)
        if size := dict(self.shape.disks).get(name):
            self[name].mount_disk(data, size)
        options = {
            "bind": "0.0.0.0",
            "port": str(_REDIS),
            "protected-mode": "no",
            "dir": str(data),
            "appendonly": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        if name != "redis1":
            options["replicaof"] = f"{self['redis1'].address} {_REDIS}"
        words = [word for key, value in options.items() for word in (f"--{key}", *value.split(" "))]
        self._start(name, [find_server(), *words])

    def _start_sentinel(self, name: str) -> None:
        file = self.directory / f"sentinel-{name}.conf"  # the Sentinel stores its state there
        known = (
            f"port {_SENTINEL}\nprotected-mode no\nsentinel monitor {_MASTER} {self['redis1'].address} {_REDIS} 2\n"
            f"sentinel down-after-milliseconds {_MASTER} 5000\nsentinel failover-timeout {_MASTER} 20000\n"
        )
        if not file.exists():
            file.write_text(known)
        self._start(f"{name}-sentinel", [find_server(), str(file), "--sentinel"], on=name)

    def _start_pooler(self) -> None:
        if shutil.which(_POOLER_PROGRAM) is None:
            pytest.skip("PgBouncer is not installed (Debian: pgbouncer)")
        file = self.directory / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n{self.database} = host={self['db1'].address} port={_POSTGRES} user={USER}\n[pgbouncer]\n"
            f"listen_addr = 0.0.0.0\nlisten_port = {_POOLER}\nunix_socket_dir =\nauth_type = any\n"
            "pool_mode = transaction\nignore_startup_parameters = options\nmax_client_conn = 500\n"
            # As in docs/howto/scale-out.md.
            "tcp_user_timeout = 10000\ntcp_keepidle = 4\ntcp_keepintvl = 4\ntcp_keepcnt = 2\n"
            "server_connect_timeout = 5\nquery_wait_timeout = 15\nserver_login_retry = 1\n"
        )
        self._start("pool", [*_as_other_user(), _POOLER_PROGRAM, str(file)])

    def _start(
        self, name: str, command: list[str | Path], environ: dict[str, str] | None = None, *, on: str = ""
    ) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            host = self.hosts[on or name]
            self.programs[name] = host.start_program(command, log, environ=environ or {}, cwd=ROOT)

    def _environ(self, name: str) -> dict[str, str]:
        return {
            "GONEMASTER_BROKER_URL": self._broker_url(),
            "GONEMASTER_DB_DRIVER": "postgres",
            "GONEMASTER_DB_DSN": self._dsn(direct=False),
            "GONEMASTER_DATA_DIR": str(self.directory / f"data-{name}"),
            "GONEMASTER_LISTEN": f"0.0.0.0:{Api.PORT}",
            "GONEMASTER_INSECURE_OPEN": "true",
            "GONEMASTER_WORKER_COUNT": str(SLOTS),
            "GONEMASTER_LEASE_SECONDS": str(self.shape.lease_s),
            "GONEMASTER_TEST_STARTS": str(self.directory / "starts.jsonl"),
        }

    def _dsn(self, *, direct: bool) -> str:
        """Return all hosts of the database, from which clients choose the writable one; or the pooler."""
        names = [name for name in self.hosts if name.startswith("db")]
        if self.shape.pooler and not direct:
            return f"host={self['pool'].address} port={_POOLER} user={USER} dbname={self.database}"
        if self.shape.by_name and not direct:
            return f"host={_DATABASE} port={_POSTGRES} user={USER} dbname={self.database}"
        addresses = ",".join(self[name].address for name in names)
        return f"host={addresses} port={_POSTGRES} user={USER} dbname={self.database}"

    def _broker_url(self) -> str:
        if not self.shape.sentinels:
            return f"redis://{self['redis1'].address}:{_REDIS}/0"
        hosts = ";".join(f"sentinel://{self[name].address}:{_SENTINEL}" for name in ("redis1", "redis2", "witness"))
        return f"{hosts}/0?master_name={_MASTER}"

    def _broker_answers(self) -> bool:
        broker = self.broker()
        try:
            broker.ping()
        except TasksError:  # not ready yet, or a Sentinel that does not know a master
            return False
        else:
            return True
        finally:
            broker.close()


@contextmanager
def open_lab(shape: Shape) -> Iterator[Lab]:
    """Open a lab for a block; everything is removed afterwards. Skip the test if a lab is not possible here."""
    # Socket paths must be short, and readable for the accounts of PostgreSQL and PgBouncer.
    with tempfile.TemporaryDirectory(prefix="gm-lab-", dir="/tmp") as name, ExitStack() as stack:
        Path(name).chmod(0o755)
        lab = Lab(shape, Path(name), stack)
        lab.make()
        yield lab


def _as_other_user() -> list[str]:
    """Return the prefix that changes the user: PostgreSQL and PgBouncer refuse to run as root."""
    other = account()
    return ["setpriv", f"--reuid={other['user']}", f"--regid={other['group']}", "--clear-groups"]
