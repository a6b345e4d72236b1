"""The service of a lab: its hosts, and the processes on each."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import find_server
from gonemaster_tasks.errors import TasksError
from tests.distributed.lab.web import Api
from tests.support.certificates import make_certificates
from tests.support.faketime import stepping_clock, wrong_clock
from tests.support.networks import Host, Switch, network
from tests.support.postgres import QUICK, USER, PostgresServer, account, find_binaries
from tests.support.redis_addresses import documented_rules
from tests.support.workers import ROOT, STAND_IN, wait_until

SLOTS = 4  # of each worker host
START_S = 240
SOUND_S = 90  # reconciler and reaper have run by then
_LOOK_S = 0.5
_POSTGRES, _REDIS, _TLS, _SENTINEL, _POOLER = 5432, 6379, 6380, 26379, 6432
_MASTER, _DATABASE = "lab", "db.lab"
ROLE = "service"  # in PostgreSQL and Redis, if they require a password
# Commits wait for a synchronous standby if there is one; the tests do not depend on durable disks.
_WAITING = {**QUICK, "synchronous_commit": "on"}
_END_CLIENTS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
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
    tls: bool = False  # PostgreSQL and Redis are reached over TLS, and their certificates are verified
    passwords: bool = False  # PostgreSQL and Redis require a password
    release: str = ""  # a commit of an earlier release that all processes have at first

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
    release: Path = ROOT  # the sources of processes that are started from now on
    redis_password: str = "old"  # of processes that are started from now on

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

    @property
    def processes(self) -> list[str]:
        """The names of the hosts with processes of the service."""
        return [name for name in self.hosts if name.startswith(("api", "beat", "worker"))]

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
        """Let the name of the database lead to this host from now on."""
        self._names.write_text(f"127.0.0.1 localhost\n{self[host].address} {_DATABASE}\n")

    def use_release(self, commit: str) -> None:
        """Migrate the database as a release does, and start its processes from now on; without a commit, this one."""
        self.release = earlier_release(commit, self.directory / commit) if commit else ROOT
        environ = {**self._environ("upgrade"), "GONEMASTER_DB_DSN": self._dsn(direct=True)}
        command = [sys.executable, "-m", "gonemaster_api.server", "db", "upgrade"]
        done = subprocess.run(
            command, cwd=self.release, env=os.environ | environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def renew_certificates(self, *, ends_in: timedelta = timedelta(days=1)) -> None:
        """Give PostgreSQL and Redis certificates of another authority, and end all connections.

        Clients trust the authorities from before, too.
        """
        for name in ("db1", "redis1"):
            self._make_certificate(name, ends_in)
        self["redis1"].run("pkill", "-HUP", "-f", "tests.support.tls_front")
        with self.databases[0].cursor(self.database) as cursor:
            cursor.execute("SELECT pg_reload_conf()")
        self.end_connections()

    def _make_certificate(self, name: str, ends_in: timedelta) -> None:
        folder = self._keys(name)
        folder.mkdir(exist_ok=True)
        made = make_certificates(folder, self[name].address, ends_in=ends_in)
        with self._authorities.open("ab") as file:
            file.write(made.authority.read_bytes())
        made.key.chmod(0o600)
        if other := account() if name == "db1" else {}:
            shutil.chown(made.key, other["user"], other["group"])

    def _keys(self, name: str) -> Path:
        return self.directory / f"keys-{name}"

    @property
    def _authorities(self) -> Path:
        return self.directory / "authorities.pem"

    def end_connections(self) -> None:
        """End all connections of PostgreSQL and Redis, so that the clients connect again."""
        with self.databases[0].cursor(self.database) as cursor:
            cursor.execute(_END_CLIENTS)
        with closing(self.redis("redis1")) as client:
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind)

    def write_database_password(self, password: str) -> None:
        """Replace the file from which clients read the password of PostgreSQL."""
        new = self._passfile.with_suffix(".new")
        new.write_text(f"*:*:*:{ROLE}:{password}\n")
        new.chmod(0o600)
        new.replace(self._passfile)

    @property
    def _passfile(self) -> Path:
        return self.directory / "pgpass"

    @property
    def _names(self) -> Path:
        return self.directory / "names"

    def starts(self) -> list[dict[str, Any]]:
        """Return the starts by workers in order."""
        file = self.directory / "starts.jsonl"
        if not file.exists():
            return []
        complete, _, _ = file.read_text().rpartition("\n")  # A worker may be writing the last line.
        return [json.loads(line) for line in complete.splitlines()]

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

    def stop(self, name: str) -> None:
        """Stop the processes of an API, beat or worker host as an operator does."""
        # The host sees no processes of others. The oldest of its Python processes is the parent of the others.
        self[name].run("pkill", "-TERM", "-o", "-f", r"^\S+ -m (gonemaster|tests)")
        wait_until(lambda: self.programs[name].poll() is not None, what=f"the end of {name}")

    def restart(self, name: str) -> None:
        """Restart everything on a host that lost power. A Redis host and its Sentinel find their files unchanged."""
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
        self.use_release(self.shape.release)
        wait_until(self._broker_answers, what="the broker")
        for name in self.processes:
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
        primary = PostgresServer(_WAITING | self._tls_of_database(), on=self["db1"], disk=disk)
        self.databases.append(self.stack.enter_context(primary))
        self.database = primary.create_database()
        if self.shape.passwords:
            self._want_password(primary)
        if self.shape.standby:
            if not (find_binaries() / "pg_basebackup").exists():
                pytest.skip("this PostgreSQL has no pg_basebackup to make a standby")
            standby = PostgresServer(_WAITING, on=self["db2"], standby_of=primary)
            self.databases.append(self.stack.enter_context(standby))

    def _tls_of_database(self) -> dict[str, str]:
        if not self.shape.tls:
            return {}
        self._make_certificate("db1", timedelta(days=1))
        keys = self._keys("db1")
        return {"ssl": "on", "ssl_cert_file": str(keys / "server.pem"), "ssl_key_file": str(keys / "server.key")}

    def _want_password(self, primary: PostgresServer) -> None:
        self.write_database_password("old")
        rules = primary.home / "hba.conf"
        rules.write_text(f"host all {ROLE} all scram-sha-256\n{rules.read_text()}")
        with primary.cursor(self.database) as cursor:
            cursor.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'old' IN ROLE {USER}")
            cursor.execute("SELECT pg_reload_conf()")

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
        if self.shape.passwords:
            options["user"] = f"{ROLE} {' '.join(documented_rules(self.redis_password))}"
        words = [word for key, value in options.items() for word in (f"--{key}", *value.split(" "))]
        self._start(name, [find_server(), *words])
        if self.shape.tls:
            self._make_certificate(name, timedelta(days=1))
            ports, keys = (str(_TLS), str(_REDIS)), self._keys(name)
            front: list[str | Path]
            front = [sys.executable, "-m", "tests.support.tls_front", *ports, keys / "server.pem", keys / "server.key"]
            self._start(f"{name}-tls", front, on=name)

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
            self.programs[name] = host.start_program(command, log, environ=environ or {}, cwd=self.release)

    def _environ(self, name: str) -> dict[str, str]:
        return {
            "PYTHONPATH": str(self.release),
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
        secure = f" sslmode=verify-full sslrootcert={self._authorities}" if self.shape.tls else ""
        login = f"{ROLE} passfile={self._passfile}" if self.shape.passwords and not direct else USER
        return f"host={addresses} port={_POSTGRES} user={login} dbname={self.database}{secure}"

    def _broker_url(self) -> str:
        if self.shape.tls:
            return f"rediss://{self['redis1'].address}:{_TLS}/0?ssl_ca_certs={self._authorities}"
        if not self.shape.sentinels:
            login = f"{ROLE}:{self.redis_password}@" if self.shape.passwords else ""
            return f"redis://{login}{self['redis1'].address}:{_REDIS}/0"
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


def earlier_release(commit: str, directory: Path) -> Path:
    """Unpack an earlier state of this repository; skip the test if the history does not have it."""
    if subprocess.run(["git", "cat-file", "-e", commit], cwd=ROOT, check=False, capture_output=True).returncode:
        pytest.skip(f"this copy of the repository does not have its history: {commit} is missing")
    directory.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", directory], input=archive, check=True)
    return directory


def _as_other_user() -> list[str]:
    """Return the prefix that changes the user: PostgreSQL and PgBouncer refuse to run as root."""
    other = account()
    return ["setpriv", f"--reuid={other['user']}", f"--regid={other['group']}", "--clear-groups"]
